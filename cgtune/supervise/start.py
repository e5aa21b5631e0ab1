"""Start the program, as if it had been exec'd directly.

It is started before the supervisor is: so it need not wait for another Python to start (measured: its first
instruction comes after 2 bare interpreter starts, not after 2.7), and what happens meanwhile waits, blocked.

    signal mask          as it was when cgtune was started
    dispositions         likewise; SIGPIPE and SIGXFSZ, which Python ignores, are the default again
    process group        see terminal.py
    LISTEN_PID,          where they named us, they name the program (sd_listen_fds(3), sd_watchdog_enabled(3))
    WATCHDOG_PID
    descriptors, cwd     as they are; the supervisor keeps none of them
"""

from __future__ import annotations

import os

from cgtune import launch
from cgtune.errors import CgtuneError
from cgtune.messages import say
from cgtune.supervise.terminal import adopt_terminal, has_terminal, leave_terminal

try:
    import _signal  # type: ignore[import-not-found]  # no stubs for the C module
except ImportError:  # another Python implementation
    import signal as _signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from cgtune.supervise.job import Job

_NAMES_OF_US = ("LISTEN_PID", "WATCHDOG_PID")


def start(job: Job, argv: Sequence[str], environment: Mapping[str, str], blocked: tuple[int, ...]) -> Job:
    """Start the program with these signals blocked; the job with what came of it.

    CgtuneError: there can be no other process.

    All signals are blocked afterwards, and children that end wait for us: SIGCHLD is not ignored any more.
    """
    _signal.pthread_sigmask(_signal.SIG_SETMASK, _signal.valid_signals())
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    ignores_children = _signal.getsignal(_signal.SIGCHLD) == _signal.SIG_IGN
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    job = job.replace(
        shares_group=not job.is_group and has_terminal(), has_left_terminal=job.is_group and leave_terminal()
    )
    environment = dict(environment)
    try:
        pid = os.fork()
    except OSError as error:
        raise CgtuneError(
            f"cannot start {argv[0]}: fork: {error.strerror}; is the limit of processes or memory reached?"
        ) from None
    if pid == 0:
        _become(job, argv, environment, blocked, ignores_children=ignores_children)
    return job.replace(pid=pid)


def _become(
    job: Job, argv: Sequence[str], environment: dict[str, str], blocked: tuple[int, ...], *, ignores_children: bool
) -> NoReturn:
    code = CgtuneError.exit_code
    try:
        _leave_group(job)
        for name in _NAMES_OF_US:
            if environment.get(name) == str(os.getppid()):
                environment[name] = str(os.getpid())
        if ignores_children:
            _signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, blocked)
        launch.replace_process(argv, environment)
    except CgtuneError as error:
        code = error.exit_code
        say(str(error))
    except OSError as error:
        say(f"cannot start {argv[0]}: {error.strerror}")
    finally:
        # Never back into what the parent does.
        os._exit(code)


def _leave_group(job: Job) -> None:
    """Into a session or a group of its own, where it is to have one and a sandbox does not refuse it."""
    try:
        if job.is_group:
            os.setsid()
        elif not job.shares_group:
            os.setpgid(0, 0)
    except OSError as error:
        say(f"the program stays in the group of cgtune: {error.strerror}")
    if job.has_left_terminal:
        adopt_terminal()
