"""Start a program under an init, as PID 1 or below a shell, and look at both from outside.

    place      who is who
    pid1       the init is PID 1 of a new PID namespace: unshare
    shell      a shell is PID 1 there, and the init is its child; so orphans that the init does not adopt end up
               with the shell, strangers of the same namespace can be counted, and nothing survives the test
    lazy       as below a shell, but PID 1 waits for nobody else: it keeps the zombies that come to it
    container  the init is PID 1 of a container
    inside     a place made inside a container that runs: all of its files, and none of Docker's slowness

A place is left by killing its PID 1, and then the kernel ends all that is in it.

    with Stage(AS_PID_1, init.argv(program)) as stage:
        assert stage.line() == "ready 2"
        stage.send(signal.SIGTERM)
        assert stage.exit_code() == 143

The init is known by its command line alone (init_cases.py).
"""

from __future__ import annotations

import contextlib
import functools
import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from lab.container import Container
from lab.engine import Engine
from tests.real.init_processes import (
    Process,
    descendants,
    has_nothing_to_do,
    pid_inside,
    read_process,
    wait_until,
)
from tests.real.init_programs import LAZY
from tests.support import unavailable

#: Long enough for a slow machine that does other things too. What is expected comes in milliseconds.
PATIENCE_SECONDS = 10
UNSHARE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
_CTTY = ("setsid", "--ctty")
# The shell tells the exit code through a FIFO and waits at another one: survivors can be looked at meanwhile. It
# lets go of the output, which then ends when nobody else has it. What is typed at a terminal does not end it.
KILL = signal.SIGKILL
_SHELL = 'trap : INT QUIT; dir=$1; shift; "$@"; echo $? >"$dir/code"; exec >&- 2>&-; read -r _ <"$dir/gate"'


class Place:
    """Where an init runs."""

    name = ""
    #: Whether the init is the child of PID 1.
    is_below = False
    #: Whether PID 1 is a shell, which stays when the init has ended.
    has_shell = False

    def words(self, argv: Sequence[str], folder: Path, *, tty: bool) -> list[str]:
        """The command that starts `argv` there."""
        raise NotImplementedError

    def first_pid(self, launcher: int, folder: Path) -> int | None:
        """Its PID 1, as the host counts; None while there is none. The launcher's own children are no part of it."""
        return next((process.pid for process in descendants(launcher) if pid_inside(process.pid) == 1), None)

    def clean_up(self, folder: Path) -> None:
        """What the end of its PID 1 does not do."""


class AsPid1(Place):
    """The init is PID 1; `before` are the words that get there."""

    name = "pid1"

    def __init__(self, *before: str) -> None:
        self._before = before

    def words(self, argv: Sequence[str], folder: Path, *, tty: bool) -> list[str]:
        return [*self._before, *UNSHARE, *(_CTTY if tty else ()), *argv]


class BelowShell(AsPid1):
    """A shell is PID 1, the init its child."""

    name = "shell"
    is_below = True
    has_shell = True

    def words(self, argv: Sequence[str], folder: Path, *, tty: bool) -> list[str]:
        return super().words(["sh", "-c", _SHELL, "sh", str(folder), *argv], folder, tty=tty)


class BelowLazy(AsPid1):
    """PID 1 waits for the init, and for nobody else: it keeps every zombie that comes to it."""

    name = "lazy"
    is_below = True

    def words(self, argv: Sequence[str], folder: Path, *, tty: bool) -> list[str]:
        return super().words([*LAZY, *argv], folder, tty=tty)


AS_PID_1 = AsPid1()
BELOW_SHELL = BelowShell()
BELOW_LAZY = BelowLazy()


def inside(container: Container) -> tuple[AsPid1, BelowShell]:
    """Both places, made inside a container. The folder of tests must be mounted there."""
    enter = ("nsenter", f"--target={container.pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--")
    return AsPid1(*enter), BelowShell(*enter)


class InContainer(Place):
    """Docker, with the options given."""

    name = "container"

    def __init__(self, engine: Engine, image: str, options: Sequence[str]) -> None:
        self._engine = engine
        self._image = image
        self._options = tuple(options)

    def words(self, argv: Sequence[str], folder: Path, *, tty: bool) -> list[str]:
        name = f"lab-init-{uuid.uuid4().hex[:12]}"
        (folder / "name").write_text(name)
        terminal = ["--tty"] if tty else []
        options = ["--rm", "--interactive", *terminal, "--name", name, "--network", "none", *self._options]
        return [*self._engine.client, "run", *options, self._image, *argv]

    def first_pid(self, launcher: int, folder: Path) -> int | None:
        asked = self._engine.docker("inspect", "--format", "{{.State.Pid}}", (folder / "name").read_text())
        return int(asked.stdout) if asked.returncode == 0 and int(asked.stdout) else None

    def clean_up(self, folder: Path) -> None:
        self._engine.docker("rm", "--force", "--volumes", (folder / "name").read_text())


@functools.cache
def _require_namespaces() -> None:
    """Skip where nobody may make a PID namespace."""
    done = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        unavailable(f"no PID namespace of our own here: {done.stderr.strip()}")


class Stage:
    """One start of an init with its program, until the end of its `with`."""

    def __init__(
        self,
        place: Place,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        tty: bool = False,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        _require_namespaces()
        self.place = place
        self.folder = Path(tempfile.mkdtemp(prefix="init-"))
        for name in ("code", "gate"):
            os.mkfifo(self.folder / name)
        # Opened for both directions, a FIFO neither blocks its opener nor ends.
        self._code = os.open(self.folder / "code", os.O_RDWR | os.O_NONBLOCK)
        self._first: int | None = None
        self._init: int | None = None
        self._stderr = (self.folder / "stderr").open("wb")
        self._text = b""
        inner, outer = pty.openpty() if tty else (None, None)
        self.terminal = inner
        words = place.words(argv, self.folder, tty=tty)
        self._launcher = subprocess.Popen(
            words,
            stdin=subprocess.PIPE if outer is None else outer,
            stdout=subprocess.PIPE if outer is None else outer,
            stderr=self._stderr if outer is None else outer,
            env=env,
            cwd=cwd,
            pass_fds=pass_fds,
            start_new_session=True,
        )
        if outer is not None:
            os.close(outer)
        if self._launcher.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._launcher.stdin.write(stdin)
                self._launcher.stdin.close()
        self._output = inner if self._launcher.stdout is None else self._launcher.stdout.fileno()

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything that runs there."""
        if self._launcher.poll() is None:
            # Its PID 1 is killed, not the launcher: that one waits for it, and nobody is left behind.
            wait_until(lambda: self._find_first() is not None or self._launcher.poll() is not None)
            if self._first is not None and self._launcher.poll() is None:
                self.send(KILL, self._first)
            self.place.clean_up(self.folder)
            try:
                self._launcher.wait(PATIENCE_SECONDS)
            finally:
                self._launcher.kill()
                self._launcher.wait()
        if self._launcher.stdout is not None:
            self._launcher.stdout.close()
        if self.terminal is not None:
            os.close(self.terminal)
        os.close(self._code)
        self._stderr.close()
        shutil.rmtree(self.folder)

    # What the program writes

    def line(self, seconds: float = PATIENCE_SECONDS) -> str:
        """Its next line. TimeoutError if none comes in time, EOFError if none will."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._text:
            if not self._read(deadline - time.monotonic()):
                raise EOFError(f"no more lines, after {self._text!r}; {self.stderr()}")
        line, _, self._text = self._text.partition(b"\n")
        return line.decode(errors="replace").rstrip("\r")

    def lines_so_far(self) -> list[str]:
        """All its lines that are there already and were not taken yet, a last one without its end too."""
        with contextlib.suppress(TimeoutError):
            while self._read(0):
                pass
        text, self._text = self._text, b""
        return text.decode(errors="replace").splitlines()

    def all_output(self, seconds: float = PATIENCE_SECONDS) -> str:
        """What it wrote until nobody could write any more."""
        return self.all_bytes(seconds).decode(errors="replace")

    def all_bytes(self, seconds: float = PATIENCE_SECONDS) -> bytes:
        """The same, as it was written."""
        deadline = time.monotonic() + seconds
        while self._read(deadline - time.monotonic()):
            pass
        text, self._text = self._text, b""
        return text

    def stderr(self) -> str:
        """What init and program wrote there so far."""
        return (self.folder / "stderr").read_text(errors="replace")

    def type(self, text: str) -> None:
        """Type this at the terminal."""
        assert self.terminal is not None
        os.write(self.terminal, text.encode())

    def hang_up(self) -> None:
        """Close the terminal."""
        assert self.terminal is not None
        os.close(self.terminal)
        self.terminal = None

    def _read(self, seconds: float) -> bool:
        assert self._output is not None
        if not select.select([self._output], [], [], max(0, seconds))[0]:
            raise TimeoutError(f"nothing more, after {self._text!r}; {self.stderr()}")
        try:
            data = os.read(self._output, 65536)
        except OSError:  # EIO: nobody has the terminal open any more
            return False
        self._text += data
        return bool(data)

    # Who is there

    @property
    def first(self) -> int:
        """The place's PID 1."""
        assert wait_until(lambda: self._find_first() is not None, PATIENCE_SECONDS), self.stderr()
        assert self._first is not None
        return self._first

    def _find_first(self) -> int | None:
        if self._first is None:
            self._first = self.place.first_pid(self._launcher.pid, self.folder)
        return self._first

    @property
    def init(self) -> int:
        """The init."""
        if not self.place.is_below:
            return self.first
        if self._init is None:
            assert wait_until(self._children_of_first), self.stderr()
            self._init = self._children_of_first()[0]
        return self._init

    def _children_of_first(self) -> list[int]:
        return [process.pid for process in self.processes() if process.parent == self.first]

    def processes(self) -> list[Process]:
        """All below the place's PID 1, zombies too."""
        return descendants(self.first)

    def outside(self, pid: int) -> int:
        """The process that has this pid there, as the host counts."""
        candidates = [self.first, *(process.pid for process in self.processes())]
        return next(candidate for candidate in candidates if pid_inside(candidate) == pid)

    def zombies(self) -> int:
        """How many ended and were not waited for."""
        return sum(process.state == "Z" for process in self.processes())

    def is_there(self) -> bool:
        """Whether the init is there and has not ended."""
        process = read_process(self.init)
        return process is not None and process.state not in "ZX"

    # What is done to it

    def send(self, number: int, pid: int | None = None) -> None:
        """Send a signal to the init, or to another process by the host's pid, if it still is there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.init if pid is None else pid, number)

    def settle(self, *pids: int, seconds: float = PATIENCE_SECONDS) -> bool:
        """Wait until init, then each of these, has taken its signals. False when one of them does not."""
        return all(wait_until(functools.partial(has_nothing_to_do, pid), seconds) for pid in (self.init, *pids))

    def exit_code(self, seconds: float = PATIENCE_SECONDS) -> int:
        """The init's exit code as a shell tells it, 128 and the signal's number when one ended it."""
        if self.place.has_shell:
            if not select.select([self._code], [], [], seconds)[0]:
                raise TimeoutError(f"not ended after {seconds} s; {self.stderr()}")
            return int(os.read(self._code, 16))
        descriptor = os.pidfd_open(self._launcher.pid)
        try:
            if not select.select([descriptor], [], [], seconds)[0]:
                raise TimeoutError(f"not ended after {seconds} s; {self.stderr()}")
        finally:
            os.close(descriptor)
        code = self._launcher.wait()
        return code if code >= 0 else 128 - code

    def survivors(self) -> list[str]:
        """The names of those who run on after the init, and were not there before it. As PID 1 nobody can."""
        if not self.place.has_shell:
            return []
        return [process.name for process in self.processes() if process.state not in "ZX"]


def run(
    place: Place, argv: Sequence[str], *, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Exit code, output and stderr of a program that ends by itself."""
    with Stage(place, argv, stdin=stdin, env=env) as stage:
        code = stage.exit_code()
        # What it left behind may hold the pipe open.
        return code, "\n".join(stage.lines_so_far()), stage.stderr()
