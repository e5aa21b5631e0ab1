"""One figure over a chain of cgroups: the tightest level binds, and an unknown level makes all unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.detect import read_limits
from cgtune.limits import Limits
from tests.unit.trees import CGROUP, MIB, V1_NO_LIMIT, Content, MemoryHost, v1_tree, v2_tree

LEAF = "/top/mid/leaf"
LEVELS = ("/top/mid/leaf", "/top/mid", "/top", "")
DENIED = PermissionError(13, "Permission denied")


def machine(version: int, cpu: list[float | None], memory: list[int | None]) -> dict[str, Content]:
    """A machine with a limit, or none, on each of the levels, leaf first; memory in MiB."""
    files: dict[str, Content] = {}
    for level, cores, mebibytes in zip(LEVELS, cpu, memory, strict=True):
        if version == 2:
            files[f"{CGROUP}{level}/cpu.max"] = f"{'max' if cores is None else int(cores * 1e5)} 100000\n"
            files[f"{CGROUP}{level}/memory.max"] = "max\n" if mebibytes is None else f"{mebibytes * MIB}\n"
            continue
        files[f"{CGROUP}/cpu,cpuacct{level}/cpu.cfs_quota_us"] = f"{-1 if cores is None else int(cores * 1e5)}\n"
        files[f"{CGROUP}/cpu,cpuacct{level}/cpu.cfs_period_us"] = "100000\n"
        limit = V1_NO_LIMIT if mebibytes is None else f"{mebibytes * MIB}\n"
        files[f"{CGROUP}/memory{level}/memory.limit_in_bytes"] = limit
    return v2_tree(LEAF, files) if version == 2 else v1_tree(LEAF, files)


def directory(version: int, controller: str, level: int) -> str:
    """The folder of a level."""
    return f"{CGROUP}{'' if version == 2 else '/' + controller}{LEVELS[level]}"


def read(files: dict[str, Content]) -> Limits:
    """One detection."""
    return read_limits(MemoryHost(files))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("cores", "tightest"),
    [
        ([0.5, 1, 2, 4], 0),
        ([2, 1, 4, 8], 1),
        ([2, 4, 1, 8], 2),
        ([2, 4, 8, 1], 3),
        ([None, 1.5, None, None], 1),
        ([None, None, None, 0.25], 3),
        ([0.1, None, None, None], 0),
        ([2, 2, 2, 2], 0),
    ],
    ids=str,
)
def test_the_tightest_cpu_quota_of_all_levels_binds(version: int, cores: list[float | None], tightest: int) -> None:
    """Whether the leaf, its parent or a grandparent has it; of equals the closest is named."""
    cpu = read(machine(version, cores, [None] * 4)).cpu
    assert (cpu.status, cpu.quota_cores) == ("limited", cores[tightest])
    assert cpu.limit_dir == directory(version, "cpu,cpuacct", tightest)
    assert cpu.dir == directory(version, "cpu,cpuacct", 0)
    assert cpu.source == cpu.limit_dir + ("/cpu.max" if version == 2 else "/cpu.cfs_quota_us")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("mebibytes", "tightest"),
    [
        ([100, 200, 300, 400], 0),
        ([200, 100, 300, 400], 1),
        ([200, 300, 100, 400], 2),
        ([None, None, 512, None], 2),
        ([0, 100, None, None], 0),
    ],
    ids=str,
)
def test_the_tightest_memory_limit_of_all_levels_binds(
    version: int, mebibytes: list[int | None], tightest: int
) -> None:
    """The same of memory; zero is a limit."""
    memory = read(machine(version, [None] * 4, mebibytes)).memory
    assert (memory.status, memory.limit_bytes) == ("limited", (mebibytes[tightest] or 0) * MIB)
    assert memory.limit_dir == directory(version, "memory", tightest)


@pytest.mark.parametrize("version", [1, 2])
def test_no_limit_on_any_level_is_unlimited(version: int) -> None:
    """Unlimited is null with a status, never a number."""
    limits = read(machine(version, [None] * 4, [None] * 4))
    assert (limits.cpu.status, limits.cpu.quota_cores, limits.cpu.limit_dir) == ("unlimited", None, None)
    assert (limits.memory.status, limits.memory.limit_bytes) == ("unlimited", None)
    assert limits.unknown == ()


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("level", range(4))
@pytest.mark.parametrize("fault", ["12 monkeys\n", "", DENIED], ids=["garbage", "empty", "denied"])
def test_a_level_that_cannot_be_read_makes_the_figure_unknown(version: int, level: int, fault: str | OSError) -> None:
    """Also where other levels are tighter than anything seen: the one that is hidden may be tighter still."""
    files = machine(version, [4, 3, 2, 1], [4, 3, 2, 1])
    names = ("cpu.max", "memory.max") if version == 2 else ("cpu.cfs_quota_us", "memory.limit_in_bytes")
    sources = [
        f"{directory(version, controller, level)}/{name}"
        for controller, name in zip(("cpu,cpuacct", "memory"), names, strict=True)
    ]
    broken: dict[str, Content | OSError] = {**files, **dict.fromkeys(sources, fault)}
    limits = read_limits(MemoryHost(broken))
    assert (limits.cpu.status, limits.cpu.quota_cores, limits.cpu.effective_cores) == ("unknown", None, None)
    assert (limits.memory.status, limits.memory.limit_bytes, limits.memory.effective_bytes) == ("unknown", None, None)
    assert set(limits.unknown) >= {"cpu", "memory"}
    assert {limits.cpu.source, limits.memory.source} == set(sources)
    code = "LEVEL_UNREADABLE" if fault is DENIED else "LEVEL_MALFORMED"
    assert {(notice.code, notice.path) for notice in limits.notices} == {(code, source) for source in sources}


V1_WITH_GAPS: dict[str, Content] = {
    "cpu,cpuacct/a/b/cgroup.procs": "1\n",
    "cpu,cpuacct/a/cpu.cfs_quota_us": "300000\n",
    "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
    "memory/a/b/cgroup.procs": "1\n",
    "memory/a/memory.limit_in_bytes": "3000\n",
}
V2_WITH_GAPS: dict[str, Content] = {
    "a/b/cgroup.procs": "1\n",
    "a/cpu.max": "300000 100000\n",
    "a/memory.max": "3000\n",
}


@pytest.mark.parametrize("tree", [v1_tree("/a/b", V1_WITH_GAPS), v2_tree("/a/b", V2_WITH_GAPS)], ids=["v1", "v2"])
def test_a_level_without_the_file_sets_no_limit(tree: dict[str, Content]) -> None:
    """A controller need not be enabled on every level; the root of v2 never has the files."""
    limits = read(tree)
    assert (limits.cpu.quota_cores, limits.memory.limit_bytes) == (3.0, 3000)
    assert limits.unknown == ()


CORES = st.lists(st.none() | st.sampled_from([0.1, 0.5, 1.0, 1.5, 2.0, 4.0]), min_size=4, max_size=4)
MEBIBYTES = st.lists(st.none() | st.integers(0, 4096), min_size=4, max_size=4)


@given(st.sampled_from([1, 2]), CORES, MEBIBYTES)
def test_the_limit_is_the_smallest_of_the_chain(
    version: int, cores: list[float | None], mebibytes: list[int | None]
) -> None:
    """For any limits on four levels, in both interfaces."""
    limits = read(machine(version, cores, mebibytes))
    assert limits.cpu.quota_cores == min((value for value in cores if value is not None), default=None)
    smallest = min((value for value in mebibytes if value is not None), default=None)
    assert limits.memory.limit_bytes == (None if smallest is None else smallest * MIB)
