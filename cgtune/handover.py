"""Start the program, and become its supervisor: a fresh, small Python in place of this one.

    python -I -S -c "…" FOLDER DESCRIPTOR

-I and -S keep the program's variables and packages out of it. The package is then not on its path, so the folder
that holds it (or the zip file) is named outright. What to do comes through the descriptor, see supervise/job.py;
the environment is the program's, so that PID 1 shows it to whoever looks there.

Signals are blocked from here on: what comes, and the end of the program, is still there after the exec. What needs
ctypes is done before, and stays too.
"""

from __future__ import annotations

import os
import sys

from cgtune import signal_mask
from cgtune.messages import say
from cgtune.mode import choose_mode

try:
    import _signal  # type: ignore[import-not-found]  # no stubs for the C module
except ImportError:  # another Python implementation
    import signal as _signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from cgtune.config import Config
    from cgtune.mode import Mode
    from cgtune.supervise.job import Job

# Behind the standard library, of which nothing may be replaced.
_BOOTSTRAP = (
    "import sys; sys.path.append(sys.argv[1]); from cgtune.supervise.loop import main; main(int(sys.argv[2]))"
)
_OPTIONS = ("-I", "-S")
# Where PYTHONHOME says where the standard library is, it must be listened to.
_OPTIONS_WITH_HOME = ("-s", "-S")
_BOOTSTRAP_WITHOUT_CWD = _BOOTSTRAP.replace("import sys; ", "import sys; del sys.path[0]; ", 1)


def find_mode(config: Config, environment: Mapping[str, str], *, is_ours: bool = False) -> Mode:
    """Whether this process is to become the program or the supervisor. `is_ours`: the program is cgtune again."""
    return choose_mode(
        config,
        is_first=os.getpid() == 1,
        has_notify_socket=bool(environment.get("NOTIFY_SOCKET")),
        is_ours=is_ours,
        obstacle=find_obstacle(),
    )


def find_obstacle() -> str | None:
    """Why this Python cannot supervise; None where it can."""
    if not hasattr(_signal, "sigtimedwait") or not hasattr(os, "fork"):
        return f"not on {sys.platform}"
    if getattr(sys, "frozen", False):
        return "this Python is built into another program"
    if not sys.executable or not os.access(sys.executable, os.X_OK):
        return "this Python does not know its own executable"
    return None


def supervise(config: Config, argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Start the program, and look after it to its end. CgtuneError: it cannot be started."""
    from cgtune.supervise.job import pack
    from cgtune.supervise.start import start

    if os.getpid() != 1:
        from cgtune.process_control import become_subreaper

        problem = become_subreaper()
        if problem is not None:
            say(f"what the program leaves behind will not be reaped: {problem}")
    job = start(make_job(config), argv, environment, signal_mask.hold())
    try:
        _replace_process(pack(job), environment)
    except OSError as error:
        say(f"cannot become smaller: {error.filename or 'no way to tell it what to do'}: {error.strerror}")
    from cgtune.supervise.loop import look_after

    # It works here as well, in more memory.
    look_after(job)


def make_job(config: Config) -> Job:
    """What the supervisor is told."""
    from cgtune.supervise.job import Job

    job = Job(
        rewrites=config.signal,
        exit_codes=config.map_exit,
        is_group=config.group,
        stop_timeout_seconds=config.stop_timeout,
        pre_stop_delay_seconds=config.pre_stop_delay or 0.0,
        is_verbose=config.verbose,
    )
    return job if config.orphan_grace is None else job.replace(orphan_grace_seconds=config.orphan_grace)


def _replace_process(data: bytes, environment: Mapping[str, str]) -> NoReturn:
    options, bootstrap = _OPTIONS, _BOOTSTRAP
    variables = dict(environment)
    if "PYTHONHOME" in os.environ:
        options, bootstrap = _OPTIONS_WITH_HOME, _BOOTSTRAP_WITHOUT_CWD
        variables = {name: value for name, value in variables.items() if not name.startswith("PYTHON")}
        variables["PYTHONHOME"] = os.environ["PYTHONHOME"]
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    words = [sys.executable, *options, "-c", bootstrap, folder, str(_send(data))]
    os.execve(sys.executable, words, variables)


def _send(data: bytes) -> int:
    """An inheritable descriptor to read this from. A pipe takes a page at least, more only by chance."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    if os.write(writer, data) < len(data):
        raise OSError(7, os.strerror(7))  # E2BIG
    os.close(writer)
    os.set_inheritable(reader, True)
    return reader
