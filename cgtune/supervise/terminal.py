"""The terminal: who is in its foreground, and what happens when its user presses Ctrl-Z. See credentials(7).

The program has a process group of its own, so what the terminal sends (Ctrl-C, a new size) reaches it directly, and
us not at all. A shell above us waits for us, though: it is told that its job has stopped by our stopping too, with
all of our group, and gets it going again with SIGCONT, which we pass on. Where no shell is above us (the first
process of a session, as in `docker run -it`), nobody would ever continue what Ctrl-Z stopped. A program that is
exec'd there is not stopped by it (signal(7), orphaned process groups), and so ours goes on at once.
"""

from __future__ import annotations

import os

from cgtune import signals

_STDIN = 0
_CONT, _STOP, _TSTP = (signals.number_of(name) for name in ("CONT", "STOP", "TSTP"))


class Terminal:
    """Our part in the terminal on stdin. `is_ours`: the program has our place in its foreground."""

    def __init__(self, *, is_ours: bool) -> None:
        self.is_ours = is_ours
        self._is_top = _is_top()

    def stopped(self, pid: int, number: int, *, was_told: bool) -> None:
        """The program has stopped; `was_told`: we forwarded the signal that did it."""
        if not self.is_ours or was_told:
            return
        if not self._is_top:
            os.killpg(os.getpgrp(), _STOP)
        elif number == _TSTP:
            kill_group(pid, _CONT)

    def continued(self, pid: int) -> None:
        """We go on: with the program in the foreground, if that is where the shell has put us."""
        if self.is_ours and _foreground() == os.getpgrp():
            give(pid)

    def take_back(self) -> None:
        """The program has ended: whoever started us finds the terminal as it was."""
        if self.is_ours:
            give(os.getpgrp())


def is_in_foreground() -> bool:
    """Whether stdin is a terminal, and our group in its foreground."""
    return _foreground() == os.getpgrp()


def leave_terminal() -> bool:
    """Give our session's terminal away, so that another can have it; whether that was ours to do, and done."""
    return is_in_foreground() and _is_top() and _ioctl("TIOCNOTTY")


def enter_group(*, has_terminal: bool) -> None:
    """In the new process: a group of its own, in the foreground where it is to have the terminal."""
    os.setpgid(0, 0)
    if has_terminal:
        give(os.getpid())


def enter_session(*, has_terminal: bool) -> None:
    """In the new process: a session of its own, with the terminal where it is to have it."""
    os.setsid()
    if has_terminal:
        _ioctl("TIOCSCTTY")


def give(group: int) -> None:
    """Put a group into the foreground. Not worth a word where that is not possible."""
    try:
        os.tcsetpgrp(_STDIN, group)
    except OSError:
        pass


def kill_group(group: int, number: int) -> None:
    """Signal a process group, or the process alone as long as it has none."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        os.kill(group, number)


def _is_top() -> bool:
    """Whether no shell of our session is above us."""
    return os.getpid() in (1, os.getsid(0))


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
