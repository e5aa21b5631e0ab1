"""Noise in any kernel file: a detection never raises, and never answers with more than without the noise.

Machines with known limits get one of their files damaged. What may then be used is null or at most what it was.

Left out, by `is_another_machine`, is only damage that gives what the kernel of another machine would write, letter
for letter: another number, the name of another cgroup that is there, a key or a line cleanly gone. No reader can
tell that from that machine. (Where a hierarchy is mounted twice, a lost mount line is of this kind too.)
"""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cgtune.detect import read_limits
from cgtune.limits import Limits
from cgtune.parse import parse_mounts
from tests.unit.trees import (
    CGROUP,
    MIB,
    V1_NO_LIMIT,
    Content,
    LiveMemoryHost,
    MemoryHost,
    as_bytes,
    v1_mount,
    v1_tree,
    v2_mount,
    v2_tree,
)

_MACHINE: dict[str, Content] = {
    "/sys/devices/system/cpu/online": "0-7\n",
    "/proc/meminfo": "MemTotal: 4194304 kB\nMemFree: 1 kB\nMemAvailable: 2097152 kB\n",
}
_MASK: dict[str, Content] = {"/proc/self/status": "Name:\tx\nCpus_allowed_list:\t0-3\n"}
_V2 = v2_tree(
    "/pod/ctr",
    {
        **_MACHINE,
        **_MASK,
        "cpuset.cpus.effective": "0-7\n",
        "pod/cpu.max": "400000 100000\n",
        "pod/memory.max": f"{900 * MIB}\n",
        "pod/memory.current": f"{100 * MIB}\n",
        "pod/cpuset.cpus.effective": "0-6\n",
        "pod/ctr/cpu.max": "150000 100000\n",
        "pod/ctr/cpu.weight": "39\n",
        "pod/ctr/memory.max": f"{300 * MIB}\n",
        "pod/ctr/memory.high": "max\n",
        "pod/ctr/memory.current": f"{50 * MIB}\n",
        "pod/ctr/memory.stat": "anon 5\ninactive_file 300\nfile_dirty 20\nfile_writeback 30\n",
        "pod/ctr/cpuset.cpus.effective": "0-3\n",
        "pod/ctr/pids.max": "20\n",
    },
)
_V1_FILES: dict[str, Content] = {
    **_MACHINE,
    "cpu,cpuacct/d/cpu.cfs_quota_us": "400000\n",
    "cpu,cpuacct/d/cpu.cfs_period_us": "100000\n",
    "cpu,cpuacct/d/c/cpu.cfs_quota_us": "150000\n",
    "cpu,cpuacct/d/c/cpu.cfs_period_us": "100000\n",
    "cpuset/d/cpuset.cpus": "0-6\n",
    "cpuset/d/c/cpuset.cpus": "0-3\n",
    "memory/d/memory.limit_in_bytes": f"{900 * MIB}\n",
    "memory/d/c/memory.limit_in_bytes": f"{500 * MIB}\n",
    "memory/d/c/memory.use_hierarchy": "1\n",
    "memory/d/c/memory.usage_in_bytes": f"{50 * MIB}\n",
    "memory/d/c/memory.stat": f"cache 1\nhierarchical_memory_limit {300 * MIB}\ntotal_inactive_file 9\n",
    "pids/d/c/pids.max": "20\n",
}
_V1 = v1_tree("/d/c", {**_V1_FILES, **_MASK})
_HYBRID: dict[str, Content] = {
    **v1_tree(
        "/d/c",
        {**_V1_FILES, "unified/d/c/cgroup.procs": "1\n"},
        *(v1_mount(name) for name in ("cpu,cpuacct", "cpuset", "memory", "pids")),
        v2_mount("/", f"{CGROUP}/unified"),
    ),
    "/proc/self/cgroup": ["4:cpu,cpuacct:/d/c", "3:cpuset:/d/c", "2:memory:/d/c", "1:pids:/d/c", "0::/d/c"],
}
# Other files decide in these: the affinity mask and the machine's memory; the CPU set and a hidden ancestor.
_WIDE = v2_tree(
    "/a",
    {**_MACHINE, **_MASK, "a/cpu.max": "2000000 100000\n", "a/memory.max": f"{1 << 40}\n", "cpu.max": "max 100000\n"},
)
_FAR = v1_tree(
    "/d/c",
    {
        **_V1_FILES,
        "cpu,cpuacct/d/cpu.cfs_quota_us": "-1\n",
        "cpu,cpuacct/d/c/cpu.cfs_quota_us": "-1\n",
        "memory/d/c/memory.limit_in_bytes": V1_NO_LIMIT,
    },
)
MACHINES: dict[str, dict[str, bytes]] = {
    name: {path: as_bytes(content) for path, content in files.items()}
    for name, files in {
        "v2": _V2,
        "v1": _V1,
        "hybrid": _HYBRID,
        "wide": _WIDE,
        "far": _FAR,
    }.items()
}
PLACES = [(name, path) for name, files in MACHINES.items() for path in files]


_CPU_LIST = rb"\d+(-\d+)?(,\d+(-\d+)?)*"
_OTHER_TEXTS = {
    "cpu.max": rb"\s*(max|\d+)\s+\d+\s*",
    "cpuset.cpus": rb"\s*%s\s*" % _CPU_LIST,
    "cpuset.cpus.effective": rb"\s*%s\s*" % _CPU_LIST,
    "online": rb"\s*%s\s*" % _CPU_LIST,
    "status": rb"(?ms).*^Cpus_allowed_list:\s*%s$.*" % _CPU_LIST,
    "meminfo": rb"(?ms).*^MemTotal:\s+\d+ kB$.*",
    "memory.stat": rb"(?ms).*^hierarchical_memory_limit \d+$.*|([0-9a-zA-Z_]+ \d+\n)+",
    "cgroup": rb"(\d+:[\w,]*:/+((d|pod)(/+(c|ctr))?|a)?/*(\n|$))+",
    "mountinfo": rb"(?!)",
}
_OTHER_NUMBER = rb"\s*(max|-1|\d+)\s*"


def is_another_machine(path: str, text: bytes) -> bool:
    """Whether another machine's kernel may write this text into that file."""
    return re.fullmatch(_OTHER_TEXTS.get(path.rsplit("/", 1)[1], _OTHER_NUMBER), text) is not None


def effective(limits: Limits) -> tuple[float | None, float | None]:
    """What may be used."""
    return limits.cpu.effective_cores, limits.memory.effective_bytes


BEFORE = {name: effective(read_limits(MemoryHost(files))) for name, files in MACHINES.items()}


def assert_not_looser(name: str, path: str, damaged: bytes | OSError) -> None:
    """With one file damaged, each figure is null or at most what it was."""
    files: dict[str, Content | OSError] = {**MACHINES[name], path: damaged}
    host = MemoryHost(files)
    if path == "/proc/self/mountinfo":
        # A recording need not hold the mount points; the live machine does, and their devices.
        mask = host.affinity_count()
        mounts = parse_mounts(MACHINES[name][path])
        host = LiveMemoryHost(files, {mount.mount_point: mount.device for mount in mounts}, mask)
    for was, now in zip(BEFORE[name], effective(read_limits(host)), strict=True):
        assert was is not None
        assert now is None or now <= was, (was, now)


def test_the_machines_are_limited_before_the_noise() -> None:
    """Otherwise nothing could get looser; each machine is decided by other files."""
    assert BEFORE == {
        "v2": (1.5, 300 * MIB),
        "v1": (1.5, 300 * MIB),
        "hybrid": (1.5, 300 * MIB),
        "wide": (4.0, 4 << 30),
        "far": (4.0, 300 * MIB),
    }


def test_looseness_would_be_noticed() -> None:
    """A larger number is another machine, and the comparison says so."""
    with pytest.raises(AssertionError):
        assert_not_looser("v2", f"{CGROUP}/pod/ctr/cpu.max", b"250000 100000\n")


@pytest.mark.parametrize(("name", "path"), PLACES)
def test_a_file_that_cannot_be_read_loosens_nothing(name: str, path: str) -> None:
    """Whichever of a machine's files it is."""
    for fault in (IsADirectoryError(21, "Is a directory"), OSError(19, "No such device"), PermissionError(13, "no")):
        assert_not_looser(name, path, fault)


@pytest.mark.parametrize("name", MACHINES)
@given(data=st.data())
def test_foreign_bytes_loosen_nothing(name: str, data: st.DataObject) -> None:
    """Put in or in place of others, anywhere in any file."""
    path = data.draw(st.sampled_from(sorted(MACHINES[name])))
    text = MACHINES[name][path]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 4)))
    damaged = text[:start] + data.draw(st.binary(min_size=1, max_size=4)) + text[end:]
    assume(not is_another_machine(path, damaged))
    assert_not_looser(name, path, damaged)


@pytest.mark.parametrize(("name", "path"), PLACES)
def test_a_file_cut_short_loosens_nothing(name: str, path: str) -> None:
    """After each byte, except where what is left is another machine's text."""
    text = MACHINES[name][path]
    for end in range(len(text)):
        if not is_another_machine(path, text[:end]):
            assert_not_looser(name, path, text[:end])


@pytest.mark.parametrize(("name", "path"), PLACES)
@pytest.mark.parametrize("noise", [b"\n", b" ", b"-", b":", b" - ", b"x", b"\xff"], ids=repr)
def test_a_stray_byte_at_any_place_loosens_nothing(name: str, path: str, noise: bytes) -> None:
    """Separators are the worst noise: they make fields and lines of their own."""
    text = MACHINES[name][path]
    for start in range(len(text) + 1):
        damaged = text[:start] + noise + text[start:]
        if not is_another_machine(path, damaged):
            assert_not_looser(name, path, damaged)


@pytest.mark.parametrize(("name", "path"), PLACES)
def test_a_lost_byte_loosens_nothing(name: str, path: str) -> None:
    """At any place, except where what is left is another machine's text."""
    text = MACHINES[name][path]
    for start in range(len(text)):
        damaged = text[:start] + text[start + 1 :]
        if not is_another_machine(path, damaged):
            assert_not_looser(name, path, damaged)


@pytest.mark.parametrize("name", MACHINES)
@given(data=st.data())
@settings(max_examples=150)
def test_any_bytes_in_any_file_raise_nothing(name: str, data: st.DataObject) -> None:
    """Neither pure noise nor noise amid the text; the answer can be told in JSON's types."""
    path = data.draw(st.sampled_from(sorted(MACHINES[name])))
    text = MACHINES[name][path]
    noise = data.draw(st.binary(max_size=40) | st.text("0123456789:/- \nmax\0\\", max_size=20).map(str.encode))
    start = data.draw(st.integers(0, len(text)))
    for damaged in (noise, text[:start] + noise, text[:start] + noise + text[start:]):
        limits = read_limits(MemoryHost({**MACHINES[name], path: damaged}))
        assert {limits.cpu.status, limits.memory.status} <= {"limited", "unlimited", "unknown"}
        for figure in effective(limits):
            assert figure is None or figure >= 0
