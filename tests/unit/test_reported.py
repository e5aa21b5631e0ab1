"""What is read beside CPU and memory limits: gVisor's memory, processes, weight, burst, pressure."""

from __future__ import annotations

import pytest

from cgtune.detect import read_limits
from tests.unit.trees import CGROUP, Content, MemoryHost, v1_tree, v2_tree

GVISOR = "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016\n"


@pytest.mark.parametrize(("version", "limit_bytes"), [(GVISOR, 131072), ("Linux version 6.1.0\n", None)])
def test_gvisor_shows_its_limit_as_the_machine(version: str, limit_bytes: int | None) -> None:
    """It has no cgroup files; on any other kernel the machine's memory is no limit."""
    limits = read_limits(MemoryHost({"/proc/version": version, "/proc/meminfo": "MemTotal: 128 kB\n"}))
    assert limits.memory.limit_bytes == limit_bytes
    assert ("MEMORY_FROM_MACHINE" in [notice.code for notice in limits.notices]) is (limit_bytes is not None)


@pytest.mark.parametrize(
    ("tree", "limit", "current"),
    [
        (
            v2_tree(
                "/a/b",
                {"a/b/pids.max": "max\n", "a/b/pids.current": "3\n", "a/pids.max": "20\n", "a/pids.current": "9\n"},
            ),
            20,
            9,
        ),
        (v2_tree("/a", {"a/pids.max": "max\n", "a/pids.current": "3\n"}), None, 3),
        (v1_tree("/a", {"pids/a/pids.max": "20\n", "pids/a/pids.current": "5\n"}), 20, 5),
        (v2_tree("/a", {"a/pids.max": "x\n", "a/pids.current": "5\n"}), None, None),
        (v2_tree("/a", {"a/cgroup.procs": "1\n"}), None, None),
    ],
    ids=["parent", "none", "v1", "broken", "absent"],
)
def test_processes(tree: dict[str, Content], limit: int | None, current: int | None) -> None:
    """The tightest pids.max of all levels, with the use of that level."""
    limits = read_limits(MemoryHost(tree))
    assert limits.pids.limit == limit
    assert ("pids" in limits.unknown) is (tree.get(f"{CGROUP}/a/pids.max") == "x\n")
    if "pids" not in limits.unknown:
        assert limits.pids.current == current


def test_weight_and_burst_are_only_reported() -> None:
    """Neither changes the quota or the effective cores."""
    files: dict[str, Content] = {"cpu.max": "150000 100000\n", "cpu.max.burst": "50000\n", "cpu.weight": "39\n"}
    cpu = read_limits(MemoryHost(v2_tree("/", files))).cpu
    assert (cpu.quota_cores, cpu.effective_cores, cpu.burst_us, cpu.weight, cpu.shares) == (1.5, 1.5, 50000, 39, None)


PRESSURE = "some avg10=1.00 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"


def test_pressure_is_the_leafs_and_only_of_v2() -> None:
    """A kernel without PSI gives an error on reading, which is none and no fault; v1 has none at all."""
    files: dict[str, Content] = {"a/memory.pressure": PRESSURE, "cpu.pressure": PRESSURE}
    tree: dict[str, Content | OSError] = {**v2_tree("/a", files), f"{CGROUP}/a/io.pressure": OSError(95, "no PSI")}
    limits = read_limits(MemoryHost(tree))
    assert limits.pressure is not None
    assert (limits.pressure.cpu, limits.pressure.io) == (None, None)
    assert limits.pressure.memory is not None
    assert limits.pressure.memory.some_total_us == 7
    assert limits.unknown == ()
    assert read_limits(MemoryHost(v1_tree("/", {"memory/memory.pressure": PRESSURE}))).pressure is None
