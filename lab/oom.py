"""What the kernel counted while a program ran: OOM kills and CPU throttling.

The counters go with the cgroup, so they are read while the container still exists.

    v1  memory.oom_control  oom_kill_disable 0 / under_oom 0 / oom_kill 3
        memory.failcnt      how often a charge hit the limit; memory.memsw.failcnt that of memory+swap
    v2  memory.events       low / high / max / oom / oom_kill / oom_group_kill, with all below it
    both  cpu.stat          nr_periods, nr_throttled, throttled_time (v1, ns) or throttled_usec (v2)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.errors import Unavailable


class InCgroup(Protocol):
    """A container, or anything else that can say where its cgroup is."""

    def cgroup(self, controller: str) -> Path: ...


@dataclass(frozen=True)
class Throttling:
    """How often and how long the CPU quota held a cgroup back."""

    periods: int
    throttled_periods: int
    throttled_seconds: float


def oom_kills(where: InCgroup | Path) -> int:
    """How many processes of the cgroup the OOM killer ended."""
    folder = _folder(where, "memory")
    return _first(folder, (("memory.events", "oom_kill"), ("memory.oom_control", "oom_kill")))


def limit_hits(where: InCgroup | Path) -> int:
    """How often memory could not grow at once because the limit was reached; reclaim may have helped."""
    folder = _folder(where, "memory")
    # With no swap allowed, memory and memory+swap have the same limit, and the latter is charged first.
    v1 = [folder / name for name in ("memory.failcnt", "memory.memsw.failcnt") if (folder / name).exists()]
    if v1:
        return sum(int(path.read_text()) for path in v1)
    return _first(folder, (("memory.events", "max"),))


def throttling(where: InCgroup | Path) -> Throttling:
    """What `cpu.stat` says. All zero where there is no quota."""
    counters = _table(_folder(where, "cpu") / "cpu.stat")
    nanoseconds = counters.get("throttled_time", 1000 * counters.get("throttled_usec", 0))
    return Throttling(counters.get("nr_periods", 0), counters.get("nr_throttled", 0), nanoseconds / 1e9)


def _folder(where: InCgroup | Path, controller: str) -> Path:
    return where if isinstance(where, Path) else where.cgroup(controller)


def _first(folder: Path, places: tuple[tuple[str, str], ...]) -> int:
    for name, key in places:
        path = folder / name
        if path.exists():
            counters = _table(path)
            if key in counters:
                return counters[key]
    raise Unavailable(f"the kernel counts no {places[0][1]} in {folder}")


def _table(path: Path) -> dict[str, int]:
    pairs = (line.split() for line in path.read_text().splitlines())
    return {key: int(value) for key, value in pairs}
