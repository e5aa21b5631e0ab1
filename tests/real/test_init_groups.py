"""With --group all of the program's process group is told; without, the program alone."""

from __future__ import annotations

import signal

import pytest

from tests.real.init_cases import (
    CGTUNE,
    DUMB_INIT,
    JOB_CONTROL,
    TINI,
    Init,
    every_init,
    everywhere,
)
from tests.real.init_harness import BELOW_SHELL, AsPid1, Stage
from tests.real.init_processes import wait_until
from tests.real.init_programs import RECORDER, WAITER, shell
from tests.real.test_init_signals import grouping, has_stopped, is_gone_now, ready, recorded

pytestmark = pytest.mark.real


# The whole group


@grouping
@everywhere
@pytest.mark.parametrize("number", JOB_CONTROL)
def test_in_a_group_all_stop_and_go_on(place: AsPid1, init: Init, number: int) -> None:
    """Told to stop, the program stops although it has no handler and nobody to continue it; so does the init.

    As PID 1 the init itself cannot: its own SIGSTOP does not count there.
    """
    with Stage(place, init.argv(RECORDER, group=True)) as stage:
        program = ready(stage)
        stage.send(number)
        assert has_stopped(program)
        if place is BELOW_SHELL:
            assert has_stopped(stage.init)
        if init is DUMB_INIT:
            # As PID 1 it would lose a SIGCONT that comes before it has sent itself SIGSTOP, which takes it away.
            assert stage.settle()
        stage.send(signal.SIGCONT)
        assert recorded(stage) == signal.SIGCONT
        stage.send(signal.SIGUSR1)
        assert recorded(stage) == signal.SIGUSR1


@grouping
def test_what_stops_a_group_may_be_rewritten(init: Init) -> None:
    """A rewritten SIGTSTP is no SIGSTOP for the program; the init stops itself all the same."""
    assert init.rewrite is not None
    with Stage(BELOW_SHELL, init.argv(RECORDER, *init.rewrite(20, 10), group=True)) as stage:
        ready(stage)
        stage.send(signal.SIGTSTP)
        assert recorded(stage) == signal.SIGUSR1
        assert has_stopped(stage.init)
        stage.send(signal.SIGCONT)
        assert recorded(stage) == signal.SIGCONT


def test_alone_the_init_does_not_stop() -> None:
    """Without --group the program is told to stop, and what it makes of that is its own."""
    for init in (TINI, CGTUNE):
        with Stage(BELOW_SHELL, init.argv(RECORDER)) as stage:
            ready(stage)
            stage.send(signal.SIGTSTP)
            assert recorded(stage) == signal.SIGTSTP
            stage.send(signal.SIGUSR1)
            assert recorded(stage) == signal.SIGUSR1


_FAMILY = shell('"$@" & trap "" USR1; echo deaf; wait; exit 7', *WAITER)


@every_init
@everywhere
@pytest.mark.parametrize("group", [True, False])
def test_a_group_is_told_as_a_whole(place: AsPid1, init: Init, group: bool) -> None:
    """The child of a program that itself ignores the signal is reached with the group, and only so."""
    with Stage(place, init.argv(_FAMILY, group=group)) as stage:
        lines = sorted([stage.line(), stage.line()])
        assert lines[0] == "deaf"
        below = stage.outside(int(lines[1].split()[1]))
        stage.send(signal.SIGUSR1)
        if group:
            assert stage.exit_code() == 7
        else:
            assert stage.settle(below)
            assert not is_gone_now(below)


_PIPES = shell("sleep 1000 | tail & sleep 1000 | tail & wait")
_IN_PIPES = ["sleep", "sleep", "tail", "tail"]


def in_pipes(stage: Stage) -> list[str]:
    """The names of those that run in the pipes."""
    return sorted(process.name for process in stage.processes() if process.name in _IN_PIPES)


@every_init
@everywhere
def test_pipes_end_with_their_group(place: AsPid1, init: Init) -> None:
    """Two pipes of two processes each, in the background of a shell: SIGTERM ends them all."""
    with Stage(place, init.argv(_PIPES, group=True)) as stage:
        assert wait_until(lambda: in_pipes(stage) == _IN_PIPES)
        stage.send(signal.SIGTERM)
        assert stage.exit_code() == 128 + signal.SIGTERM
        assert wait_until(lambda: stage.survivors() == [])


@every_init
def test_pipes_stay_behind_a_single_program(init: Init) -> None:
    """Where the shell alone is told, it ends, and four processes stay; for an init that would end them, see below."""
    with Stage(BELOW_SHELL, init.argv(_PIPES, *init.hasty)) as stage:
        assert wait_until(lambda: in_pipes(stage) == _IN_PIPES)
        stage.send(signal.SIGTERM)
        assert stage.exit_code() == 128 + signal.SIGTERM
        assert sorted(stage.survivors()) == _IN_PIPES
