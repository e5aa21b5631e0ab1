"""When the program has ended, or should: those it leaves, what time does, and the end of the parent."""

from __future__ import annotations

import functools
import signal
import time

import pytest

from tests.real.init_cases import (
    CGTUNE,
    DUMB_INIT,
    TINI,
    Init,
    everywhere,
    those_with,
)
from tests.real.init_harness import AS_PID_1, BELOW_SHELL, AsPid1, Stage
from tests.real.init_processes import pid_inside, read_process, wait_until
from tests.real.init_programs import DEAF, LEAVER, PYTHON, RECORDER, WAITER
from tests.real.test_init_signals import _EVER, is_gone_now, ready, recorded

pytestmark = pytest.mark.real


# The end of the program, and those it leaves


@everywhere
@pytest.mark.parametrize("group", [True, False])
@pytest.mark.parametrize("where", ["near", "away"])
def test_those_left_behind_are_told(place: AsPid1, group: bool, where: str) -> None:
    """When the program has ended, what it left gets SIGTERM, in its group or not; and nobody waits longer than it."""
    with Stage(place, CGTUNE.argv([*LEAVER, where], "--orphan-grace", str(_EVER), group=group)) as stage:
        assert stage.exit_code() == 3
        assert stage.lines_so_far() == ["told"]
        assert stage.survivors() == []


def test_dumb_init_tells_its_group_and_tini_nobody() -> None:
    """What is known of others is seen: dumb-init tells those left in its group, tini leaves them untold."""
    with Stage(BELOW_SHELL, DUMB_INIT.argv([*LEAVER, "near"], group=True)) as stage:
        assert stage.exit_code() == 3
        assert stage.line() == "told"
    for init in (TINI, CGTUNE):
        with Stage(BELOW_SHELL, init.argv([*LEAVER, "near"], *init.hasty)) as stage:
            assert stage.exit_code() == 3
            assert len(stage.survivors()) == 1
            assert stage.lines_so_far() == []


@everywhere
def test_those_left_behind_are_not_waited_for_for_ever(place: AsPid1) -> None:
    """Who does not listen to SIGTERM delays the end by the grace and no longer; the exit code is the program's."""
    started = time.monotonic()
    with Stage(place, CGTUNE.argv([*LEAVER, "deaf"], "--orphan-grace", "0.5")) as stage:
        assert stage.exit_code() == 3
        assert time.monotonic() - started >= 0.5
        assert len(stage.survivors()) == (1 if place is BELOW_SHELL else 0)


@everywhere
def test_a_stop_while_waiting_for_those_left_behind(place: AsPid1) -> None:
    """A stop that comes while the orphans have their grace ends it; the exit code stays the program's."""
    with Stage(place, CGTUNE.argv([*LEAVER, "deaf", "say"], "--orphan-grace", str(_EVER))) as stage:
        program = int(stage.line().removeprefix("ready "))
        assert wait_until(lambda: program not in [pid_inside(process.pid) for process in stage.processes()])
        assert stage.settle()
        stage.send(signal.SIGTERM)
        assert stage.exit_code() == 3


# When to stop


@everywhere
@pytest.mark.parametrize("group", [True, False])
def test_who_does_not_stop_in_time_is_killed(place: AsPid1, group: bool) -> None:
    """With --stop-timeout, program and descendants that stay after SIGTERM get SIGKILL, so the exit code is 137."""
    started = time.monotonic()
    with Stage(place, CGTUNE.argv(DEAF, "--stop-timeout", "0.5", "--orphan-grace", "0", group=group)) as stage:
        ready(stage)
        stage.send(signal.SIGTERM)
        assert stage.exit_code() == 128 + signal.SIGKILL
        assert time.monotonic() - started >= 0.5
        assert wait_until(lambda: stage.survivors() == [])


def test_only_a_stop_starts_the_timeout() -> None:
    """Signals that ask for no stop leave the program all the time it wants, and so does no signal."""
    with Stage(AS_PID_1, CGTUNE.argv(RECORDER, "--stop-timeout", "0.1")) as stage:
        ready(stage)
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH):
            stage.send(number)
            assert recorded(stage) == number
        with pytest.raises(TimeoutError):
            stage.exit_code(1)


def test_the_stop_is_held_back_while_others_learn_of_it() -> None:
    """With --pre-stop-delay the first SIGTERM waits; other signals do not; a second one ends the wait."""
    for second in (signal.SIGTERM, signal.SIGINT):
        with Stage(AS_PID_1, CGTUNE.argv(WAITER, "--pre-stop-delay", str(_EVER))) as stage:
            program = ready(stage)
            stage.send(signal.SIGTERM)
            assert stage.settle(program)
            assert stage.is_there()
            assert not is_gone_now(program)
            stage.send(second)
            assert stage.exit_code() == 128 + second


def test_the_stop_comes_after_its_delay() -> None:
    """The SIGTERM that was held back comes by itself, once, when its time has come."""
    with Stage(AS_PID_1, CGTUNE.argv(RECORDER, "--pre-stop-delay", "0.5")) as stage:
        ready(stage)
        started = time.monotonic()
        stage.send(signal.SIGTERM)
        stage.send(signal.SIGUSR1)
        assert recorded(stage) == signal.SIGUSR1
        assert recorded(stage) == signal.SIGTERM
        assert time.monotonic() - started >= 0.5
        stage.send(signal.SIGUSR2)
        assert recorded(stage) == signal.SIGUSR2


# The parent's end


#: Starts a shell that starts the words, and stays whatever becomes of it.
_GRANDPARENT = """\
import os, signal, sys
os.posix_spawnp("sh", ["sh", "-c", '"$@"; exit 0', "sh", *sys.argv[1:]], os.environ)
while True:
    signal.pause()
"""


@those_with("parent_death")
@pytest.mark.parametrize("given", [True, False])
def test_the_end_of_the_parent_is_told(init: Init, given: bool) -> None:
    """Asked for, a signal comes when the init's parent dies, and is passed on like any other; else none does."""
    assert init.parent_death is not None
    options = init.parent_death("USR1") if given else ()
    with Stage(AS_PID_1, [*PYTHON, _GRANDPARENT, *init.argv(RECORDER, *options)]) as stage:
        program = read_process(ready(stage))
        assert program is not None
        supervisor = read_process(program.parent)
        assert supervisor is not None
        stage.send(signal.SIGKILL, supervisor.parent)
        if given:
            assert recorded(stage) == signal.SIGUSR1
        assert wait_until(functools.partial(is_gone_now, supervisor.parent))
        stage.send(signal.SIGUSR2, supervisor.pid)
        assert recorded(stage) == signal.SIGUSR2
