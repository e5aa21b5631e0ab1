"""Where inits run: in Docker containers, below other inits, among strangers, with hardly anything allowed."""

from __future__ import annotations

import functools
import json
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.engine import Engine
from lab.host_image import host_image, host_mount_options
from tests.real.init_cases import CGTUNE, DUMB_INIT, TINI, Init, everywhere
from tests.real.init_harness import AS_PID_1, BELOW_SHELL, KILL, AsPid1, InContainer, Stage, run
from tests.real.init_processes import descendants, read_process, wait_until
from tests.real.init_programs import LEAVER, ORPHANS, RECORDER, WAITER, shell
from tests.unit.command import COMMAND, PACKAGE

pytestmark = pytest.mark.real

#: A user that nobody is.
_NOBODY = "64999:64999"
_NOTHING_ALLOWED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", _NOBODY)
_DOCKER_SECONDS = 30
both = pytest.mark.parametrize("init", [TINI, CGTUNE], ids=str)

Docker = Callable[..., InContainer]


@pytest.fixture(scope="module")
def in_docker(docker: Engine) -> Docker:
    """A place in Docker, by its options; this machine's programs and our code are mounted there."""
    image = host_image(docker)
    mounts = host_mount_options(PACKAGE.parent)
    return lambda *options: InContainer(docker, image, [*mounts, *options])


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short-lived folder."""
    with tempfile.TemporaryDirectory(prefix="init-places-") as path:
        yield Path(path)


def program_of(stage: Stage) -> int:
    """The program's pid, as the host counts, once it is ready."""
    word, pid = stage.line(_DOCKER_SECONDS).split()
    assert word == "ready"
    return stage.outside(int(pid))


def get(stage: Stage, *numbers: int) -> None:
    """Send signals to the init: the recorder below gets them, each once."""
    for number in numbers:
        stage.send(number)
        assert stage.line() == str(int(number))


# Docker


@both
def test_docker_every_signal_is_passed_on(in_docker: Docker, init: Init) -> None:
    """As PID 1 of a container, each signal that may be sent reaches the program."""
    with Stage(in_docker(), init.argv(RECORDER)) as stage:
        program_of(stage)
        get(stage, *sorted(init.forwards))
        assert stage.is_there()


@both
def test_docker_orphans_are_waited_for(in_docker: Docker, init: Init) -> None:
    """A hundred daemons that end leave no zombie in the container."""
    with Stage(in_docker(), init.argv([*ORPHANS, "100", "away"])) as stage:
        program = program_of(stage)
        assert wait_until(lambda: len(stage.processes()) == 101)
        for process in stage.processes():
            if process.pid != program:
                stage.send(KILL, process.pid)
        assert wait_until(lambda: [process.pid for process in stage.processes()] == [program])


@both
def test_docker_exit_codes(in_docker: Docker, init: Init) -> None:
    """Exit codes come through: the program's, and those of programs that are none."""
    for words, code in ((shell("exit 7"), 7), (shell("kill -KILL $$"), 137), (["no-such-program"], 127)):
        assert run(in_docker(), init.argv(words))[0] == code


def test_docker_stop_is_quick(docker: Engine) -> None:
    """`docker stop` ends a program that has no handler at once; without an init it takes the whole grace: 137.

    As an ENTRYPOINT cgtune is PID 1, and needs no option for that.
    """
    options = host_mount_options(PACKAGE.parent)
    entry_point = [word for word in CGTUNE.argv(["sleep", "1000"]) if word != "--supervise"]
    for argv, code in ((["sleep", "1000"], 137), (TINI.argv(["sleep", "1000"]), 143), (entry_point, 143)):
        with docker.start(host_image(docker), argv, docker_options=options) as container:
            assert wait_until(functools.partial(_sleeps, container.pid), _DOCKER_SECONDS)
            started = time.monotonic()
            assert container.stop(grace_seconds=1) == code
            assert (time.monotonic() - started >= 1) is (code == 137)


def _sleeps(top: int) -> bool:
    there = [read_process(top), *descendants(top)]
    return any(process is not None and process.name == "sleep" for process in there)


@both
def test_docker_terminal(in_docker: Docker, init: Init) -> None:
    """`docker run --interactive --tty`: text goes there and back, Ctrl-C reaches the program, once."""
    with Stage(in_docker(), init.argv(shell("read -r line; echo got $line; exec sleep 1000")), tty=True) as stage:
        stage.type("text\n")
        while stage.line(_DOCKER_SECONDS) != "got text":
            pass
        stage.type("\x03")
        assert stage.exit_code() == 128 + signal.SIGINT


@both
def test_docker_input_and_environment(in_docker: Docker, init: Init) -> None:
    """What is piped into `docker run --interactive` is the program's; so are the variables given to Docker."""
    place = in_docker("--env", "MINE=a b", "--env", "LC_CTYPE=")
    code, output, _ = run(place, init.argv(["sh"]), stdin=b'echo "$MINE" "${LC_CTYPE-none}"; pwd; exit 9\n')
    assert (code, output.splitlines()) == (9, ["a b ", "/"])


@both
def test_docker_with_nothing_allowed(in_docker: Docker, init: Init) -> None:
    """A read-only root, no /tmp to write to, no home, another user, no capability: still an init."""
    with Stage(
        in_docker(*_NOTHING_ALLOWED), init.argv(shell('(exit 3 & exit 0); unset HOME; exec "$@"', *RECORDER))
    ) as stage:
        program = program_of(stage)
        get(stage, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
        assert wait_until(lambda: [process.pid for process in stage.processes()] == [program])
        stage.send(KILL, program)
        assert stage.exit_code() == 137
        assert stage.stderr() == ""


def test_docker_a_program_of_another_user(in_docker: Docker) -> None:
    """Without the capability KILL, a program that became another user cannot be told: that is said, once."""
    other = ("setpriv", "--reuid=33", "--regid=33", "--clear-groups", *RECORDER)
    with Stage(in_docker("--cap-drop", "KILL"), CGTUNE.argv(other)) as stage:
        program = program_of(stage)
        for number in (signal.SIGTERM, signal.SIGUSR1):
            stage.send(number)
            assert stage.settle(program)
        assert wait_until(lambda: stage.stderr() != "")
        assert re.fullmatch(r"cgtune: .*cannot signal .*KILL.*\n", stage.stderr())
        assert stage.lines_so_far() == []
        assert stage.is_there()


def test_docker_among_strangers(in_docker: Docker) -> None:
    """With the host's processes in sight, none of them is ever signalled: those below cgtune are all it ends."""
    stranger = subprocess.Popen(RECORDER, stdout=subprocess.PIPE, text=True)
    try:
        assert stranger.stdout is not None
        assert stranger.stdout.readline().startswith("ready")
        timeouts = ("--stop-timeout", "0.2", "--orphan-grace", "0.2")
        deaf = shell("trap '' TERM; \"$@\"; while :; do sleep 1000; done", *LEAVER, "deaf")
        with Stage(in_docker("--pid", "host"), CGTUNE.argv(deaf, *timeouts)) as stage:
            assert wait_until(lambda: "sleep" in [process.name for process in stage.processes()], _DOCKER_SECONDS)
            stage.send(signal.SIGTERM)
            assert stage.exit_code() == 137
        stranger.send_signal(signal.SIGUSR2)
        assert stranger.stdout.readline() == f"{int(signal.SIGUSR2)}\n"
    finally:
        stranger.kill()
        stranger.communicate()


@pytest.mark.parametrize(
    "limit",
    [("--ulimit", "nproc=1", "--user", _NOBODY, "--cap-drop", "ALL"), ("--pids-limit", "1")],
    ids=["nproc", "pids"],
)
def test_docker_without_room_for_a_process(in_docker: Docker, limit: tuple[str, ...]) -> None:
    """Where no second process may be, cgtune ends with 125 and one line that says so."""
    code, output, said = run(in_docker(*limit), CGTUNE.argv(["echo", "ran"]))
    assert (code, output) == (125, ""), said
    assert re.fullmatch("cgtune: cannot start echo: .*\n", said)


def test_docker_without_prctl(in_docker: Docker, folder: Path) -> None:
    """Where prctl is forbidden cgtune cannot adopt orphans, and works as well as it can."""
    rules = {"names": ["prctl"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    profile = folder / "seccomp.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rules]}))
    below = shell('"$@"; exit $?', *CGTUNE.argv(shell("(sleep 0.01 &); exit 7")))
    # With no-new-privileges runc forbids last; before, it needs prctl itself.
    options = ("--security-opt", f"seccomp={profile}", "--security-opt", "no-new-privileges")
    code, _, said = run(in_docker(*options), below)
    assert code == 7, said
    assert "Traceback" not in said
    assert said.count("\n") <= 1


# Below others, above others


@pytest.mark.parametrize("outer", [TINI, DUMB_INIT, CGTUNE], ids=str)
@pytest.mark.parametrize("inner", [TINI, DUMB_INIT, CGTUNE], ids=str)
def test_inits_can_be_chained(outer: Init, inner: Init) -> None:
    """Of two inits in a row each passes on what it gets, once, and the exit code comes through both."""
    with Stage(AS_PID_1, outer.argv(inner.argv(RECORDER))) as stage:
        program = program_of(stage)
        get(stage, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH)
        stage.send(KILL, program)
        assert stage.exit_code() == 137


@pytest.mark.parametrize("outer", [TINI, DUMB_INIT, CGTUNE], ids=str)
def test_below_another_init_nothing_is_said(outer: Init) -> None:
    """Not being PID 1 is no reason for a warning; orphans come to the inner one all the same."""
    inner = CGTUNE.argv([*ORPHANS, "10", "away"])
    with Stage(AS_PID_1, outer.argv(inner)) as stage:
        program = program_of(stage)
        supervisor = read_process(program)
        assert supervisor is not None
        adopted = [process for process in stage.processes() if process.parent == supervisor.parent]
        assert len(adopted) == 11
        assert stage.stderr() == ""


def test_cgtune_below_itself() -> None:
    """As PID 1 it becomes the cgtune that is its COMMAND; below a script there are two, and both work."""
    with Stage(AS_PID_1, [*COMMAND, "run", "--", *CGTUNE.argv(RECORDER)]) as stage:
        program = read_process(program_of(stage))
        assert program is not None
        # What the tests of the work tree start is no command of that name.
        assert program.parent == stage.init or len(COMMAND) > 1
        get(stage, signal.SIGTERM)
    script = shell('"$@"; code=$?; exit $((code + 1))', *CGTUNE.argv(shell("exit 6")))
    for place in (AS_PID_1, BELOW_SHELL):
        assert run(place, CGTUNE.argv(script))[0] == 7


@everywhere
def test_without_proc(place: AsPid1) -> None:
    """Where /proc is not mounted, signals, orphans and exit codes are as ever."""
    program = shell('(exit 3 & exit 0); exec "$@"', *WAITER)
    with Stage(place, shell('umount --lazy /proc; exec "$@"', *CGTUNE.argv(shell("exit 7")))) as stage:
        assert stage.exit_code() == 7
        assert stage.stderr() == ""
    with Stage(
        place, shell('umount --lazy /proc; exec "$@"', *CGTUNE.argv(program, "--orphan-grace", "0.1"))
    ) as stage:
        assert stage.line().startswith("ready")
        stage.send(signal.SIGTERM)
        assert stage.exit_code() == 143
        assert stage.stderr() == ""


@everywhere
def test_with_few_descriptors(place: AsPid1) -> None:
    """Where hardly a file may be opened, it starts, passes signals on and ends."""
    for most in (5, 8, 20):
        with Stage(place, shell(f'ulimit -n {most}; exec "$@"', *CGTUNE.argv(["sleep", "1000"]))) as stage:
            started = wait_until(functools.partial(_sleeps, stage.first), 2)
            if started:
                stage.send(signal.SIGTERM)
            assert stage.exit_code() == (143 if started else 125), (most, stage.stderr())
            assert "Traceback" not in stage.stderr()
            assert started or most < 8
