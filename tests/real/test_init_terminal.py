"""At a terminal: what is typed reaches the program once, Ctrl-C and Ctrl-Z do what they do without an init."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import struct
import tempfile
import termios
from collections.abc import Sequence

import pytest

from tests.real.init_cases import CGTUNE, DUMB_INIT, TINI, Init, everywhere
from tests.real.init_harness import AS_PID_1, BELOW_SHELL, AsPid1, Stage
from tests.real.init_processes import read_process, wait_until
from tests.real.init_programs import PYTHON, RECORDER, shell

pytestmark = pytest.mark.real

#: dumb-init told to signal the program alone leaves it in its own group, so it gets what is typed twice.
_WAYS = [(TINI, False), (DUMB_INIT, True), (CGTUNE, False), (CGTUNE, True)]
#: Below a shell that has the terminal, a program in a session of its own can never be in the foreground.
_PLACES = [(place, *way) for place in (AS_PID_1, BELOW_SHELL) for way in _WAYS if place is AS_PID_1 or not way[1]]


def _name(value: object) -> str | None:
    if isinstance(value, bool):
        return "group" if value else "alone"
    return str(getattr(value, "name", value))


in_the_foreground = pytest.mark.parametrize(("place", "init", "group"), _PLACES, ids=_name)
each_way = pytest.mark.parametrize(("init", "group"), _WAYS, ids=_name)
#: Has handlers, says the number of each signal it gets; unlike the recorder it lets the terminal do what it does.
_LISTENER = (
    *PYTHON,
    """\
import os, signal
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGCONT, signal.SIGWINCH, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: os.write(1, b"%d\\n" % number))
os.write(1, b"ready %d\\n" % os.getpid())
while True:
    signal.pause()
""",
)


def started(init: Init, program: Sequence[str], *, group: bool = False) -> list[str]:
    """The command line of an init that has nothing to say: its stderr is the terminal too."""
    return init.argv(program, *(init.subreaper or ()), group=group)


def until(stage: Stage, word: str) -> str:
    """Read lines until one holds this word; that line."""
    while word not in (line := stage.line()):
        pass
    return line


@in_the_foreground
def test_a_shell_is_spoken_to(place: AsPid1, init: Init, group: bool) -> None:
    """What is typed reaches a shell, what it answers is seen, and its exit code is the init's."""
    with Stage(place, started(init, ["sh"], group=group), tty=True) as stage:
        stage.type("echo $((6 * 7))\n")
        assert until(stage, "42").endswith("42")
        stage.type("exit 7\n")
        assert stage.exit_code() == 7


@in_the_foreground
def test_ctrl_c_ends_a_loop(place: AsPid1, init: Init, group: bool) -> None:
    """Ctrl-C ends a program that would go on for ever: 130."""
    loop = shell("while echo round; do read -r _; done")
    with Stage(place, started(init, loop, group=group), tty=True) as stage:
        assert stage.line() == "round"
        stage.type("\x03")
        assert stage.exit_code() == 128 + signal.SIGINT


@in_the_foreground
def test_ctrl_c_comes_once(place: AsPid1, init: Init, group: bool) -> None:
    """The program gets one SIGINT for one Ctrl-C: servers take a second one for impatience."""
    with Stage(place, started(init, _LISTENER, group=group), tty=True) as stage:
        assert stage.line().startswith("ready")
        stage.type("\x03")
        assert stage.line().lstrip("^C") == str(int(signal.SIGINT))
        stage.settle()
        stage.type("\x1c")
        assert stage.line().lstrip("^\\") == str(int(signal.SIGQUIT))
        assert stage.lines_so_far() == []


@pytest.mark.parametrize("init", [DUMB_INIT, CGTUNE], ids=str)
def test_ctrl_c_reaches_a_session_of_its_own(init: Init) -> None:
    """Below a shell that keeps the terminal, Ctrl-C comes to the init, which passes it on to its group."""
    with Stage(BELOW_SHELL, started(init, ["sleep", "1000"], group=True), tty=True) as stage:
        assert wait_until(lambda: "sleep" in [process.name for process in stage.processes()])
        stage.type("\x03")
        assert stage.exit_code() == 128 + signal.SIGINT


def test_ctrl_c_twice_is_noticed() -> None:
    """An init in the program's own group passes on what the program has already: the test above would see that."""
    with Stage(AS_PID_1, DUMB_INIT.argv(_LISTENER), tty=True) as stage:
        program = stage.outside(int(stage.line().removeprefix("ready ")))
        # Two at once would be one: the init is held back until the program has heard the first.
        stage.send(signal.SIGSTOP)
        stage.type("\x03")
        assert stage.line().lstrip("^C") == "2"
        assert stage.settle(program)
        stage.send(signal.SIGCONT)
        assert {stage.line(), stage.line()} == {"2", "18"}


@in_the_foreground
def test_text_goes_there_and_back(place: AsPid1, init: Init, group: bool) -> None:
    """Lines typed up to Ctrl-D come back from tac, the last first."""
    with Stage(place, started(init, ["tac"], group=group), tty=True) as stage:
        stage.type("one\ntwo\nthree\n\x04")
        assert [stage.line() for _ in range(6)] == ["one", "two", "three", "three", "two", "one"]
        assert stage.exit_code() == 0


@in_the_foreground
def test_a_shell_has_job_control(place: AsPid1, init: Init, group: bool) -> None:
    """`bash -m` finds itself able to control jobs; it says so in $- and complains about nothing."""
    with Stage(place, started(init, ["bash", "-mc", "echo flags $-"], group=group), tty=True) as stage:
        assert "m" in stage.line().removeprefix("flags ")
        assert stage.exit_code() == 0
        assert stage.lines_so_far() == []


@each_way
def test_jobs_of_an_interactive_shell(init: Init, group: bool) -> None:
    """In an interactive bash, Ctrl-Z stops what runs, `jobs` shows it, `fg` goes on with it, Ctrl-C ends it."""
    environment = {**os.environ, "PS1": "$ ", "TERM": "dumb"}
    argv = started(init, ["bash", "--norc", "--noprofile", "-i"], group=group)
    with Stage(AS_PID_1, argv, tty=True, env=environment) as stage:
        stage.type("sleep 1000\n")
        assert wait_until(lambda: "sleep" in [process.name for process in stage.processes()])
        sleeping = next(process.pid for process in stage.processes() if process.name == "sleep")
        assert wait_until(lambda: in_foreground(sleeping))
        stage.type("\x1a")
        assert "Stopped" in until(stage, "sleep 1000") or until(stage, "Stopped")
        stage.type("jobs; echo end\n")
        until(stage, "Stopped")
        stage.type("fg\n")
        assert wait_until(lambda: in_foreground(sleeping))
        stage.type("\x03")
        assert wait_until(lambda: read_process(sleeping) is None)
        stage.type("exit 5\n")
        assert stage.exit_code() == 5


def in_foreground(pid: int) -> bool:
    """Whether it runs in the terminal's foreground group."""
    process = read_process(pid)
    return process is not None and process.state != "T" and process.foreground_group == process.group


@in_the_foreground
def test_the_window_size_is_the_programs(place: AsPid1, init: Init, group: bool) -> None:
    """A new size is told to the program, which can read it."""
    with Stage(place, started(init, _LISTENER, group=group), tty=True) as stage:
        assert stage.line().startswith("ready")
        assert stage.terminal is not None
        fcntl.ioctl(stage.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        assert stage.line() == str(int(signal.SIGWINCH))
        assert stage.lines_so_far() == []


@in_the_foreground
def test_no_signal_comes_at_the_start(place: AsPid1, init: Init, group: bool) -> None:
    """Giving the terminal to the program sends it no SIGHUP or SIGCONT; one that is sent later is passed on."""
    with Stage(place, started(init, RECORDER, group=group), tty=True) as stage:
        assert stage.line().startswith("ready")
        for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGHUP, signal.SIGCONT):
            stage.send(number)
            assert stage.line() == str(int(number))


@each_way
def test_the_program_hears_when_the_terminal_goes(init: Init, group: bool) -> None:
    """When the terminal is closed, the program gets SIGHUP, and ends of it."""
    program = shell('echo ready; exec "$@"', "sleep", "1000")
    with Stage(AS_PID_1, started(init, program, group=group), tty=True) as stage:
        assert stage.line() == "ready"
        assert wait_until(lambda: "sleep" in [process.name for process in stage.processes()])
        sleeping = next(process.pid for process in stage.processes() if process.name == "sleep")
        stage.hang_up()
        assert wait_until(lambda: (process := read_process(sleeping)) is None or process.state in "ZX")


@everywhere
def test_the_terminal_is_given_back(place: AsPid1) -> None:
    """After the end, whoever started it is in the foreground again, and may read and write."""
    again = shell('"$@" sh -c "exit 3"; echo code $?; read -r line; echo got "$line"', *CGTUNE.command, "--")
    with Stage(place, again, tty=True) as stage:
        assert until(stage, "code") == "code 3"
        stage.type("text\n")
        assert until(stage, "got") == "got text"


@pytest.mark.parametrize("group", [False, True])
def test_ctrl_z_stops_it_all_and_fg_goes_on(group: bool) -> None:
    """Started from an interactive shell, Ctrl-Z gives the shell back, and `fg` goes on: the init stops along."""
    environment = {**os.environ, "PS1": "$ ", "TERM": "dumb"}
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
        script.write(f"exec {shlex.join(CGTUNE.argv(['cat'], group=group))}\n")
        script.flush()
        with Stage(AS_PID_1, ["bash", "--norc", "--noprofile", "-i"], tty=True, env=environment) as stage:
            stage.type(f"sh {script.name}\n")
            cat = waits_for(stage, "cat")
            stage.type("\x1a")
            assert wait_until(lambda: (process := read_process(cat)) is not None and process.state == "T")
            stage.type("echo $((6 * 7))\n")
            until(stage, "42")
            stage.type("fg\n")
            assert wait_until(lambda: (process := read_process(cat)) is not None and process.state == "S")
            if not group:
                stage.type("text\n\x04")
                assert until(stage, "text")
            else:
                stage.type("\x03")
            # It reads from the same terminal.
            assert wait_until(lambda: read_process(cat) is None)
            stage.type("echo $((6 * 9))\n")
            assert "54" in until(stage, "54")


def waits_for(stage: Stage, name: str) -> int:
    """Wait until there is a process of this name, and it waits itself; its pid."""
    found: list[int] = []

    def sleeps() -> bool:
        found[:] = [process.pid for process in stage.processes() if process.name == name and process.state == "S"]
        return bool(found)

    assert wait_until(sleeps), stage.processes()
    return found[0]
