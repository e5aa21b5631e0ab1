"""Containers as `docker run` is asked for them, and what `cgtune inspect --json` must then say. Data only.

The same list is played on cgroup v1 (the machine's own kernel, where it has v1) and v2 (in an emulator). Keys of
`expect` are dotted paths of the JSON; `expect_v1` and `expect_v2` add to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MIB = 1 << 20
#: The tests make this cgroup, with a quota of 0.3 cores and 48 MiB, before the containers that name it.
PARENT = "cgtune-tight-parent"
PARENT_CORES = 0.3
PARENT_BYTES = 48 * MIB


@dataclass(frozen=True)
class ContainerCase:
    """One container: its options, and the facts about it."""

    name: str
    options: tuple[str, ...]
    expect: dict[str, Any]
    expect_v1: dict[str, Any] = field(default_factory=dict)
    expect_v2: dict[str, Any] = field(default_factory=dict)

    #: Whether it is worth its seconds also in the emulator on every run; the others wait for the long one.
    is_quick: bool = True


def _cpu(cores: float) -> ContainerCase:
    return ContainerCase(
        f"cpus-{cores}",
        ("--cpus", str(cores)),
        {
            "cpu.status": "limited",
            "cpu.quota_cores": cores,
            "cpu.effective_cores": min(cores, 2.0),
            "memory.status": "unlimited",
            "memory.limit_bytes": None,
            "unknown": [],
        },
        is_quick=cores in (0.1, 0.5),
    )


def _memory(mib: int) -> ContainerCase:
    return ContainerCase(
        f"memory-{mib}m",
        ("--memory", f"{mib}m", "--memory-swap", f"{mib}m"),
        {
            "memory.status": "limited",
            "memory.limit_bytes": mib * MIB,
            "memory.effective_bytes": mib * MIB,
            "cpu.status": "unlimited",
            "cpu.quota_cores": None,
            "unknown": [],
        },
        expect_v2={"memory.swap_limit_bytes": 0},
        is_quick=mib == 32,
    )


_BOTH_LIMITS = ("--cpus", "0.5", "--memory", "128m")
_BOTH_EXPECTED: dict[str, Any] = {
    "cpu.quota_cores": 0.5,
    "cpu.effective_cores": 0.5,
    "memory.limit_bytes": 128 * MIB,
    "container.runtime": "docker",
    "unknown": [],
}


def _both(name: str, *options: str, is_quick: bool = False) -> ContainerCase:
    return ContainerCase(name, (*_BOTH_LIMITS, *options), _BOTH_EXPECTED, is_quick=is_quick)


CASES = (
    ContainerCase(
        "no-limits",
        (),
        {
            "cpu.status": "unlimited",
            "cpu.quota_cores": None,
            "cpu.effective_cores": 2.0,
            "memory.status": "unlimited",
            "memory.limit_bytes": None,
            "pids.limit": None,
            "unknown": [],
            "notices": [],
        },
        expect_v1={"cgroup.version": 1},
        expect_v2={"cgroup.version": 2, "cgroup.mode": "v2"},
    ),
    *(_cpu(cores) for cores in (0.1, 0.25, 0.5, 1.0, 1.5, 2.0)),
    *(_memory(mib) for mib in (32, 64, 128, 512, 1024)),
    ContainerCase(
        "one-cpu-of-two",
        ("--cpuset-cpus", "0"),
        {"cpu.status": "unlimited", "cpu.cpuset_count": 1, "cpu.affinity_count": 1, "cpu.effective_cores": 1.0},
    ),
    ContainerCase("pids", ("--pids-limit", "50"), {"pids.limit": 50}),
    ContainerCase(
        "odd-period",
        ("--cpu-quota", "12345", "--cpu-period", "50000"),
        {"cpu.quota_cores": 0.2469, "cpu.status": "limited"},
        is_quick=False,
    ),
    ContainerCase(
        "shares-are-no-limit",
        ("--cpu-shares", "512"),
        {"cpu.status": "unlimited", "cpu.quota_cores": None},
        is_quick=False,
    ),
    ContainerCase(
        "limit-above-the-machine",
        ("--memory", "900g"),
        {"memory.status": "limited", "memory.limit_bytes": 900 << 30, "notices.0.code": "LIMIT_COVERS_MACHINE"},
        is_quick=False,
    ),
    _both("private-namespace", "--cgroupns", "private"),
    _both("host-namespace", "--cgroupns", "host", is_quick=True),
    _both("read-only", "--read-only"),
    _both("other-user", "--user", "12345:12345"),
    _both("no-capabilities", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    _both("all-at-once", "--read-only", "--user", "65532", "--cap-drop", "ALL", "--cgroupns", "host", is_quick=True),
    ContainerCase(
        # v1 tells the memory limit of an ancestor that cannot be seen, and never its quota. v2 tells both where
        # the namespace shows the ancestor.
        "tighter-parent-host-namespace",
        ("--cgroup-parent", f"/{PARENT}", "--cgroupns", "host", "--memory", "128m"),
        {"memory.limit_bytes": PARENT_BYTES, "memory.status": "limited"},
        expect_v1={"notices.0.code": "HIDDEN_ANCESTOR"},
        expect_v2={"cpu.quota_cores": PARENT_CORES, "cpu.limit_dir": f"/sys/fs/cgroup/{PARENT}"},
    ),
    ContainerCase(
        "tighter-parent-private-namespace",
        ("--cgroup-parent", f"/{PARENT}", "--cgroupns", "private", "--memory", "128m"),
        {"memory.status": "limited"},
        expect_v1={"memory.limit_bytes": PARENT_BYTES, "notices.0.code": "HIDDEN_ANCESTOR"},
        # Nothing in the container shows it: this is what any reader can know.
        expect_v2={"memory.limit_bytes": 128 * MIB, "cpu.quota_cores": None},
    ),
)


def differences(case: ContainerCase, version: int, seen: dict[str, Any]) -> list[str]:
    """What `seen`, the JSON of `inspect`, says otherwise than the case."""
    wanted = {**case.expect, **(case.expect_v1 if version == 1 else case.expect_v2)}
    return [
        f"{key}: want {want!r}, got {got!r}"
        for key, want in wanted.items()
        if not _same(want, got := _look_up(seen, key))
    ]


def _same(want: Any, got: Any) -> bool:
    if isinstance(want, float) and isinstance(got, float):
        return abs(want - got) < 1e-6
    return bool(want == got)


def _look_up(document: Any, key: str) -> Any:
    for part in key.split("."):
        if isinstance(document, list):
            document = document[int(part)] if int(part) < len(document) else None
        elif document is not None:
            document = document.get(part)
    return document
