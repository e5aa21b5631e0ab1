"""Keep nothing open or busy that is the program's, once it runs.

    stdin, stdout     /dev/null: the other end of a pipe notices when the program has closed its own
    stderr            stays, to say something
    all others        closed
    cwd               "/", so that a file system can be unmounted

In process lists it is called "cgtune", see proc_pid_comm(5).
"""

from __future__ import annotations

import os

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_MOST_DESCRIPTORS = 65536


def let_go() -> None:
    """All of the above."""
    os.chdir("/")
    _close_others()
    _empty(_STDIN)
    _empty(_STDOUT)
    try:
        with open("/proc/self/comm", "w", encoding="ascii") as file:
            file.write("cgtune")
    except OSError:
        pass


def _close_others() -> None:
    try:
        descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        os.closerange(_STDERR + 1, _MOST_DESCRIPTORS)
    else:
        for descriptor in descriptors:
            # One of them was that of the listing itself.
            os.closerange(max(_STDERR + 1, descriptor), descriptor + 1)


def _empty(descriptor: int) -> None:
    """Where there is no /dev/null it stays as it is."""
    try:
        nothing = os.open("/dev/null", os.O_RDWR)
    except OSError:
        return
    if nothing != descriptor:
        os.dup2(nothing, descriptor)
        os.close(nothing)
