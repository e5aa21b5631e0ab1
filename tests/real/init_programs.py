"""The programs that inits are tried with. They are small and start fast: each start is waited for."""

from __future__ import annotations

import sys

#: The environment's variables and its packages are no part of what is tried.
PYTHON = (sys.executable, "-I", "-S", "-c")

#: Blocks every signal, says "ready PID", then the number of each signal it gets.
RECORDER = (
    *PYTHON,
    """\
import os, signal
every = signal.valid_signals()
signal.pthread_sigmask(signal.SIG_BLOCK, every)
os.write(1, b"ready %d\\n" % os.getpid())
while True:
    os.write(1, b"%d\\n" % signal.sigwait(every))
""",
)

#: Says "ready PID" and waits for a signal, whose default action ends it.
WAITER = (
    *PYTHON,
    """\
import os, signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.write(1, b"ready %d\\n" % os.getpid())
while True:
    signal.pause()
""",
)

#: Ends with 3 and leaves a child, which waits for SIGTERM and says "told"; in a session of its own after "away".
#: After "deaf" the child never hears it.
LEAVER = (
    *PYTHON,
    """\
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
if os.fork():
    os._exit(3)
if "away" in sys.argv:
    os.setsid()
while "deaf" in sys.argv:
    signal.pause()
signal.sigwait({signal.SIGTERM})
os.write(1, b"told\\n")
""",
)

#: Deaf to SIGTERM, and so is its child; says "ready PID" when both are.
DEAF = (
    *PYTHON,
    """\
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
if os.fork():
    os.write(1, b"ready %d\\n" % os.getpid())
while True:
    signal.pause()
""",
)

#: Says what /proc tells of its own signals.
STATUS = ("grep", "^Sig", "/proc/self/status")


def shell(script: str, *words: str) -> tuple[str, ...]:
    """A script of sh with "$@"."""
    return ("sh", "-c", script, "sh", *words)
