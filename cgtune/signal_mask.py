"""Hold signals back while we are busy: they wait, and the program, or who looks after it, gets them.

PID 1 is sent no signal that it does not handle (pid_namespaces(7)): until somebody does, a SIGTERM would be lost. A
blocked one stays, also over an exec.
"""

from __future__ import annotations

import time

try:
    import _signal  # type: ignore[import-not-found]  # no stubs for the C module
except ImportError:  # another Python implementation
    import signal as _signal

# The mask as it was before the first time.
_before: list[tuple[int, ...]] = []


def hold() -> tuple[int, ...]:
    """Block all signals; the mask as it was before the first time."""
    if not hasattr(_signal, "pthread_sigmask"):
        return ()
    mask = tuple(map(int, _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())))
    if not _before:
        _before.append(mask)
    return _before[0]


def release() -> None:
    """Back to the mask as it was; what has waited comes now."""
    if _before:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, _before[0])


def wait(seconds: float) -> int | None:
    """Sleep; the number of a signal that tells us to stop, where it is held back and has come."""
    if not _before:
        time.sleep(seconds)
        return None
    received = _signal.sigtimedwait((_signal.SIGTERM, _signal.SIGINT, _signal.SIGQUIT), seconds)
    return None if received is None else int(received.si_signo)
