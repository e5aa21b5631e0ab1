"""Pressure stall information of the leaf cgroup (v2 only): cpu.pressure, memory.pressure, io.pressure.

v1 has none, and /proc/pressure speaks of the whole machine, so it is not taken. A kernel started without PSI
answers EOPNOTSUPP: that is none, not a fault.
"""

from __future__ import annotations

from cgtune import parse
from cgtune.cgroup.levels import Unreadable, read_value
from cgtune.limits import PressureSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.cgroup.files import Files
    from cgtune.cgroup.locate import Chain
    from cgtune.parse import Pressure


def read_pressure(files: Files, chain: Chain) -> PressureSet | None:
    """The leaf's pressure; None where the kernel keeps none for it."""
    if chain.version != 2 or not chain.directories:
        return None
    found: dict[str, Pressure] = {}
    for name in ("cpu", "memory", "io"):
        try:
            pressure = read_value(files, f"{chain.directories[0]}/{name}.pressure", parse.parse_pressure)
        except Unreadable:
            continue
        if pressure is not None:
            found[name] = pressure
    return PressureSet(**found) if found else None
