"""What v1 and v2 say of memory beside the plain limit: sentinels, hidden ancestors, swap, use and headroom."""

from __future__ import annotations

import pytest

from cgtune.detect import read_limits
from cgtune.limits import Limits, Memory
from tests.unit.trees import CGROUP, MIB, V1_NO_LIMIT, Content, MemoryHost, v1_mount, v1_tree, v2_tree

V1 = f"{CGROUP}/memory"


def of_v1(files: dict[str, Content], path: str = "/", *mounts: str) -> Limits:
    """A detection on v1; the files are below the memory mount."""
    return read_limits(MemoryHost(v1_tree(path, {f"memory/{name}": text for name, text in files.items()}, *mounts)))


def of_v2(files: dict[str, Content], path: str = "/") -> Memory:
    """The memory of a detection on v2."""
    return read_limits(MemoryHost(v2_tree(path, files))).memory


@pytest.mark.parametrize("page_bytes", [4096, 16384, 65536])
def test_v1_writes_no_limit_as_the_largest_number_of_whole_pages(page_bytes: int) -> None:
    """Which differs on arm64 and ppc64 with 16 and 64 KiB pages; on each it is null, in every file."""
    sentinel = f"{(2**63 - 1) // page_bytes * page_bytes}\n"
    memory = of_v1(
        {
            "memory.limit_in_bytes": sentinel,
            "memory.soft_limit_in_bytes": sentinel,
            "memory.memsw.limit_in_bytes": sentinel,
            "memory.stat": f"hierarchical_memory_limit {sentinel}",
        }
    ).memory
    assert memory.status == "unlimited"
    assert (memory.limit_bytes, memory.soft_limit_bytes, memory.swap_limit_bytes) == (None, None, None)


@pytest.mark.parametrize("text", ["-1\n", "18446744073709551615\n", "9223372036854775807\n", "4611686018427387904\n"])
def test_other_ways_to_say_no_limit_in_v1(text: str) -> None:
    """Old kernels, 32-bit programs and lxcfs write these."""
    assert of_v1({"memory.limit_in_bytes": text}).memory.status == "unlimited"


def test_the_largest_limit_is_kept() -> None:
    """Below 2**62 a number is a limit, however large: the negative control of the sentinels."""
    assert of_v1({"memory.limit_in_bytes": f"{2**62 - 4096}\n"}).memory.limit_bytes == 2**62 - 4096


def test_an_ancestor_that_is_not_mounted_shows_in_memory_stat() -> None:
    """v1's hierarchical_memory_limit is the kernel's own minimum over all ancestors."""
    stat = f"cache 1\nhierarchical_memory_limit {100 * MIB}\nhierarchical_memsw_limit 5\n"
    limits = of_v1({"memory.limit_in_bytes": V1_NO_LIMIT, "memory.stat": stat, "memory.usage_in_bytes": f"{MIB}\n"})
    assert (limits.memory.status, limits.memory.limit_bytes) == ("limited", 100 * MIB)
    assert limits.memory.source == f"{V1}/memory.stat"
    assert limits.memory.available_bytes == 99 * MIB
    assert [notice.code for notice in limits.notices] == ["HIDDEN_ANCESTOR"]


@pytest.mark.parametrize("hierarchical", [200, 300])
def test_a_hierarchical_limit_that_says_nothing_new_is_not_named(hierarchical: int) -> None:
    """Where a visible level is as tight, that level is the source."""
    stat = f"hierarchical_memory_limit {hierarchical * MIB}\n"
    limits = of_v1({"memory.limit_in_bytes": f"{200 * MIB}\n", "memory.stat": stat})
    assert (limits.memory.limit_bytes, limits.memory.source) == (200 * MIB, f"{V1}/memory.limit_in_bytes")
    assert limits.notices == ()


@pytest.mark.parametrize(
    "stat", ["", "cache 1\nhierarchical_memo", "hierarchical_memory_limit \n", "hierarchical_memory_limit -5\n"]
)
def test_a_broken_hierarchical_limit_makes_memory_unknown(stat: str) -> None:
    """Cut short or malformed, it may have held a limit tighter than all that can be seen."""
    memory = of_v1({"memory.limit_in_bytes": f"{200 * MIB}\n", "memory.stat": stat}).memory
    assert (memory.status, memory.limit_bytes, memory.effective_bytes) == ("unknown", None, None)


def test_a_moved_process_may_still_see_a_hidden_limit() -> None:
    """The stand-in's own file is unlimited, and the kernel's minimum over its ancestors is not."""
    stat = f"hierarchical_memory_limit {100 * MIB}\n"
    mount = v1_mount("memory", "/elsewhere")
    memory = of_v1({"memory.limit_in_bytes": V1_NO_LIMIT, "memory.stat": stat}, "/here", mount).memory
    assert (memory.status, memory.limit_bytes) == ("limited", 100 * MIB)


@pytest.mark.parametrize(
    ("leaf_says", "limit_mib"),
    [("0\n", 300), ("1\n", 100), ("x\n", 100), (None, 100)],
    ids=["0", "1", "broken", "absent"],
)
def test_without_use_hierarchy_ancestors_do_not_count(leaf_says: str | None, limit_mib: int) -> None:
    """Only a clear 0 loosens: no file (Linux 5.11 and later) and a broken one keep the ancestor's limit."""
    files: dict[str, Content] = {
        "a/memory.limit_in_bytes": f"{100 * MIB}\n",
        "a/b/memory.limit_in_bytes": f"{300 * MIB}\n",
    }
    if leaf_says is not None:
        files["a/b/memory.use_hierarchy"] = leaf_says
    assert of_v1(files, "/a/b").memory.limit_bytes == limit_mib * MIB


def test_without_use_hierarchy_an_unlimited_leaf_is_unlimited() -> None:
    """And its headroom is not counted against the ancestor."""
    files: dict[str, Content] = {
        "a/memory.limit_in_bytes": f"{100 * MIB}\n",
        "a/memory.usage_in_bytes": f"{90 * MIB}\n",
        "a/b/memory.limit_in_bytes": V1_NO_LIMIT,
        "a/b/memory.use_hierarchy": "0\n",
    }
    memory = of_v1(files, "/a/b").memory
    assert (memory.status, memory.available_bytes) == ("unlimited", None)


@pytest.mark.parametrize(
    ("memsw", "swap_bytes"), [(f"{300 * MIB}\n", 100 * MIB), (f"{200 * MIB}\n", 0), (V1_NO_LIMIT, None), (None, None)]
)
def test_v1_swap_is_memsw_less_memory(memsw: str | None, swap_bytes: int | None) -> None:
    """memory.memsw counts both; equal to memory it leaves no swap at all, which is 0 and not null."""
    files: dict[str, Content] = {"memory.limit_in_bytes": f"{200 * MIB}\n"}
    if memsw is not None:
        files["memory.memsw.limit_in_bytes"] = memsw
    assert of_v1(files).memory.swap_limit_bytes == swap_bytes


def test_v1_swap_is_not_told_where_memory_is_not() -> None:
    """memsw alone would overstate it by the whole of memory."""
    files: dict[str, Content] = {"memory.limit_in_bytes": "?\n", "memory.memsw.limit_in_bytes": f"{300 * MIB}\n"}
    assert of_v1(files).memory.swap_limit_bytes is None


def test_v2_wishes_are_no_limits() -> None:
    """memory.low, memory.high and memory.swap.max are reported beside the limit and change nothing in it."""
    memory = of_v2(
        {
            "memory.max": f"{400 * MIB}\n",
            "memory.high": f"{300 * MIB}\n",
            "memory.low": f"{100 * MIB}\n",
            "memory.swap.max": "0\n",
            "memory.oom.group": "1\n",
        }
    )
    assert (memory.limit_bytes, memory.effective_bytes) == (400 * MIB, 400 * MIB)
    assert (memory.high_bytes, memory.low_bytes, memory.swap_limit_bytes) == (300 * MIB, 100 * MIB, 0)
    assert memory.oom_group is True


@pytest.mark.parametrize(
    "name", ["memory.high", "memory.low", "memory.swap.max", "memory.oom.group", "memory.current"]
)
def test_a_broken_wish_is_named_and_costs_nothing_else(name: str) -> None:
    """The limit stays known; the figure is null and stands in `unknown`."""
    figures = {"memory.high": "high_bytes", "memory.low": "low_bytes", "memory.swap.max": "swap_limit_bytes"}
    figure = figures.get(name, "oom_group" if name == "memory.oom.group" else "usage_bytes")
    limits = read_limits(MemoryHost(v2_tree("/", {"memory.max": f"{MIB}\n", name: "broken\n"})))
    assert limits.unknown == (f"memory.{figure}",)
    assert (limits.memory.limit_bytes, getattr(limits.memory, figure)) == (MIB, None)


STAT_V1 = "inactive_file 9\ntotal_inactive_file 300\ntotal_dirty 20\ntotal_writeback 30\n"
STAT_V2 = "anon 5\ninactive_file 300\nfile_dirty 20\nfile_writeback 30\n"


def test_the_working_set_leaves_out_what_can_be_dropped_at_once() -> None:
    """Inactive file pages, less those that must be written first; v1 counts them under total_ names."""
    for memory in (
        of_v2({"memory.max": "2000\n", "memory.current": "1000\n", "memory.stat": STAT_V2}),
        of_v1({"memory.limit_in_bytes": "2000\n", "memory.usage_in_bytes": "1000\n", "memory.stat": STAT_V1}).memory,
    ):
        assert (memory.usage_bytes, memory.working_set_bytes) == (1000, 750)


@pytest.mark.parametrize(
    ("current", "stat", "room_bytes"),
    [
        ("1000", STAT_V2, 1250),
        ("1000", None, 1000),
        ("3000", None, 0),
        ("100", STAT_V2, 2000),
        ("1000", "inactive_file 10\nfile_dirty 99\n", 1000),
    ],
    ids=["with cache", "no stat", "over the limit", "more cache than use", "all dirty"],
)
def test_headroom_is_the_limit_less_the_working_set(current: str, stat: str | None, room_bytes: int) -> None:
    """Never below zero, never above the limit."""
    files: dict[str, Content] = {"memory.max": "2000\n", "memory.current": current}
    if stat is not None:
        files["memory.stat"] = stat
    assert of_v2(files).available_bytes == room_bytes


def test_the_level_with_the_least_room_need_not_have_the_tightest_limit() -> None:
    """A parent's other children use it up."""
    files: dict[str, Content] = {
        "pod/ctr/memory.max": "400\n",
        "pod/ctr/memory.current": "100\n",
        "pod/memory.max": "500\n",
        "pod/memory.current": "450\n",
    }
    memory = of_v2(files, "/pod/ctr")
    assert (memory.limit_bytes, memory.usage_bytes, memory.available_bytes) == (400, 100, 50)


def test_a_limited_level_that_does_not_count_leaves_the_room_unknown() -> None:
    """The other level's room would be looser than what is known."""
    files: dict[str, Content] = {
        "pod/ctr/memory.max": "400\n",
        "pod/ctr/memory.current": "100\n",
        "pod/memory.max": "500\n",
    }
    assert of_v2(files, "/pod/ctr").available_bytes is None


@pytest.mark.parametrize(("available", "room_bytes"), [("1", 1024), ("9", 3000), (None, 3000), ("x", None)])
def test_the_machine_may_have_less_than_the_headroom(available: str | None, room_bytes: int | None) -> None:
    """MemAvailable bounds it; a kernel without that line does not, and a broken line makes it unknown."""
    meminfo = "MemTotal: 1000 kB\n" + ("" if available is None else f"MemAvailable: {available} kB\n")
    files: dict[str, Content] = {"memory.max": "4000\n", "memory.current": "1000\n", "/proc/meminfo": meminfo}
    assert of_v2(files).effective_bytes == 4000
    assert of_v2(files).available_bytes == room_bytes
