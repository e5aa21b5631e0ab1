"""Below an interactive shell: fg, bg, Ctrl-Z and /dev/tty do with cgtune what they do without it."""

from __future__ import annotations

import os
import shlex
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.real.init_cases import CGTUNE
from tests.real.init_harness import AS_PID_1, Stage
from tests.real.init_processes import read_process, wait_until
from tests.real.init_programs import PYTHON, shell
from tests.real.test_init_terminal import until, waits_for

pytestmark = pytest.mark.real

# "" is the control: the program alone.
with_and_without = pytest.mark.parametrize("is_supervised", [True, False], ids=["cgtune", "alone"])
#: Counts; and takes SIGTTIN for a request, as gunicorn does.
_COUNTER = (
    *PYTHON,
    """\
import os, signal, time
signal.signal(signal.SIGTTIN, lambda *_: os.write(1, b"one more\\n"))
os.write(1, b"ready %d\\n" % os.getpid())
for number in range(10000):
    os.write(1, b"%d\\n" % number)
    time.sleep(0.02)
""",
)


@contextmanager
def interactive(program: Sequence[str], *, is_supervised: bool) -> Iterator[tuple[Stage, str]]:
    """An interactive bash, and what to type to start this program."""
    argv = CGTUNE.argv(program) if is_supervised else list(program)
    environment = {**os.environ, "PS1": "$ ", "TERM": "dumb"}
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
        script.write(f"exec {shlex.join(argv)}\n")
        script.flush()
        with Stage(AS_PID_1, ["bash", "--norc", "--noprofile", "-i"], tty=True, env=environment) as stage:
            yield stage, f"sh {script.name}"


def state(pid: int) -> str:
    """R, S, T, …; "" where there is none."""
    process = read_process(pid)
    return "" if process is None else process.state


def answers(stage: Stage) -> bool:
    """Whether the shell does what is typed."""
    stage.type("echo $((6 * 7))\n")
    return "42" in until(stage, "42")


@with_and_without
def test_a_program_that_ends_in_the_background_leaves_the_terminal_alone(is_supervised: bool) -> None:
    """Stopped, sent to the background, ended: whoever is in the foreground by then stays there."""
    with interactive(["sleep", "2"], is_supervised=is_supervised) as (stage, command):
        stage.type(f"{command}\n")
        sleep = waits_for(stage, "sleep")
        stage.type("\x1a")
        assert wait_until(lambda: state(sleep) == "T")
        stage.type("bg\n")
        assert wait_until(lambda: state(sleep) == "S")
        stage.type("cat\n")
        cat = waits_for(stage, "cat")
        assert wait_until(lambda: state(sleep) == "")
        stage.type("text\n")
        until(stage, "text")
        assert wait_until(lambda: state(cat) == "S")
        stage.type("\x04")
        assert answers(stage)


@with_and_without
def test_a_program_started_in_the_background_comes_to_the_front(is_supervised: bool) -> None:
    """It stops when it wants to read, the shell notices, and `fg` gives it the terminal."""
    with interactive(["cat"], is_supervised=is_supervised) as (stage, command):
        stage.type(f"{command} &\n")
        # The init stops a moment after it.
        wanted = {"cat", "cgtune"} if is_supervised else {"cat"}
        assert wait_until(lambda: {one.name for one in stage.processes() if one.state == "T"} == wanted)
        assert answers(stage)
        stage.type("fg\n")
        waits_for(stage, "cat")
        stage.type("from me\n")
        until(stage, "from me")
        assert "from me" in until(stage, "from me")  # once typed, once by cat
        stage.type("\x04")
        assert answers(stage)


@with_and_without
def test_a_program_in_a_pipe_may_ask_at_the_terminal(is_supervised: bool) -> None:
    """As ssh, sudo and psql do for a password; stdin leads elsewhere."""
    ask = shell("read -r answer </dev/tty; echo got $answer")
    with interactive(ask, is_supervised=is_supervised) as (stage, command):
        stage.type(f"echo data | {command}\n")
        assert wait_until(lambda: any(one.name == "sh" and one.state == "S" for one in stage.processes()))
        stage.type("secret\n")
        assert until(stage, "got") == "got secret"
        assert answers(stage)


@with_and_without
def test_where_nobody_could_continue_it_nothing_stops(is_supervised: bool) -> None:
    """Below a script that is the session's first process, Ctrl-Z is nothing."""
    argv = CGTUNE.argv(_COUNTER) if is_supervised else list(_COUNTER)
    with Stage(AS_PID_1, ["sh", "-c", f"{shlex.join(argv)}; echo goes on"], tty=True) as stage:
        counter = int(until(stage, "ready").split()[1])
        stage.type("\x1a")
        until(stage, "^Z")
        for _ in range(20):
            stage.line()
        stage.send(signal.SIGTERM, stage.outside(counter))
        assert until(stage, "goes on") == "goes on"


@with_and_without
def test_a_forwarded_request_is_no_pause(is_supervised: bool) -> None:
    """A program that handles SIGTTIN has not stopped by it; Ctrl-Z, later, still gives the shell back."""
    with interactive(_COUNTER, is_supervised=is_supervised) as (stage, command):
        stage.type(f"{command}\n")
        counter = stage.outside(int(until(stage, "ready").split()[1]))
        process = read_process(counter)
        assert process is not None
        stage.send(signal.SIGTTIN, process.parent if is_supervised else counter)
        until(stage, "one more")
        stage.type("\x1a")
        assert wait_until(lambda: state(counter) == "T")
        assert answers(stage)
