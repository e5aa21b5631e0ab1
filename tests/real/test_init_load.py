"""After ten thousand orphans and a hundred thousand signals an init is where it was: nothing piles up in it."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real.init_cases import CGTUNE, TINI, Init, everywhere
from tests.real.init_harness import AS_PID_1, BELOW_SHELL, AsPid1, Stage
from tests.real.init_processes import wait_until
from tests.real.init_programs import PYTHON

pytestmark = pytest.mark.real

ORPHANS = 10_000
SIGNALS = 100_000
#: What an allocator may keep of what was in use for a moment; on 2026-11-21 the full numbers left 0 to 4 KiB.
_NOISE_BYTES = 64 << 10
_LOAD_SECONDS = 200
_KINDS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP, 40)
_REPORT = signal.SIGRTMAX
#: Counts what it gets; says how many when it gets the last of all signals, for that one comes last.
_COUNTER = (
    *PYTHON,
    """\
import os, signal
every = signal.valid_signals()
signal.pthread_sigmask(signal.SIG_BLOCK, every)
os.write(1, b"ready %d\\n" % os.getpid())
count = 0
while True:
    if signal.sigwait(every) == signal.SIGRTMAX:
        os.write(1, b"%d\\n" % count)
    count += 1
""",
)


#: Makes fifty orphans, "warm", then at SIGUSR1 N more, then "done".
_ORPHANS = (
    *PYTHON,
    """\
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
def make(count):
    for _ in range(count):
        middle = os.fork()
        if not middle:
            os._exit(3 if not os.fork() else 0)
        os.waitpid(middle, 0)
make(50)
os.write(1, b"warm\\n")
signal.sigwait({signal.SIGUSR1})
make(int(sys.argv[1]))
os.write(1, b"done\\n")
while True:
    signal.pause()
""",
)


def _name(value: object) -> str:
    return str(getattr(value, "name", value))


@dataclass(frozen=True)
class State:
    """What an init holds."""

    descriptors: tuple[str, ...]
    private_bytes: int
    zombies: int
    threads: int


def state(stage: Stage) -> State:
    """The state of the stage's init."""
    folder = Path("/proc", str(stage.init))
    rollup = (folder / "smaps_rollup").read_text()
    private = sum(int(line.split()[1]) << 10 for line in rollup.splitlines() if line.startswith("Private_"))
    descriptors = tuple(sorted(os.listdir(folder / "fd"), key=int))
    return State(descriptors, private, stage.zombies(), len(os.listdir(folder / "task")))


def assert_unchanged(before: State, after: State) -> None:
    """It holds what it held before."""
    assert (after.descriptors, after.zombies, after.threads) == (before.descriptors, 0, before.threads)
    assert after.private_bytes - before.private_bytes <= _NOISE_BYTES


def settled(stage: Stage) -> State:
    """The state when all that had to be done is done."""
    assert wait_until(lambda: stage.settle() and stage.zombies() == 0, _LOAD_SECONDS)
    return state(stage)


def _orphans(place: AsPid1, init: Init, count: int) -> None:
    with Stage(place, init.argv([*_ORPHANS, str(count)], *(init.subreaper or ()))) as stage:
        # The first few are no load: what is made once is there afterwards.
        assert stage.line() == "warm"
        before = settled(stage)
        stage.send(signal.SIGUSR1)
        assert stage.line(_LOAD_SECONDS) == "done"
        assert_unchanged(before, settled(stage))


def _signals(place: AsPid1, init: Init, count: int) -> None:
    with Stage(place, init.argv(_COUNTER)) as stage:
        program = stage.outside(int(stage.line().removeprefix("ready ")))
        for number in (*_KINDS, _REPORT):
            stage.send(number)
            assert stage.settle(program)
        assert int(stage.line()) == len(_KINDS)
        before = settled(stage)
        for turn in range(count // len(_KINDS)):
            for number in _KINDS:
                os.kill(stage.init, number)
            if turn % 100 == 99:
                # Signals of a kind that wait are one; these are meant to be many.
                assert stage.settle(seconds=_LOAD_SECONDS)
        after = settled(stage)
        stage.send(_REPORT)
        # At least those were not merged that the init had waited for.
        assert int(stage.line()) >= count // len(_KINDS) // 100 * len(_KINDS)
        assert_unchanged(before, after)


@pytest.mark.parametrize(("place", "init"), [(AS_PID_1, TINI), (AS_PID_1, CGTUNE), (BELOW_SHELL, CGTUNE)], ids=_name)
def test_a_thousand_orphans_leave_nothing(place: AsPid1, init: Init) -> None:
    """Descriptors, private memory, threads and zombies are what they were."""
    _orphans(place, init, ORPHANS // 10)


@pytest.mark.parametrize("init", [TINI, CGTUNE], ids=str)
@everywhere
def test_ten_thousand_signals_leave_nothing(place: AsPid1, init: Init) -> None:
    """As fast as they can be sent; signals of a kind that wait are one, and real-time ones wait in a row."""
    _signals(place, init, SIGNALS // 10)


@pytest.mark.long
@everywhere
def test_ten_thousand_orphans_leave_nothing(place: AsPid1) -> None:
    """Ten times as many."""
    _orphans(place, CGTUNE, ORPHANS)


@pytest.mark.long
@everywhere
def test_a_hundred_thousand_signals_leave_nothing(place: AsPid1) -> None:
    """Ten times as many."""
    _signals(place, CGTUNE, SIGNALS)


def test_it_is_seen_what_piles_up() -> None:
    """An init that keeps what it is told would be noticed: here a descriptor and 128 KiB."""
    hoarder = (
        "import os, signal\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
        "os.write(1, b'ready\\n')\n"
        "signal.sigwait({signal.SIGUSR1})\n"
        "kept = os.dup(1), bytearray(128 << 10)\n"
        "os.write(1, b'done\\n')\n"
        "signal.sigwait({signal.SIGUSR1})\n"
    )
    with Stage(AS_PID_1, [*PYTHON, hoarder]) as stage:
        assert stage.line() == "ready"
        before = settled(stage)
        stage.send(signal.SIGUSR1)
        assert stage.line() == "done"
        after = settled(stage)
    assert len(after.descriptors) == len(before.descriptors) + 1
    assert after.private_bytes - before.private_bytes > _NOISE_BYTES
