"""The terminal: who is told what is typed there, and how a shell's job control goes on working. See credentials(7).

    a terminal       the program stays in our process group, as if it had been exec'd: what is typed (Ctrl-C, Ctrl-Z)
                     and what a shell does to its job (fg, bg) reaches both. So what the terminal sends is not
                     forwarded; and when the program stops, we stop too, for the shell waits for us.
    none             a process group of its own, as tini does it: what is sent to ours comes once.
    --group          a session of its own, as dumb-init does it; the terminal goes with it where that is ours to give.

Where no shell is above us (`docker run -it`), Ctrl-Z stops nothing: the kernel spares orphaned process groups. A
program that stops itself all the same would stay so for ever; PID 1 could not, and so PID 1's program goes on.
"""

from __future__ import annotations

import os

from cgtune import signals

_STDIN = 0
_LOOK = os.O_RDONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NONBLOCK", 0)
_HUP = signals.number_of("HUP")
#: What the terminal's driver sends to the group in its foreground, or to one that reads in the background.
FROM_TERMINAL = tuple(map(signals.number_of, ("INT", "QUIT", "TSTP", "TTIN", "TTOU", "WINCH", "HUP", "CONT")))


def has_terminal() -> bool:
    """Whether our session has one, wherever stdin leads: a program can ask for a password at /dev/tty."""
    try:
        os.close(os.open("/dev/tty", _LOOK))
    except OSError:
        return _foreground() is not None
    return True


def comes_to_group(number: int) -> bool:
    """Whether what the kernel has sent us is for all of our group: but the end of a terminal is told to its session's
    first process alone, which is to tell the others."""
    return number in FROM_TERMINAL and not (number == _HUP and os.getsid(0) == os.getpid())


def leave_terminal() -> bool:
    """Give our session's terminal away, so that another can have it; whether that was ours to do, and done."""
    return _foreground() == os.getpgrp() and os.getpid() == os.getsid(0) and _ioctl("TIOCNOTTY")


def adopt_terminal() -> None:
    """Make stdin the terminal of our new session."""
    _ioctl("TIOCSCTTY")


def kill_group(group: int, number: int) -> None:
    """Signal a process group, or the process alone as long as it has none."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        os.kill(group, number)


def _foreground() -> int | None:
    try:
        return os.tcgetpgrp(_STDIN)
    except OSError:
        return None


def _ioctl(name: str) -> bool:
    try:
        import fcntl
        import termios

        fcntl.ioctl(_STDIN, getattr(termios, name), 0)
    except (ImportError, OSError):
        return False
    return True
