"""The parts of the supervisor that need no process: what it is told, whom it finds, and whether it is wanted."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.config import Config
from cgtune.mode import choose_mode
from cgtune.supervise.descendants import describe_all, find_descendants, parse_parent
from cgtune.supervise.job import Job, pack, unpack
from tests.unit.command import PACKAGE


def test_a_job_arrives_as_it_was_sent() -> None:
    """Whatever is in it; and it is small enough for a pipe of one page."""
    job = Job(
        pid=7,
        rewrites=tuple((number, 0) for number in range(1, 65)),
        exit_codes=tuple((code, 255) for code in range(256)),
        is_group=True,
        stop_timeout_seconds=2.5,
    )
    assert unpack(pack(job)) == job
    assert unpack(pack(Job())) == Job()
    assert len(pack(job)) < 4096


STATS = {
    b"7 (sleep) S 3 7 7 0 -1": 3,
    b"7 (a) b) (c) R 4 7 7 0": 4,
    b"7 (\n) S 5 1\n": 5,
    b"7 () D 6 7": 6,
    b"7 (sleep) Z 3 7 7": 3,
    b"7 (sleep) S": None,
    b"7 (sleep) S x": None,
    b"7 (sleep": None,
    b"": None,
}


@pytest.mark.parametrize("stat", STATS)
def test_a_parent_is_read_behind_the_name(stat: bytes) -> None:
    """Which may hold brackets, blanks and line ends. A zombie is listed: its other threads may live."""
    assert parse_parent(stat) == STATS[stat]


@given(st.binary(max_size=60))
def test_whatever_the_kernel_writes_is_a_parent_or_none(stat: bytes) -> None:
    """Never an error."""
    parent = parse_parent(stat)
    assert parent is None or parent >= 0


def test_descendants_are_found_over_all_generations() -> None:
    """And no strangers, no matter in which order they are listed."""
    parents = [(9, 5), (5, 2), (3, 1), (2, 1), (8, 3), (7, 6), (6, 0)]
    assert find_descendants(1, parents) == [3, 2, 8, 5, 9]
    assert find_descendants(7, parents) == []
    # A process id that has been used again meanwhile must not lead round in a circle.
    assert find_descendants(1, [(2, 1), (1, 2)]) == [2, 1]


def test_who_is_below_us_is_named() -> None:
    """With the process id that a person would look for."""
    process = subprocess.Popen(["sleep", "60"])
    try:
        assert f"{process.pid} sleep" in describe_all(process.pid)
    finally:
        process.kill()
        process.wait()


# config, PID 1, NOTIFY_SOCKET, COMMAND is cgtune -> mode and why
MODES: dict[str, tuple[Config, bool, bool, bool, str, str]] = {
    "PID 1": (Config(), True, False, False, "supervise", "PID 1"),
    "not PID 1": (Config(), False, False, False, "exec", "not PID 1"),
    "asked for": (Config(supervise=True), False, False, False, "supervise", "--supervise"),
    "asked for, of systemd": (Config(supervise=True), False, True, False, "supervise", "--supervise"),
    "needed": (Config(map_exit=((143, 0),)), False, False, False, "supervise", "--map-exit"),
    "needed with a zero": (Config(orphan_grace=0.0), False, False, False, "supervise", "--orphan-grace"),
    "systemd": (Config(), False, True, False, "exec", "NOTIFY_SOCKET: systemd takes readiness from the main process"),
    "systemd, PID 1": (
        Config(),
        True,
        True,
        False,
        "exec",
        "NOTIFY_SOCKET: systemd takes readiness from the main process",
    ),
    "exec": (Config(exec=True), True, False, False, "exec", "--exec"),
    "cgtune": (Config(), True, False, True, "exec", "the program is cgtune, which decides for itself"),
    "cgtune, asked for": (Config(group=True), True, False, True, "supervise", "--group"),
}


@pytest.mark.parametrize("case", MODES)
def test_the_lowest_row_that_applies_decides(case: str) -> None:
    """Whether cgtune stays."""
    config, is_first, has_notify_socket, is_ours, name, reason = MODES[case]
    for obstacle in (None, "not here"):
        mode = choose_mode(
            config, is_first=is_first, has_notify_socket=has_notify_socket, is_ours=is_ours, obstacle=obstacle
        )
        if name == "supervise" and obstacle:
            assert (mode.name, mode.problem) == ("exec", f"cannot supervise ({reason}): not here")
        else:
            assert (mode.name, mode.reason, mode.problem) == (name, reason, None)


def test_the_supervisor_loads_no_more_than_it_needs() -> None:
    """Under -I -S: its own few modules, and of the standard library what a bare Python has not loaded, four."""
    code = "import sys; before = set(sys.modules); sys.path.append(sys.argv[1]); import cgtune.supervise.loop; "
    code += "print(*sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, PACKAGE.parent], capture_output=True, encoding="utf-8", check=True
    )
    loaded = set(done.stdout.split())
    assert {name for name in loaded if name.startswith("cgtune")} == {
        "cgtune",
        "cgtune.errors",
        "cgtune.messages",
        "cgtune.records",
        "cgtune.signals",
        "cgtune.supervise",
        "cgtune.supervise.descendants",
        "cgtune.supervise.job",
        "cgtune.supervise.letting_go",
        "cgtune.supervise.loop",
        "cgtune.supervise.stopping",
        "cgtune.supervise.terminal",
    }
    # What `os` is made of; Pythons differ in how much of it they have at their start.
    os_parts = {"_collections_abc", "_stat", "abc", "_abc", "genericpath", "os", "os.path", "posixpath", "stat"}
    assert {name for name in loaded if not name.startswith("cgtune")} - os_parts == {"__future__"}
