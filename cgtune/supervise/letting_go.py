"""Keep nothing open or busy that is the program's: its descriptors (a pipe's reader waits for the last of them), the
file system that it was started on. What is left is stdin, for the terminal, and stdout and stderr, to say something.
"""

from __future__ import annotations

import os

_FIRST = 3
_MOST_DESCRIPTORS = 65536


def let_go() -> None:
    """Close what we have inherited, go to "/", and be seen as "cgtune" in process lists."""
    os.chdir("/")
    try:
        descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        os.closerange(_FIRST, _MOST_DESCRIPTORS)
    else:
        for descriptor in descriptors:
            # One of them was that of the listing itself.
            os.closerange(max(_FIRST, descriptor), descriptor + 1)
    try:
        with open("/proc/self/comm", "w", encoding="ascii") as file:
            file.write("cgtune")
    except OSError:
        pass
