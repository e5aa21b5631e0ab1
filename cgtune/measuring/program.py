"""Start a program to look at, and stop it so that nothing of it stays.

It gets a session of its own, so that Ctrl-C reaches us alone, and we end it in order. What it leaves behind (a
daemon's second fork) becomes our child by PR_SET_CHILD_SUBREAPER, and is found there. Should we be killed outright,
the kernel sends it SIGTERM (PR_SET_PDEATHSIG). Its output goes to our stderr: stdout is for what was measured.

Signals are blocked while it runs, and taken by sigtimedwait(2) where we wait: no handler runs in between.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

from cgtune import launch, process_control
from cgtune.errors import CgtuneError, CommandNotExecutable, CommandNotFound
from cgtune.measuring import processes
from cgtune.measuring.tree import select_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cgtune.measuring.kernel_files import Stat

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# For a process in the kernel's hands (a hanging NFS, say) there is nothing better than to say so.
_KILL_SECONDS = 5.0
_ERRORS = {error.exit_code: error for error in (CommandNotFound, CommandNotExecutable, CgtuneError)}


class Interrupted(Exception):
    """A signal asked us to end."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


class Program:
    """A running program with all it has started."""

    def __init__(self, pid: int, signals: frozenset[int], foreign: frozenset[int]) -> None:
        self.pid = pid
        #: Its exit code, the signal that ended it as a negative number, None while it runs.
        self.exit_code: int | None = None
        self._signals = signals
        # Children we had before; as PID 1, or by `exec`, there may be some.
        self._foreign = foreign
        self._known: frozenset[tuple[int, int]] = frozenset()

    def wait(self, seconds: float) -> None:
        """Wait, until something of it ends at the latest. Interrupted: a signal asks us to end."""
        info = signal.sigtimedwait(self._signals, max(0.0, seconds))
        if info is not None and info.si_signo != signal.SIGCHLD:
            raise Interrupted(info.si_signo)

    def find_tree(self) -> list[Stat]:
        """Its living processes; those of the dead that are ours to bury are buried."""
        stats = processes.list_processes()
        orphans = {stat.pid for stat in stats if stat.parent == os.getpid() and stat.pid not in self._foreign}
        for stat in stats:
            if stat.is_dead and stat.pid in orphans:
                self._bury(stat.pid)
        roots = orphans | ({self.pid} if self.exit_code is None else set())
        tree = select_tree(stats, roots, self._known)
        self._known |= {(stat.pid, stat.started_ticks) for stat in tree}
        return tree

    def stop(self, grace_seconds: float) -> list[int]:
        """SIGTERM to the program; when that is in vain, or a signal hurries us, SIGKILL to all. The ids that stay."""
        with contextlib.suppress(Interrupted):
            if self._end(grace_seconds, signal.SIGTERM):
                return []
        with contextlib.suppress(Interrupted):
            if self._end(_KILL_SECONDS, signal.SIGKILL):
                return []
        return [stat.pid for stat in self.find_tree()]

    def _end(self, seconds: float, number: int) -> bool:
        """Signal it until all of it has ended; False where the time was too short."""
        told: set[Stat] = set()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            tree = self.find_tree()
            # Twice: one that forks and ends while we look can hide its child once.
            if not tree and not self.find_tree():
                return True
            # A server ends its workers in order; what it left behind has nobody else to tell it.
            main = [stat for stat in tree if stat.pid == self.pid]
            for stat in main if main and number == signal.SIGTERM else tree:
                if stat not in told:
                    _send(stat, number)
                    told.add(stat)
            self.wait(0.05)
        return False

    def _bury(self, pid: int) -> None:
        with contextlib.suppress(ChildProcessError):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended == self.pid:
                self.exit_code = os.waitstatus_to_exitcode(status)


def _send(stat: Stat, number: int) -> None:
    # Looked at again: its id may be another's by now.
    now = processes.read_stat(stat.pid)
    if now is not None and now.started_ticks == stat.started_ticks:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(stat.pid, number)


@contextlib.contextmanager
def started(argv: Sequence[str], environment: Mapping[str, str], grace_seconds: float) -> Iterator[Program]:
    """The program, running; afterwards nothing of it is. CommandNotFound and its like, as `run` has them."""
    with _blocked_signals() as (signals, mask_before):
        foreign = frozenset(stat.pid for stat in processes.list_processes() if stat.parent == os.getpid())
        # Where it is refused, what runs in the program's session, and what was seen before, is found all the same.
        process_control.become_subreaper()
        program = Program(_spawn(argv, environment, mask_before), signals, foreign)
        try:
            yield program
        finally:
            left = program.stop(grace_seconds)
            if left:
                raise CgtuneError(f"cannot stop what it started: process {', '.join(map(str, left))} stays")


@contextlib.contextmanager
def _blocked_signals() -> Iterator[tuple[frozenset[int], set[signal.Signals]]]:
    """Those to wait for, and the mask as it was. One that is ignored, as under nohup, stays so."""
    signals = {number for number in _ENDING if signal.getsignal(number) != signal.SIG_IGN}
    child_before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals | {signal.SIGCHLD})
    try:
        yield frozenset(signals | {signal.SIGCHLD}), {signal.Signals(number) for number in before}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGCHLD, child_before)


def _spawn(argv: Sequence[str], environment: Mapping[str, str], mask: set[signal.Signals]) -> int:
    """The id of the new process, once it has become the program."""
    reader, writer = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(argv, environment, mask, writer, parent)
    os.close(writer)
    # The other end closes at exec, or after a word of what is wrong.
    with open(reader, encoding="utf-8", errors="surrogateescape") as file:
        complaint = file.read()
    if not complaint:
        return pid
    os.waitpid(pid, 0)
    code, _, message = complaint.partition(" ")
    raise _ERRORS[int(code)](message)


def _become(
    argv: Sequence[str], environment: Mapping[str, str], mask: set[signal.Signals], writer: int, parent: int
) -> None:
    """In the new process: never returns."""
    try:
        os.setsid()
        process_control.follow_parent(signal.SIGTERM, parent)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        with contextlib.suppress(OSError):
            os.dup2(2, 1)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        launch.replace_process(argv, environment)
    except CgtuneError as error:
        os.write(writer, f"{error.exit_code} {error}".encode("utf-8", "surrogateescape"))
    except BaseException as error:
        os.write(writer, f"{CgtuneError.exit_code} {type(error).__name__}: {error}".encode("utf-8", "replace"))
    finally:
        os._exit(CgtuneError.exit_code)
