"""What an init does with the signals it gets: passes them on, each, once, to whom it should, as it was told."""

from __future__ import annotations

import functools
import signal
import time
from pathlib import Path

import pytest

from tests.real.init_cases import (
    CGTUNE,
    DUMB_INIT,
    INITS,
    JOB_CONTROL,
    TINI,
    Init,
    every_init,
    everywhere,
    those_with,
)
from tests.real.init_harness import AS_PID_1, PATIENCE_SECONDS, AsPid1, Stage, run
from tests.real.init_processes import read_process, signals_of, status_lines, wait_until
from tests.real.init_programs import RECORDER, WAITER, shell

pytestmark = pytest.mark.real

_EVER = 1000  # seconds: not within a test
#: What ends a program that has no handler.
_DEADLY = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, 37, 64]
_NO_SIGNALS = [
    "NOPE=TERM",
    "TERM=NOPE",
    "0=TERM",
    "65=TERM",
    "TERM=65",
    "-1=TERM",
    "RTMIN+99=TERM",
    "KILL=TERM",
    "STOP=INT",
]
grouping = pytest.mark.parametrize("init", [DUMB_INIT, CGTUNE], ids=str)


def recorded(stage: Stage) -> int:
    """The next signal that the recorder got."""
    return int(stage.line())


def ready(stage: Stage) -> int:
    """Wait for a program of ours: its pid, as the host counts."""
    word, _, pid = stage.line().partition(" ")
    assert word == "ready"
    return stage.outside(int(pid))


def has_stopped(pid: int) -> bool:
    """Whether it is stopped, after a while at most."""
    return wait_until(lambda: (process := read_process(pid)) is not None and process.state == "T")


def is_gone_now(pid: int) -> bool:
    """Whether it ended."""
    process = read_process(pid)
    return process is None or process.state in "ZX"


# Passed on


@every_init
@everywhere
def test_every_signal_is_passed_on(place: AsPid1, init: Init) -> None:
    """Each signal that may be sent reaches the program, as itself and once, the real-time ones too."""
    with Stage(place, init.argv(RECORDER)) as stage:
        ready(stage)
        for number in sorted(init.forwards):
            stage.send(number)
            assert recorded(stage) == number
            if number in JOB_CONTROL:
                # Some inits stop with their program.
                stage.send(signal.SIGCONT)
                assert recorded(stage) == signal.SIGCONT
        assert stage.is_there()
        assert stage.lines_so_far() == []


def test_the_recorder_sees_what_does_not_come() -> None:
    """An init that keeps some signals for itself is seen to: the test above would fail for them."""
    with Stage(AS_PID_1, TINI.argv(RECORDER)) as stage:
        ready(stage)
        for number in sorted(CGTUNE.forwards - TINI.forwards):
            stage.send(number)
        stage.send(signal.SIGTERM)
        assert recorded(stage) == signal.SIGTERM


@every_init
def test_a_signal_from_inside_is_passed_on(init: Init) -> None:
    """A process of the container tells PID 1 to stop, and the program is told."""
    told = shell("trap 'echo told' TERM; kill -TERM 1; while :; do read -r _ </dev/null; done")
    with Stage(AS_PID_1, init.argv(told)) as stage:
        assert stage.line() == "told"


@pytest.mark.parametrize("init", [TINI, CGTUNE], ids=str)
def test_real_time_signals_queue(init: Init) -> None:
    """Several of one real-time signal arrive as many, unlike the others."""
    with Stage(AS_PID_1, init.argv(RECORDER)) as stage:
        program = ready(stage)
        stage.send(signal.SIGSTOP, program)
        assert has_stopped(program)
        for number in [50, 40, 40, 50, 40]:
            stage.send(number)
        assert stage.settle()
        stage.send(signal.SIGCONT, program)
        assert [recorded(stage) for _ in range(6)] == [signal.SIGCONT, 40, 40, 40, 50, 50]


@pytest.mark.parametrize(
    ("init", "number"), [(init, number) for init in INITS for number in _DEADLY if number in init.forwards], ids=str
)
@everywhere
def test_a_signal_that_ends_the_program_is_its_exit_code(place: AsPid1, init: Init, number: int) -> None:
    """The program that dies of signal n gives 128 + n."""
    with Stage(place, init.argv(WAITER)) as stage:
        ready(stage)
        stage.send(number)
        assert stage.exit_code() == 128 + number


@every_init
def test_a_second_stop_is_passed_on_too(init: Init) -> None:
    """A program that takes its time hears the second SIGTERM as well: many then hurry."""
    with Stage(AS_PID_1, init.argv(RECORDER)) as stage:
        ready(stage)
        for _ in range(3):
            stage.send(signal.SIGTERM)
            assert recorded(stage) == signal.SIGTERM


@every_init
@everywhere
def test_a_stopped_program_has_not_ended(place: AsPid1, init: Init) -> None:
    """SIGSTOP to the program is no end: the init waits on, and the program goes on where it was."""
    with Stage(place, init.argv(RECORDER)) as stage:
        program = ready(stage)
        stage.send(signal.SIGSTOP, program)
        assert has_stopped(program)
        assert stage.settle()
        stage.send(signal.SIGCONT, program)
        assert recorded(stage) == signal.SIGCONT
        stage.send(signal.SIGUSR1)
        assert recorded(stage) == signal.SIGUSR1


# From the very start


def test_once_it_listens_no_stop_is_lost() -> None:
    """From the moment that the init blocks SIGTERM, one is never lost, wherever in its start it comes.

    Before that moment, the kernel drops what a PID 1 has no handler for.
    """
    _signals_at_the_start(50)


@pytest.mark.long
def test_once_it_listens_no_stop_is_lost_a_thousand_times() -> None:
    """From the moment that the init blocks SIGTERM, one is never lost, wherever in its start it comes."""
    _signals_at_the_start(1000)


def _signals_at_the_start(times: int) -> None:
    for turn in range(times):
        with Stage(AS_PID_1, CGTUNE.argv(WAITER)) as stage:
            assert wait_until(functools.partial(_blocks_signals, stage.first), PATIENCE_SECONDS), (
                turn,
                stage.stderr(),
                status_lines(stage.first),
            )
            # Later and later in its start, up to when the program runs.
            _wait(turn % 50)
            stage.send(signal.SIGTERM)
            assert stage.exit_code() == 128 + signal.SIGTERM, turn


def _blocks_signals(pid: int) -> bool:
    # unshare, which was there before, blocks SIGTERM too. While the supervisor waits for signals, the kernel does not
    # show them as blocked: then its command line tells.
    if signal.SIGUSR1 in signals_of(status_lines(pid).get("SigBlk", "0")):
        return True
    return b"from cgtune.supervise.loop import" in Path(f"/proc/{pid}/cmdline").read_bytes()


def _wait(milliseconds: int) -> None:
    deadline = time.monotonic() + milliseconds / 1000
    wait_until(lambda: time.monotonic() > deadline)


@every_init
@pytest.mark.parametrize("delay_ms", [0, 1, 2, 5, 10, 20, 50])
def test_once_the_program_runs_no_stop_is_lost(init: Init, delay_ms: int) -> None:
    """SIGTERM any time after the program's first line ends it."""
    with Stage(AS_PID_1, init.argv(WAITER)) as stage:
        ready(stage)
        _wait(delay_ms)
        stage.send(signal.SIGTERM)
        assert stage.exit_code() == 128 + signal.SIGTERM


# Rewritten


@those_with("rewrite")
@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], {15: 15, 2: 2, 3: 3, 1: 1, 31: 31}),
        ([(15, 2)], {15: 2, 2: 2, 3: 3}),
        ([(15, 2), (2, 15), (3, 3)], {15: 2, 2: 15, 3: 3, 1: 1}),
        ([(1, 31), (31, 1)], {1: 31, 31: 1, 15: 15}),
    ],
)
def test_signals_are_rewritten(init: Init, pairs: list[tuple[int, int]], expected: dict[int, int]) -> None:
    """The program gets the signal that was asked for instead; two may be exchanged: none is rewritten twice."""
    assert init.rewrite is not None
    options = [word for pair in pairs for word in init.rewrite(*pair)]
    with Stage(AS_PID_1, init.argv(RECORDER, *options)) as stage:
        ready(stage)
        for sent, got in expected.items():
            stage.send(sent)
            assert recorded(stage) == got


@those_with("rewrite")
def test_signals_are_dropped(init: Init) -> None:
    """A signal may be kept from the program; the others still come."""
    assert init.rewrite is not None
    options = [*init.rewrite(2, 0), *init.rewrite(28, 0), *init.rewrite(15, 3)]
    with Stage(AS_PID_1, init.argv(RECORDER, *options)) as stage:
        ready(stage)
        for number in (2, 28, 15, 2, 1):
            stage.send(number)
            assert stage.settle()
        assert [recorded(stage), recorded(stage)] == [3, 1]
        assert stage.lines_so_far() == []


def test_signals_have_names_and_numbers() -> None:
    """SIGTERM, TERM and 15 are one; real-time ones are counted from either end; several fit in one option."""
    options = ("--signal", "SIGTERM=SIGQUIT", "--signal", "HUP=none,RTMIN+3=TERM", "--signal", "RTMAX-2=10,35=usr2")
    with Stage(AS_PID_1, CGTUNE.argv(RECORDER, *options)) as stage:
        ready(stage)
        for sent, got in {15: 3, 37: 15, 62: 10, 35: 12}.items():
            stage.send(sent)
            assert recorded(stage) == got
        stage.send(signal.SIGHUP)
        stage.send(signal.SIGUSR1)
        assert recorded(stage) == signal.SIGUSR1


@pytest.mark.parametrize("value", ["", "TERM", "TERM=", "=TERM", "=", "TERM=QUIT=INT", "TERM:QUIT", *_NO_SIGNALS])
def test_a_wrong_rewrite_is_a_usage_error(value: str) -> None:
    """What is no pair of signals, or a signal that nobody can receive, is one line and exit code 2."""
    code, output, said = run(AS_PID_1, CGTUNE.argv(["echo", "ran"], "--signal", value))
    assert (code, output) == (2, "")
    assert said.startswith("cgtune: ")
    assert said.count("\n") == 1


def test_the_variable_rewrites_too() -> None:
    """CGTUNE_SIGNAL is --signal, and the flag counts where both are given."""
    for flags, got in {(): 3, ("--signal", "TERM=INT"): 2}.items():
        environment = {"PATH": "/usr/bin:/bin", "CGTUNE_SIGNAL": "TERM=QUIT,USR1=none"}
        with Stage(AS_PID_1, CGTUNE.argv(RECORDER, *flags), env=environment) as stage:
            ready(stage)
            stage.send(signal.SIGTERM)
            assert recorded(stage) == got


# What it says


def test_it_says_what_it_passes_on() -> None:
    """With -v each signal passed on is one line on stderr, with its name and whom it went to; without, none is."""
    for options, expected in {("-v",): True, (): False}.items():
        with Stage(AS_PID_1, CGTUNE.argv(RECORDER, *options)) as stage:
            inside = int(stage.line().split()[1])
            stage.send(signal.SIGUSR1)
            stage.send(37)
            assert {recorded(stage), recorded(stage)} == {signal.SIGUSR1, 37}
            assert stage.settle()
            said = [line for line in stage.stderr().splitlines() if "forwarded" in line]
            wanted = [f"cgtune: forwarded SIGUSR1 to {inside}", f"cgtune: forwarded SIGRTMIN+3 to {inside}"]
            assert sorted(said) == (sorted(wanted) if expected else [])


def test_a_closed_stderr_does_not_end_it() -> None:
    """Nobody reads what it says, or nobody can: it works on, and the program is told as before."""
    for closing in ("2>&-", "2>/dev/full", "2>&1 >&9 | true"):
        # What the end of the pipe brings about is not for the program either.
        with Stage(AS_PID_1, shell(f'exec 9>&1; "$@" {closing}; wait', *CGTUNE.argv(RECORDER, "-v"))) as stage:
            program = read_process(ready(stage))
            assert program is not None
            for _ in range(3):
                stage.send(signal.SIGUSR1, program.parent)
                assert recorded(stage) == signal.SIGUSR1, closing
