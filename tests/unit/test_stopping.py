"""What a signal sets in motion, second by second."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.supervise.job import Job
from cgtune.supervise.stopping import Action, Stopping

TERM, INT, QUIT, HUP, CHLD, STOP = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGCHLD,
    signal.SIGSTOP,
)
REPORT, KILL, GIVE_UP = Action(name="report"), Action(name="kill"), Action(name="give up")
PAUSES = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


def job(
    *,
    rewrites: tuple[tuple[int, int], ...] = (),
    is_group: bool = False,
    delay: float = 0.0,
    timeout: float | None = None,
) -> Job:
    """A job with these options."""
    return Job(
        rewrites=rewrites,
        is_group=is_group,
        pre_stop_delay_seconds=delay,
        stop_timeout_seconds=timeout,
    )


def forward(*numbers: int) -> list[Action]:
    """These are forwarded."""
    return [Action(name="forward", number=number) for number in numbers]


@pytest.mark.parametrize("number", sorted(signal.valid_signals() - {signal.SIGCHLD}))
def test_every_signal_that_somebody_sends_is_forwarded(number: int) -> None:
    """Also those that stop, those that mean a fault, and real-time ones."""
    assert Stopping(job()).receive(number, True, 0) == forward(number)


def test_our_own_children_and_faults_are_no_business_of_the_program() -> None:
    """A fault comes from the kernel; one that somebody sends is meant for the program."""
    assert Stopping(job()).receive(CHLD, True, 0) == []
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT):
        assert Stopping(job()).receive(number, False, 0) == []
        assert Stopping(job()).receive(number, True, 0) == forward(number)
    assert Stopping(job()).receive(INT, False, 0) == forward(INT)  # Ctrl-C


def test_a_signal_is_rewritten_or_dropped() -> None:
    """And what it becomes is not rewritten again."""
    stopping = Stopping(job(rewrites=((TERM, QUIT), (QUIT, TERM), (HUP, 0))))
    assert stopping.receive(TERM, True, 0) == forward(QUIT)
    assert stopping.receive(QUIT, True, 0) == forward(TERM)
    assert stopping.receive(HUP, True, 0) == []


@pytest.mark.parametrize("number", PAUSES)
def test_a_group_is_paused_by_what_cannot_be_ignored(number: int) -> None:
    """Without a shell above it, it would ignore the others; the user's own rewriting comes first."""
    assert Stopping(job(is_group=True)).receive(number, True, 0) == forward(STOP)
    assert Stopping(job(is_group=True, rewrites=((number, HUP),))).receive(number, True, 0) == forward(HUP)
    assert Stopping(job()).receive(number, True, 0) == forward(number)


def test_the_delay_before_a_stop_holds_the_first_signal_back() -> None:
    """Until its time has come; others pass meanwhile."""
    stopping = Stopping(job(delay=5))
    assert stopping.seconds_left(100, 1) == 1
    assert stopping.receive(TERM, True, 100) == []
    assert stopping.receive(HUP, True, 101) == forward(HUP)
    assert stopping.due(104.9) == []
    assert stopping.seconds_left(104.9, 1) == pytest.approx(0.1)
    assert stopping.due(105) == forward(TERM)
    assert stopping.due(200) == []
    assert stopping.receive(TERM, True, 201) == forward(TERM)


@pytest.mark.parametrize("second", [TERM, INT])
def test_a_second_signal_ends_the_delay(second: int) -> None:
    """It is the one that is forwarded, and the held one does not come later."""
    stopping = Stopping(job(delay=5))
    assert stopping.receive(TERM, True, 100) == []
    assert stopping.receive(second, True, 101) == forward(second)
    assert stopping.due(200) == []
    assert stopping.seconds_left(200, 1) == 1


def test_an_interrupt_is_never_held_back() -> None:
    """Somebody sits in front of it. What follows is not held back either."""
    stopping = Stopping(job(delay=5))
    assert stopping.receive(INT, True, 100) == forward(INT)
    assert stopping.receive(TERM, True, 101) == forward(TERM)


def test_patience_ends_in_steps() -> None:
    """At 80 % of the time it is said who is still there, then all are killed, once; who cannot be is left."""
    stopping = Stopping(job(timeout=10))
    assert stopping.due(1000) == []
    assert stopping.receive(TERM, True, 1000) == forward(TERM)
    assert stopping.receive(TERM, True, 1005) == forward(TERM)
    assert stopping.due(1007.9) == []
    assert stopping.due(1008) == [REPORT]
    assert stopping.seconds_left(1008, 60) == pytest.approx(2)
    assert stopping.due(1010) == [KILL]
    assert stopping.due(1010.9) == []
    assert stopping.due(1011) == [GIVE_UP]
    assert stopping.due(2000) == []


def test_patience_begins_when_the_program_is_told() -> None:
    """Not while the signal is held back; after the delay, nothing is counted twice."""
    stopping = Stopping(job(delay=5, timeout=10))
    stopping.receive(TERM, True, 0)
    assert stopping.due(5) == forward(TERM)
    assert stopping.due(12.9) == []
    assert stopping.due(15) == [REPORT, KILL]
    assert stopping.due(16) == [GIVE_UP]


@pytest.mark.parametrize(
    ("number", "is_stop"),
    [(TERM, True), (INT, True), (signal.SIGRTMIN + 3, True), (QUIT, False), (HUP, False), (signal.SIGUSR1, False)],
)
def test_only_what_asks_to_stop_starts_the_clock(number: int, is_stop: bool) -> None:
    """To a JVM or to faulthandler QUIT means: tell where you are."""
    stopping = Stopping(job(timeout=1))
    stopping.receive(number, True, 0)
    assert bool(stopping.due(100)) is is_stop


def test_what_is_forwarded_counts() -> None:
    """A dropped stop starts no clock, and one that stands for another does."""
    dropped = Stopping(job(timeout=1, rewrites=((TERM, 0),)))
    dropped.receive(TERM, True, 0)
    assert dropped.due(100) == []
    for came, becomes in ((TERM, QUIT), (HUP, TERM)):
        stopping = Stopping(job(timeout=1, rewrites=((came, becomes),)))
        assert stopping.receive(came, True, 0) == forward(becomes)
        assert stopping.due(100) == [REPORT, KILL, GIVE_UP]


@given(
    st.lists(st.tuples(st.sampled_from([TERM, INT, HUP, CHLD]), st.floats(0, 100)), max_size=20),
    st.sampled_from([0.0, 3.0]),
    st.sampled_from([None, 0.0, 5.0]),
)
def test_whatever_comes_patience_ends_at_most_once_and_nothing_is_lost(
    signals: list[tuple[int, float]], delay: float, timeout: float | None
) -> None:
    """Every HUP and every INT passes at once; after all delays at least one stop signal has, if one came."""
    stopping = Stopping(job(delay=delay, timeout=timeout))
    actions: list[Action] = []
    for number, when in sorted(signals, key=lambda pair: pair[1]):
        actions += stopping.due(when)
        received = stopping.receive(number, True, when)
        assert number not in (HUP, INT) or Action(name="forward", number=number) in received
        actions += received
        assert 0 <= stopping.seconds_left(when, 1) <= 1
    # What was held back is forwarded, and from then on patience counts.
    actions += stopping.due(1000)
    actions += stopping.due(2000)
    actions += stopping.due(3000)
    stops = [action for action in actions if action.number in (TERM, INT)]
    was_told = any(number in (TERM, INT) for number, _ in signals)
    assert bool(stops) is was_told
    assert actions.count(KILL) == (1 if was_told and timeout is not None else 0)
