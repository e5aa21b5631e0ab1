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
#: After "deaf" the child never hears it; after "say" the parent says "ready PID" first.
LEAVER = (
    *PYTHON,
    """\
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
reading, writing = os.pipe()
if os.fork():
    os.close(writing)
    os.read(reading, 1)
    if "say" in sys.argv:
        os.write(1, b"ready %d\\n" % os.getpid())
    os._exit(3)
if "away" in sys.argv:
    os.setsid()
os.close(writing)
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
signal.signal(signal.SIGTERM, signal.SIG_IGN)
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


#: ORPHANS N [away]: makes N orphans, in sessions of their own after "away"; says "ready PID". All wait for a signal.
ORPHANS = (
    *PYTHON,
    """\
import os, signal, sys
middle = os.fork()
if not middle:
    for _ in range(int(sys.argv[1])):
        if not os.fork():
            if "away" in sys.argv:
                os.setsid()
            while True:
                signal.pause()
    os._exit(0)
os.waitpid(middle, 0)
os.write(1, b"ready %d\\n" % os.getpid())
while True:
    signal.pause()
""",
)

#: SHORT_LIVES N PAUSE: makes N orphans that end with 3 at once, so many seconds apart, says "done PID", waits.
SHORT_LIVES = (
    *PYTHON,
    """\
import os, signal, sys, time
for _ in range(int(sys.argv[1])):
    middle = os.fork()
    if not middle:
        os._exit(3 if not os.fork() else 0)
    os.waitpid(middle, 0)
    time.sleep(float(sys.argv[2]))
os.write(1, b"done %d\\n" % os.getpid())
while True:
    signal.pause()
""",
)

#: LAZY COMMAND: runs it, and waits for nobody else: as PID 1 it keeps every zombie that comes to it.
LAZY = (
    *PYTHON,
    """\
import os, sys
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""",
)
