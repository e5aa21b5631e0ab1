"""What may be used in effect: the kernel's figures, the machine, the affinity mask and the user's word together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.detect import read_limits
from cgtune.limits import Declared, Limits
from tests.unit.trees import CGROUP, MIB, Content, LiveMemoryHost, MemoryHost, v1_mount, v1_tree, v2_mount, v2_tree

DENIED = PermissionError(13, "Permission denied")
STATUS = "/proc/self/status"
ONLINE = "/sys/devices/system/cpu/online"
MEMINFO = "/proc/meminfo"


def codes(limits: Limits) -> list[str]:
    """The codes of the notices."""
    return [notice.code for notice in limits.notices]


def cpu_list(count: int) -> str:
    """A list of `count` CPUs as the kernel writes it."""
    return f"0-{count - 1}\n" if count > 1 else "0\n"


COUNTS = st.none() | st.integers(1, 64)


@given(
    st.none() | st.sampled_from([0.1, 0.5, 1.5, 8.0, 100.0]), COUNTS, COUNTS, COUNTS, st.none() | st.floats(0.1, 70)
)
def test_effective_cores_are_the_smallest_of_what_is_known(
    quota: float | None, cpuset: int | None, mask: int | None, online: int | None, declared: float | None
) -> None:
    """Never above any bound that is there, and one of them; null only where there is none at all."""
    files: dict[str, Content] = {"cpu.max": "max 100000\n" if quota is None else f"{int(quota * 1e5)} 100000\n"}
    if cpuset is not None:
        files["cpuset.cpus.effective"] = cpu_list(cpuset)
    if mask is not None:
        files[STATUS] = f"Cpus_allowed_list:\t{cpu_list(mask)}"
    if online is not None:
        files[ONLINE] = cpu_list(online)
    limits = read_limits(MemoryHost(v2_tree("/", files)), Declared(cpu_limit_cores=declared))
    bounds = [bound for bound in (quota, cpuset, mask, online, declared) if bound is not None]
    assert limits.cpu.effective_cores == min(bounds, default=None)
    assert limits.cpu.quota_cores == quota
    assert limits.unknown == ()


@given(st.none() | st.integers(0, 2**40), st.none() | st.integers(1, 2**30), st.none() | st.integers(1, 2**40))
def test_effective_bytes_are_the_smallest_of_what_is_known(
    limit: int | None, machine_kib: int | None, declared: int | None
) -> None:
    """The same of memory: limit, machine, and the user's word."""
    files: dict[str, Content] = {"memory.max": "max\n" if limit is None else f"{limit}\n"}
    if machine_kib is not None:
        files[MEMINFO] = f"MemTotal: {machine_kib} kB\n"
    memory = read_limits(MemoryHost(v2_tree("/", files)), Declared(memory_limit_bytes=declared)).memory
    machine = None if machine_kib is None else machine_kib * 1024
    bounds = [bound for bound in (limit, machine, declared) if bound is not None]
    assert memory.effective_bytes == min(bounds, default=None)
    assert memory.limit_bytes == limit


def test_what_is_unknown_is_null_whatever_else_is_known() -> None:
    """The machine's figures are looser than a limit that cannot be told: they do not stand in for it."""
    files: dict[str, Content] = {"cpu.max": "?\n", "memory.max": "?\n", ONLINE: "0-3\n", MEMINFO: "MemTotal: 9 kB\n"}
    limits = read_limits(MemoryHost(v2_tree("/", files)))
    assert (limits.cpu.effective_cores, limits.memory.effective_bytes) == (None, None)
    assert (limits.cpu.host_count, limits.memory.host_bytes) == (4, 9216)


def test_the_users_word_holds_also_where_the_kernels_cannot_be_told() -> None:
    """A declared limit makes effective figures of an unknown one; the status stays honest."""
    files: dict[str, Content] = {"cpu.max": "?\n", "memory.max": "?\n", ONLINE: "0-3\n"}
    limits = read_limits(MemoryHost(v2_tree("/", files)), Declared(cpu_limit_cores=2.0, memory_limit_bytes=MIB))
    assert (limits.cpu.effective_cores, limits.memory.effective_bytes) == (2.0, MIB)
    assert (limits.cpu.status, limits.memory.status) == ("unknown", "unknown")


def test_requests_limit_nothing() -> None:
    """A request is what the scheduler promised, and no bound."""
    declared = Declared(cpu_request_cores=0.1, memory_request_bytes=1)
    files: dict[str, Content] = {"cpu.max": "200000 100000\n", "memory.max": f"{MIB}\n"}
    limits = read_limits(MemoryHost(v2_tree("/", files)), declared)
    assert (limits.cpu.effective_cores, limits.memory.effective_bytes) == (2.0, MIB)
    assert limits.declared == declared


@pytest.mark.parametrize("fault", ["", "0-\n", "junk", DENIED], ids=["empty", "range", "junk", "denied"])
@pytest.mark.parametrize("path", [f"{CGROUP}/cpuset.cpus.effective", ONLINE])
def test_a_lost_count_matters_only_without_the_affinity_mask(path: str, fault: str | OSError) -> None:
    """The mask lies inside the CPU set and the machine; without it the lost one may have been the tightest."""
    figure = "cpu.host_count" if path == ONLINE else "cpu.cpuset_count"
    files = v2_tree("/", {"cpu.max": "800000 100000\n"})
    without = read_limits(MemoryHost({**files, path: fault}))
    assert (without.cpu.effective_cores, without.unknown) == (None, (figure,))
    within = read_limits(MemoryHost({**files, path: fault, STATUS: "Cpus_allowed_list:\t0-2\n"}))
    assert (within.cpu.effective_cores, within.unknown) == (3.0, (figure,))


@pytest.mark.parametrize(
    "fault", ["", "Name: x\n", "Cpus_allowed_list:\t0-\n", DENIED], ids=["empty", "cut", "range", "denied"]
)
def test_a_lost_affinity_mask_makes_the_cores_unknown(fault: str | OSError) -> None:
    """It may be tighter than all the rest; the quota itself is still known."""
    files = v2_tree("/", {"cpu.max": "800000 100000\n", "cpuset.cpus.effective": "0-3\n", ONLINE: "0-7\n"})
    cpu = read_limits(MemoryHost({**files, STATUS: fault})).cpu
    assert (cpu.status, cpu.quota_cores, cpu.effective_cores) == ("limited", 8.0, None)


@pytest.mark.parametrize(
    "fault", ["", "MemTotal: x kB\n", "MemFree: 5 kB\n", DENIED], ids=["empty", "junk", "cut", "denied"]
)
def test_a_lost_machine_size_makes_memory_unknown(fault: str | OSError) -> None:
    """The limit may be above it; the limit itself is still known."""
    limits = read_limits(MemoryHost({**v2_tree("/", {"memory.max": "5000\n"}), MEMINFO: fault}))
    memory = limits.memory
    assert (memory.limit_bytes, memory.effective_bytes, memory.host_bytes) == (5000, None, None)
    assert "memory.host_bytes" in limits.unknown


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({"a/b/cpuset.cpus.effective": "0-1\n", "a/cpuset.cpus.effective": "0-7\n"}, 2),
        ({"a/b/cpuset.cpus.effective": "\n", "a/cpuset.cpus.effective": "0-3\n"}, 4),
        ({"a/b/cgroup.procs": "1\n", "cpuset.cpus.effective": "0-5\n"}, 6),
        ({"a/b/cpuset.cpus": "0-1\n"}, None),
    ],
    ids=["leaf", "inherited", "far above", "the wish is not what is effective"],
)
def test_the_closest_cpu_set_of_v2(files: dict[str, Content], count: int | None) -> None:
    """The closest level that has one; what was asked for need not be what there is."""
    assert read_limits(MemoryHost(v2_tree("/a/b", files))).cpu.cpuset_count == count


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({"a/cpuset.effective_cpus": "0-1\n", "a/cpuset.cpus": "0-3\n"}, 2),
        ({"a/cpuset.cpus": "0-3\n"}, 4),
        ({"a/cpuset.cpus": "\n", "cpuset.cpus": "0-7\n"}, 8),
    ],
    ids=["effective", "asked for", "inherited"],
)
def test_the_closest_cpu_set_of_v1(files: dict[str, Content], count: int) -> None:
    """v1 has the effective set under another name, and old kernels have only what was asked for."""
    tree = v1_tree("/a", {f"cpuset/{name}": text for name, text in files.items()})
    assert read_limits(MemoryHost(tree)).cpu.cpuset_count == count


def test_a_cpu_set_that_is_not_visible_is_lost_not_absent() -> None:
    """Its mount is missing, and without an affinity mask it may be the tightest bound."""
    files: dict[str, Content] = {"cpu,cpuacct/cpu.cfs_quota_us": "-1\n", ONLINE: "0-7\n"}
    limits = read_limits(MemoryHost(v1_tree("/", files, v1_mount("cpu,cpuacct"))))
    assert (limits.cpu.status, limits.cpu.effective_cores) == ("unlimited", None)
    assert "cpu.cpuset_count" in limits.unknown


MEASURED = v2_tree("/job", {"job/cpu.max": "50000 100000\n", "job/memory.max": f"{MIB}\n"})


@pytest.mark.parametrize(
    ("devices", "quota", "found"),
    [
        ({CGROUP: "0:22"}, 0.5, []),
        ({CGROUP: "0:99"}, None, ["MOUNT_SHADOWED"]),
        ({}, None, ["MOUNT_SHADOWED"]),
    ],
    ids=["the mount's own", "another on top", "no such folder"],
)
def test_a_mount_that_something_else_covers_is_not_believed(
    devices: dict[str, str], quota: float | None, found: list[str]
) -> None:
    """Live, the file system that answers at the mount point must be the one that mountinfo promises there."""
    limits = read_limits(LiveMemoryHost(MEASURED, devices))
    assert (limits.cpu.quota_cores, codes(limits)) == (quota, found)
    assert limits.memory.status == ("limited" if quota else "unknown")
    assert limits.cpu.effective_cores == quota


def test_only_the_covered_controller_is_lost() -> None:
    """A tmpfs over the memory mount takes nothing from cpu."""
    files: dict[str, Content] = {"cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "memory/memory.limit_in_bytes": "5\n"}
    mounts = (v1_mount("cpu,cpuacct"), v1_mount("memory"))
    devices = {f"{CGROUP}/cpu,cpuacct": "0:31", f"{CGROUP}/memory": "0:77"}
    limits = read_limits(LiveMemoryHost(v1_tree("/", files, *mounts), devices))
    assert (limits.cpu.status, limits.memory.status) == ("unlimited", "unknown")


def test_a_leaf_that_is_not_in_its_mount_is_not_visible() -> None:
    """A process is always in a cgroup that exists: where its folder does not, the files are another's."""
    files: dict[str, Content] = {"cpu.max": "400000 100000\n", "memory.max": "5\n"}
    limits = read_limits(MemoryHost(v2_tree("/gone", files)))
    assert (limits.cpu.status, limits.memory.status, codes(limits)) == ("unknown", "unknown", ["CGROUP_NOT_VISIBLE"])
    assert read_limits(MemoryHost(v2_tree("/gone", {**files, "gone/x": ""}))).cpu.quota_cores == 4.0


@pytest.mark.parametrize(
    ("tree", "version", "mode"),
    [
        ({}, None, "none"),
        (v1_tree("/", {}), 1, "v1"),
        (v2_tree("/", {}), 2, "v2"),
        (v2_tree("/", {"/proc/self/cgroup": "1:name=systemd:/\n0::/\n"}), 2, "v2"),
        (v2_tree("/", {"/proc/self/cgroup": "2:freezer:/\n0::/\n"}), 2, "hybrid"),
        (v1_tree("/", {"/proc/self/cgroup": "4:cpu:/\n0::/\n"}, v1_mount("cpu"), v2_mount("/", "/u")), 1, "hybrid"),
        (v1_tree("/", {"/proc/self/cgroup": "4:cpu:/\n0::/\n"}, v1_mount("cpu")), 1, "v1"),
        (v1_tree("/", {"/proc/self/cgroup": "9:freezer:/\n"}), None, "none"),
    ],
)
def test_the_interface_in_use(tree: dict[str, Content], version: int | None, mode: str) -> None:
    """1 where any of cpu, memory and cpuset is in v1, hybrid where both are in use."""
    cgroup = read_limits(MemoryHost(tree)).cgroup
    assert (cgroup.version, cgroup.mode) == (version, mode)


@pytest.mark.parametrize(
    ("path", "fault", "code"),
    [
        ("/proc/self/cgroup", DENIED, "MEMBERSHIP_UNREADABLE"),
        ("/proc/self/cgroup", "0::/\nnoise\n", "MEMBERSHIP_MALFORMED"),
        ("/proc/self/mountinfo", DENIED, "MOUNTS_UNREADABLE"),
        ("/proc/self/mountinfo", "noise\n", "CGROUP_NOT_VISIBLE"),
        ("/proc/self/cgroup", "0::/job (deleted)\n", "CGROUP_REMOVED"),
    ],
)
def test_what_keeps_the_cgroup_from_being_found_is_said(path: str, fault: str | OSError, code: str) -> None:
    """Everything is unknown then, and the notice names the file or the cgroup."""
    limits = read_limits(MemoryHost({**MEASURED, path: fault}))
    assert (limits.cpu.status, limits.memory.status) == ("unknown", "unknown")
    assert code in codes(limits)
    assert all(notice.path and notice.message for notice in limits.notices)


def test_a_limit_that_covers_the_machine_is_kept_and_said() -> None:
    """Raw figures stay; what binds is the machine."""
    files: dict[str, Content] = {
        "cpu.max": "800000 100000\n",
        "memory.max": f"{MIB}\n",
        ONLINE: "0-3\n",
        MEMINFO: "MemTotal: 512 kB\n",
    }
    limits = read_limits(MemoryHost(v2_tree("/", files)))
    assert (limits.cpu.quota_cores, limits.cpu.effective_cores) == (8.0, 4.0)
    assert (limits.memory.limit_bytes, limits.memory.effective_bytes) == (MIB, MIB // 2)
    assert codes(limits) == ["LIMIT_COVERS_MACHINE", "LIMIT_COVERS_MACHINE"]
