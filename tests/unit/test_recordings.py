"""`--root`: nothing comes from outside the tree, and what the tree does not hold is said."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from cgtune.detect import read_limits
from cgtune.host import Host
from tests.unit.command import call, complaint
from tests.unit.trees import below, lay_out, v2_tree

LIMITED = v2_tree("/a", {"a/cpu.max": "50000 100000\n", "a/memory.max": "1000000\n", "a/pids.max": "9\n"})


def test_an_empty_tree_is_unknown_and_says_why(tmp_path: Path) -> None:
    """A mistyped recording must not look like an answer: cpu, memory and pids are all unknown, with a notice."""
    seen = json.loads(call("inspect", "--json", "--root", tmp_path).stdout)
    assert {"cpu", "memory", "pids"} <= set(seen["unknown"])
    assert [notice["code"] for notice in seen["notices"]] == ["MEMBERSHIP_MISSING"]
    table = call("inspect", "--root", tmp_path).stdout
    assert "no limit\n" not in table


def test_the_root_folder_itself_is_a_recording() -> None:
    """`--root /` reads this machine's files, and not the caller's variables."""
    variables = {"CGTUNE_CPU_LIMIT": "0.25"}
    here = json.loads(call("inspect", "--json", environment=variables).stdout)
    recorded = json.loads(call("inspect", "--json", "--root", "/", environment=variables).stdout)
    declared = [seen["declared"]["cpu_limit_cores"] for seen in (here, recorded)]
    assert declared == [0.25, None]


def test_a_relative_root_is_taken_from_here(tmp_path: Path) -> None:
    """And a folder that was removed meanwhile is a usage error, no fault of ours."""
    lay_out(tmp_path / "tree", LIMITED)
    done = call("inspect", "--json", "--root", "tree", directory=tmp_path)
    assert json.loads(done.stdout)["cpu"]["quota_cores"] == 0.5


@pytest.mark.parametrize("target", ["/nowhere", "../../../../../../../../outside", "memory.max"])
def test_a_link_that_leads_nowhere_is_unknown(tmp_path: Path, target: str) -> None:
    """The entry is there and cannot be read: no "no limit"."""
    lay_out(tmp_path / "tree", LIMITED)
    (tmp_path / "outside").write_text("5\n")
    path = tmp_path / "tree" / below("a/memory.max").lstrip("/")
    path.unlink()
    path.symlink_to(target)
    limits = read_limits(Host(str(tmp_path / "tree")))
    assert (limits.memory.status, limits.cpu.status) == ("unknown", "limited")


def test_a_path_that_is_no_text_is_json_to_strict_readers(tmp_path: Path) -> None:
    """A byte that is no UTF-8 is written as `\\xff`, never as half a surrogate pair."""
    lay_out(tmp_path, {**v2_tree("/a", {}), "/proc/self/cgroup": b"0::/a\xff\n"})
    text = call("inspect", "--json", "--root", tmp_path).stdout
    assert "\\ud" not in text
    assert json.loads(text)["cpu"]["path"] == "/a\\xff"


def test_a_deep_tree_takes_seconds_at_the_most(tmp_path: Path) -> None:
    """A thousand levels are read, and not each from the root again."""
    path = "/" + "/".join("a" * 1000)
    lay_out(tmp_path, v2_tree(path, {}))
    start = time.monotonic()
    read_limits(Host(str(tmp_path)))
    assert time.monotonic() - start < 10


def test_inspect_is_strict_about_variables_of_its_own() -> None:
    """A wrong declared limit is an error for people; `run`'s options are not inspect's business."""
    wrong = call("inspect", environment={"CGTUNE_MEMORY_LIMIT": "512m"})
    assert (wrong.returncode, "512Mi?" in complaint(wrong)) == (2, True)
    assert call("inspect", environment={"CGTUNE_WORKERS": "junk"}).returncode == 0


@pytest.mark.parametrize("command", ["run", "inspect"])
def test_the_help_fits_a_terminal(command: str) -> None:
    """At most 80 columns."""
    assert max(map(len, call(command, "--help").stdout.splitlines())) <= 80
