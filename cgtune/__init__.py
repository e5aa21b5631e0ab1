"""cgtune: make a program use what its container really has.

import cgtune

limits = cgtune.read_limits()
limits.cpu.effective_cores      0.5
limits.memory.effective_bytes   134217728
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.api import read_limits as read_limits
    from cgtune.limits import Limits as Limits

__version__ = "0.1.0"
__all__ = ["Limits", "__version__", "read_limits"]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used: importing the package itself must cost nothing."""
    if name == "read_limits":
        from cgtune.api import read_limits

        return read_limits
    if name == "Limits":
        from cgtune.limits import Limits

        return Limits
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
