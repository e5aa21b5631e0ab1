"""Wait, forward, reap, until the program has ended.

Signals are never handled, only waited for: all of them have been blocked since before the program was there, so none
is lost, and nothing ever interrupts what is being done. sigtimedwait(2) hands them over one by one.
"""

from __future__ import annotations

import os
import time

from cgtune import signals
from cgtune.errors import CgtuneError, describe
from cgtune.messages import say
from cgtune.supervise import descendants
from cgtune.supervise.job import Job, unpack
from cgtune.supervise.letting_go import let_go
from cgtune.supervise.stopping import GIVE_UP, INT, KILL, PAUSES, REPORT, TERM, Stopping
from cgtune.supervise.terminal import comes_to_group, kill_group

try:
    import _signal  # type: ignore[import-not-found]  # no stubs for the C module
except ImportError:  # another Python implementation
    import signal as _signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from cgtune.supervise.stopping import Action

# However it came about that nobody told us, a process that has ended is reaped after this.
_TICK_SECONDS = 1.0
_CONT, _CHLD, _HUP, _STOP, _TSTP, _SIGKILL = map(signals.number_of, ("CONT", "CHLD", "HUP", "STOP", "TSTP", "KILL"))

_ALL = _signal.valid_signals()
# Python ignores them, but being blocked they come nevertheless.
_FROM_WRITING = tuple(signals.number_of(name) for name in ("PIPE", "XFSZ"))


def main(descriptor: int) -> NoReturn:
    """The whole life of the supervisor; what it is told comes through a descriptor."""
    with open(descriptor, "rb") as file:
        job = unpack(file.read())
    look_after(job)


def look_after(job: Job) -> NoReturn:
    """Look after a program that runs, and end as it did."""
    code = CgtuneError.exit_code
    try:
        let_go()
        code = Supervisor(job).run()
    except CgtuneError as error:
        code = error.exit_code
        say(str(error))
    except Exception as error:
        say(f"a fault in cgtune: {describe(error)}")
    finally:
        # There is nothing to tidy up, and nothing may be printed.
        os._exit(code)


class Supervisor:
    """Looks after one program."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.pid = job.pid
        self.code: int | None = None
        self.stopping = Stopping(job)
        self.expected = {_HUP, _CONT} if job.has_left_terminal else set()
        self.cannot_signal = False
        self.has_given_up = False

    def run(self) -> int:
        """Until the program has ended; our exit code."""
        while self.code is None:
            self.wait()
            self.reap()
        if not self.has_given_up:
            self.end_orphans()
        return dict(self.job.exit_codes).get(self.code, self.code)

    def wait(self) -> None:
        """For a signal, or for what time brings; do it."""
        seconds = self.stopping.seconds_left(time.monotonic(), _TICK_SECONDS)
        received = _signal.sigtimedwait(_ALL, seconds)
        now = time.monotonic()
        for action in self.stopping.due(now):
            self.act(action)
        if received is not None and received.si_signo != _CHLD:
            self.take(received.si_signo, received.si_code, received.si_pid, now)

    def take(self, number: int, code: int, sender: int, now: float) -> None:
        """A signal has come; `code` says who sent it, sigaction(2)."""
        if self.is_own(number, sender):
            self.expected.discard(number)
            return
        actions = self.stopping.receive(number, code <= 0, now)
        if self.job.shares_group and code > 0 and comes_to_group(number):
            # The program has got it too; what it has set in motion takes its course.
            return
        if not actions:
            is_held = number == TERM and self.stopping.is_holding
            self.tell(f"{signals.name_of(number)} {'held back' if is_held else 'not forwarded'}")
        for action in actions:
            self.act(action)
        if number in PAUSES and self.job.is_group:
            self.pause()

    def is_own(self, number: int, sender: int) -> bool:
        """Whether we have brought it about: by leaving the terminal, or by writing where nobody reads."""
        return number in self.expected or (number in _FROM_WRITING and sender == os.getpid())

    def pause(self) -> None:
        """Stop too, for the shell above. A SIGCONT that is here already would be lost: SIGSTOP discards it."""
        if os.getpid() != 1 and _CONT not in _signal.sigpending():
            os.kill(os.getpid(), _STOP)

    def act(self, action: Action) -> None:
        """Do one thing to the program."""
        if action.name == KILL:
            say(f"stop timeout: killing {descendants.describe_all(self.pid)}")
            descendants.kill_all(_SIGKILL, self.pid)
        elif action.name == GIVE_UP:
            say(f"cannot kill {descendants.describe_all(self.pid)}; ending without")
            self.code = 128 + _SIGKILL
            self.has_given_up = True
        elif action.name == REPORT:
            say(f"told to stop, and still there: {descendants.describe_all(self.pid)}")
        else:
            self.forward(action.number)

    def forward(self, number: int) -> None:
        """Send a signal to the program, or to its group."""
        try:
            if self.job.is_group:
                kill_group(self.pid, number)
            else:
                os.kill(self.pid, number)
            self.tell(f"forwarded {signals.name_of(number)} to {self.pid}")
        except ProcessLookupError:
            pass
        except PermissionError:
            if not self.cannot_signal:
                say(f"cannot signal {self.pid}, which runs as another user: that takes the capability KILL")
            self.cannot_signal = True

    def reap(self) -> bool:
        """Take the exit of each child that has one; whether there are others."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                if self.code is None:
                    raise CgtuneError("the program is gone, and nobody has told how") from None
                return False
            if pid == 0:
                return True
            if os.WIFSTOPPED(status):
                if pid == self.pid and self.job.shares_group:
                    self.stop_with_program(os.WSTOPSIG(status))
                continue
            code = os.waitstatus_to_exitcode(status)
            if pid == self.pid:
                self.code = code if code >= 0 else 128 - code
            else:
                self.tell(f"reaped {pid} ({f'exit {code}' if code >= 0 else signals.name_of(-code)})")

    def stop_with_program(self, number: int) -> None:
        """A shell above us waits until we stop; above PID 1 there is none, and nobody would let the program go on."""
        if os.getpid() != 1:
            self.pause()
        elif number in (_STOP, _TSTP):
            # Not for TTIN and TTOU: it would only stop again.
            os.kill(self.pid, _CONT)

    def end_orphans(self) -> None:
        """Give what the program has left behind a moment to end in order. Another signal to stop ends it at once."""
        if not self.job.orphan_grace_seconds or not self.reap():
            return
        self.tell(f"the program has ended; SIGTERM to those it has left: {descendants.describe_all()}")
        descendants.kill_all(TERM)
        descendants.kill_all(_CONT)
        deadline = time.monotonic() + self.job.orphan_grace_seconds
        while self.reap() and (left := deadline - time.monotonic()) > 0:
            received = _signal.sigtimedwait({_CHLD, TERM, INT}, left)
            if received is not None and received.si_signo != _CHLD:
                break

    def tell(self, text: str) -> None:
        """What is worth a line only to those who asked."""
        if self.job.is_verbose:
            say(text)
