"""The bugs listed in `known_bugs.md`: that each has its proof, and the proofs that stand nowhere else."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from cgtune.host import Host
from tests.unit.command import PACKAGE, call
from tests.unit.test_cases import CASES
from tests.unit.trees import Content, Follow, v2_tree

HERE = Path(__file__).parent
ROW = re.compile(r"\| (\d+) \| (.+) \| (.+) \| (.+) \|")
BUGS = [
    match.groups() for match in map(ROW.fullmatch, (HERE / "known_bugs.md").read_text("utf-8").splitlines()) if match
]


def test_every_bug_is_listed_once() -> None:
    """In order; only one is no bug of a reader, and says so instead of naming a proof."""
    assert [int(number) for number, *_ in BUGS] == list(range(1, 66))
    assert [number for number, *_, proof in BUGS if "`" not in proof] == ["64"]


@pytest.mark.parametrize(("number", "proof"), [(number, proof) for number, *_, proof in BUGS])
def test_the_proof_of_a_bug_exists(number: str, proof: str) -> None:
    """Each named case is a file, and each named test a function."""
    for name in re.findall(r"`([^`]+)`", proof):
        file, _, function = name.partition("::")
        if function:
            assert re.search(rf"^def {function}\(", (HERE / file).read_text("utf-8"), re.MULTILINE), number
        else:
            assert (CASES / f"{name}.json").is_file(), number


AUDITED = """
import os, sys
sys.path.insert(0, sys.argv.pop(1))
def audit(event, arguments):
    if event == "open" and str(arguments[0]).startswith(("/proc/", "/sys/")):
        os.write(2, f"opened {arguments[0]}\\n".encode())
from cgtune.__main__ import main
sys.addaudithook(audit)
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has kernel files")
@pytest.mark.parametrize("switch", ["off", None])
def test_switched_off_opens_no_kernel_file(switch: str | None) -> None:
    """With CGTUNE=off `run` opens nothing below /proc and /sys; without it, it does."""
    environment = {} if switch is None else {"CGTUNE": switch}
    python = [sys.executable, "-c", AUDITED, str(PACKAGE.parent)]
    done = call("run", "--", "true", environment=environment, python=python)
    assert done.returncode == 0, done.stderr
    opened = [line for line in done.stderr.splitlines() if line.startswith("opened ")]
    assert ("opened /proc/self/cgroup" in opened) is (switch is None)
    assert switch is None or opened == []


def test_a_refresh_opens_nothing(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at again is looked at through descriptors that stay open; a fresh read opens each file."""
    opened: list[str] = []
    real_open = Host.open

    def count(self: Host, path: str) -> int | None:
        opened.append(path)
        return real_open(self, path)

    monkeypatch.setattr(Host, "open", count)
    files: dict[str, Content] = {"a/b/cpu.max": "50000 100000\n", "a/b/memory.max": "5\n", "a/b/pids.max": "9\n"}
    reader = follow(v2_tree("/a/b", files))
    first = reader.refresh()
    assert len(opened) > len(files)
    opened.clear()
    for _ in range(10):
        assert reader.refresh() is first
    # A recorded tree has its affinity in a file; the machine itself is asked by a system call.
    assert set(opened) == {"/proc/self/status"}
    reader.read()
    assert len(opened) > 10 + len(files)
