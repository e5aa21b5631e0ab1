"""Start the program, as if it had been exec'd directly; then keep nothing that is its own.

signal mask          as it was when cgtune was started
dispositions         likewise; SIGPIPE and SIGXFSZ, which Python ignores, are the default again
process group        one of its own, in the foreground where we were and stdin is the terminal: what is typed
                     there reaches the program once. With --group: a session of its own, and the terminal
LISTEN_PID,          where they named us, they name the program (sd_listen_fds(3), sd_watchdog_enabled(3))
WATCHDOG_PID
descriptors, cwd     the program's; we close ours and go to "/", so that nothing stays busy because of us
"""

from __future__ import annotations

import os

from cgtune import launch
from cgtune.errors import CgtuneError
from cgtune.messages import say

try:
    import _signal  # type: ignore[import-not-found]  # no stubs for the C module
except ImportError:  # another Python implementation
    import signal as _signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from cgtune.supervise.job import Job
    from cgtune.supervise.terminal import Terminal

_NAMES_OF_US = ("LISTEN_PID", "WATCHDOG_PID")
_MOST_DESCRIPTORS = 65536


def take_over() -> bool:
    """Let signals wait for us, and children too; whether SIGCHLD was ignored, which the program then inherits."""
    _signal.pthread_sigmask(_signal.SIG_SETMASK, _signal.valid_signals())
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    was_ignored = _signal.getsignal(_signal.SIGCHLD) == _signal.SIG_IGN
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    return bool(was_ignored)


def start(job: Job, terminal: Terminal, *, ignores_children: bool) -> int:
    """Start the program; its process id. CgtuneError: there can be no other process."""
    before = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        raise CgtuneError(
            f"cannot start {job.argv[0]}: fork: {error.strerror}; is the limit of processes or memory reached?"
        ) from None
    if pid == 0:
        _become(job, terminal, before, ignores_children=ignores_children)
    return pid


def let_go() -> None:
    """Keep nothing open or busy that is the program's."""
    os.chdir("/")
    try:
        descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
    except (OSError, ValueError):
        os.closerange(3, _MOST_DESCRIPTORS)
    else:
        for descriptor in descriptors:
            if descriptor > 2:
                try:
                    os.close(descriptor)
                except OSError:  # the one that listed them
                    pass
    try:
        with open("/proc/self/comm", "w", encoding="ascii") as file:
            file.write("cgtune")
    except OSError:
        pass


def _become(job: Job, terminal: Terminal, parent: int, *, ignores_children: bool) -> NoReturn:
    code = CgtuneError.exit_code
    try:
        terminal.enter(is_group=job.is_group)
        environment = dict(job.environment)
        for name in _NAMES_OF_US:
            if environment.get(name) == str(parent):
                environment[name] = str(os.getpid())
        if ignores_children:
            _signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, job.blocked)
        launch.replace_process(job.argv, environment)
    except CgtuneError as error:
        code = error.exit_code
        say(str(error))
    finally:
        # Never back into what the parent does.
        os._exit(code)
