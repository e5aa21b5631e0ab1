"""From a process to the folder of its cgroup, and the counters in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cgroup_dirs import find
from lab.oom import Throttling, limit_hits, oom_kills, throttling

_MOUNTINFO = """\
30 20 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
31 20 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory
32 20 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
"""


@pytest.mark.parametrize(
    ("membership", "controller", "folder"),
    [
        ("4:memory:/docker/1f\n0::/docker/1f\n", "memory", "/sys/fs/cgroup/memory/docker/1f"),
        ("2:cpu,cpuacct:/a\n", "cpu", "/sys/fs/cgroup/cpu,cpuacct/a"),
        ("4:memory:/a\n0::/b\n", "pids", "/sys/fs/cgroup/unified/b"),
        ("4:memory:/\n", "memory", "/sys/fs/cgroup/memory"),
        ("4:memory:/a\n", "pids", None),
    ],
    ids=["hybrid", "joint", "only-v2-has-it", "root", "nobody-has-it"],
)
def test_find(membership: str, controller: str, folder: str | None) -> None:
    """A v1 hierarchy that has the controller goes before the v2 tree."""
    assert find(membership, _MOUNTINFO, controller) == (Path(folder) if folder else None)


def test_a_mount_of_a_branch_shows_only_that_branch() -> None:
    """In a container the mount's root is a cgroup, and paths are relative to it."""
    mountinfo = "31 20 0:24 /docker/1f /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
    assert find("0::/docker/1f/worker\n", mountinfo, "cpu") == Path("/sys/fs/cgroup/worker")
    assert find("0::/docker/2e\n", mountinfo, "cpu") is None


def test_counters_of_v1(tmp_path: Path) -> None:
    """v1 counts OOM kills in memory.oom_control, limit hits in failcnt files, throttling in nanoseconds."""
    (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    (tmp_path / "memory.failcnt").write_text("5\n")
    (tmp_path / "memory.memsw.failcnt").write_text("2\n")
    (tmp_path / "cpu.stat").write_text("nr_periods 50\nnr_throttled 43\nthrottled_time 1850000000\n")
    assert oom_kills(tmp_path) == 3
    assert limit_hits(tmp_path) == 7
    assert throttling(tmp_path) == Throttling(50, 43, 1.85)


def test_counters_of_v2(tmp_path: Path) -> None:
    """v2 counts OOM kills and limit hits in memory.events, throttling in microseconds."""
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 18\noom 1\noom_kill 1\noom_group_kill 0\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 1\nnr_periods 50\nnr_throttled 43\nthrottled_usec 1850000\n")
    assert oom_kills(tmp_path) == 1
    assert limit_hits(tmp_path) == 18
    assert throttling(tmp_path) == Throttling(50, 43, 1.85)
