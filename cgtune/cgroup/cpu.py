"""CPU bandwidth, weight and CPU set of one process, as the kernel states them.

| | v1 | v2 |
|---|---|---|
| quota | cpu.cfs_quota_us / cpu.cfs_period_us, -1: none | cpu.max: "quota period" or "max period" |
| burst | cpu.cfs_burst_us | cpu.max.burst |
| weight | cpu.shares | cpu.weight |
| CPU set | cpuset.effective_cpus, cpuset.cpus | cpuset.cpus.effective |

Limitation: weights are relative to siblings that cannot be seen. They are reported and never turned into cores.
"""

from __future__ import annotations

from cgtune import parse
from cgtune.cgroup.levels import Tightest, Unreadable, read_tightest, read_value
from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.cgroup.files import Files
    from cgtune.cgroup.locate import Chain

_SET_FILES = {1: ("cpuset.effective_cpus", "cpuset.cpus"), 2: ("cpuset.cpus.effective",)}
_BURST_FILE = {1: "cpu.cfs_burst_us", 2: "cpu.max.burst"}
_WEIGHT_FILE = {1: "cpu.shares", 2: "cpu.weight"}


class CpuWeight(Record):
    """What is only reported: burst in microseconds, v1 shares, v2 weight."""

    burst_us: int | None = None
    shares: int | None = None
    weight: int | None = None


def read_quota(files: Files, chain: Chain) -> Tightest:
    """The tightest quota over the chain, in cores (CPU seconds a second)."""

    def read_v1(directory: str) -> tuple[float | None, str]:
        path = directory + "/cpu.cfs_quota_us"
        quota = read_value(files, path, bytes)
        if quota is None:
            return None, path
        period = read_value(files, directory + "/cpu.cfs_period_us", bytes)
        try:
            return _cores(parse.parse_cfs(quota, period)), path
        except ValueError as error:
            raise Unreadable("LEVEL_MALFORMED", path, str(error)) from None

    def read_v2(directory: str) -> tuple[float | None, str]:
        path = directory + "/cpu.max"
        return _cores(read_value(files, path, parse.parse_cpu_max)), path

    return read_tightest(chain, read_v1 if chain.version == 1 else read_v2)


def _cores(quota_and_period: tuple[int, int] | None) -> float | None:
    if quota_and_period is None:
        return None
    quota_us, period_us = quota_and_period
    return quota_us / period_us


def read_weight(files: Files, chain: Chain, limit_directory: str | None) -> CpuWeight:
    """Burst at the level that limits, and the leaf's weight. A file that gives none counts as none."""
    if not chain.directories or chain.version is None:
        return CpuWeight()
    leaf = chain.directories[0]
    burst_us = _optional(files, f"{limit_directory or leaf}/{_BURST_FILE[chain.version]}")
    weight = _optional(files, f"{leaf}/{_WEIGHT_FILE[chain.version]}")
    if chain.version == 1:
        return CpuWeight(burst_us=burst_us, shares=weight)
    return CpuWeight(burst_us=burst_us, weight=weight)


def _optional(files: Files, path: str) -> int | None:
    try:
        return read_value(files, path, parse.parse_integer)
    except Unreadable:
        return None


def read_cpu_set(files: Files, chain: Chain) -> int | None:
    """How many CPUs the closest level with a non-empty set has; None where no level says. Raises Unreadable."""
    if chain.version is None:
        return None
    for directory in chain.directories:
        for name in _SET_FILES[chain.version]:
            count = read_value(files, f"{directory}/{name}", _parse_cpu_set)
            if count:
                return count
    return None


def _parse_cpu_set(data: bytes) -> int:
    """A set that is inherited is an empty line (0); a file with nothing at all in it is none of the kernel's."""
    if not data:
        raise ValueError("an empty file")
    return parse.parse_cpu_list(data)
