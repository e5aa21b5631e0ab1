"""prctl(2): what a process can ask of the kernel about its family. It survives exec, so it is done before one.

`ctypes` costs milliseconds and memory, so only who needs this loads it, and the supervisor never does.
"""

from __future__ import annotations

import os

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> str | None:
    """Orphans below us become our children from now on, as PID 1's do; why not, where that is refused."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def follow_parent(number: int, parent: int) -> str | None:
    """Get this signal when our parent ends, also if it already has: it was `parent` at first. Why not, else."""
    problem = _prctl(_PR_SET_PDEATHSIG, number)
    if problem is None and os.getppid() != parent:
        os.kill(os.getpid(), number)
    return problem


def _prctl(option: int, value: int) -> str | None:
    try:
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        # Variadic, and longs all of them: the kernel looks at those not given too.
        arguments = [ctypes.c_int(option), *(ctypes.c_ulong(number) for number in (value, 0, 0, 0))]
        if library.prctl(*arguments) == 0:
            return None
        return os.strerror(ctypes.get_errno())
    except (ImportError, OSError, AttributeError) as error:
        return str(error)
