"""An init waits for the orphans that come to it, and for its program, and takes neither for the other."""

from __future__ import annotations

import re
import signal

import pytest

from tests.real.init_batch import codes_of
from tests.real.init_cases import CGTUNE, DUMB_INIT, TINI, Init, every_init, everywhere, those_with
from tests.real.init_harness import AS_PID_1, BELOW_LAZY, AsPid1, Stage
from tests.real.init_processes import Process, wait_until
from tests.real.init_programs import ORPHANS, SHORT_LIVES

pytestmark = pytest.mark.real

_MANY = 100


def children(stage: Stage, pid: int) -> list[Process]:
    """The processes whose parent this is."""
    return [process for process in stage.processes() if process.parent == pid]


def adopted(stage: Stage, parent: int) -> list[int]:
    """The orphans, once they are there; all of them must be the children of this process."""
    word, pid = stage.line().split()
    assert word == "ready"
    program = stage.outside(int(pid))
    assert wait_until(lambda: len(children(stage, parent)) >= _MANY), stage.processes()
    orphans = [process.pid for process in children(stage, parent) if process.pid not in (program, stage.init)]
    assert len(orphans) == _MANY
    return orphans


def end(stage: Stage, orphans: list[int]) -> None:
    """End them, all at once."""
    for pid in orphans:
        stage.send(signal.SIGKILL, pid)


@every_init
@pytest.mark.parametrize("where", ["near", "away"])
def test_pid_1_waits_for_orphans(init: Init, where: str) -> None:
    """A hundred orphans, daemons with sessions of their own too, leave no zombie; the program stays."""
    with Stage(AS_PID_1, init.argv([*ORPHANS, str(_MANY), where])) as stage:
        end(stage, adopted(stage, stage.init))
        assert wait_until(lambda: len(stage.processes()) == 1), stage.processes()
        assert stage.zombies() == 0
        assert stage.is_there()


@those_with("subreaper")
@pytest.mark.parametrize("where", ["near", "away"])
def test_elsewhere_orphans_come_to_the_init_and_are_waited_for(init: Init, where: str) -> None:
    """Not PID 1, the init still is who orphans below it come to, and it waits for them."""
    assert init.subreaper is not None
    with Stage(BELOW_LAZY, init.argv([*ORPHANS, str(_MANY), where], *init.subreaper)) as stage:
        end(stage, adopted(stage, stage.init))
        assert wait_until(lambda: len(children(stage, stage.init)) == 1), stage.processes()
        assert [process.pid for process in children(stage, stage.first)] == [stage.init]
        assert stage.zombies() == 0


@pytest.mark.parametrize("init", [TINI, DUMB_INIT], ids=str)
def test_without_a_subreaper_zombies_stay(init: Init) -> None:
    """An init that is not PID 1, and no subreaper, never sees the orphans: they are strangers, and stay zombies.

    The test above would see it.
    """
    with Stage(BELOW_LAZY, init.argv([*ORPHANS, str(_MANY)])) as stage:
        end(stage, adopted(stage, stage.first))
        assert wait_until(lambda: stage.zombies() == _MANY)
        assert len(children(stage, stage.init)) == 1


def test_it_says_whom_it_waited_for() -> None:
    """With -v each orphan is one line on stderr, with how it ended; without, none is."""
    for options, expected in {("-v",): 20, (): 0}.items():
        with Stage(AS_PID_1, CGTUNE.argv([*SHORT_LIVES, "20", "0"], *options)) as stage:
            assert stage.line().startswith("done")
            assert wait_until(lambda: len(stage.processes()) == 1)
            said = re.findall(r"^cgtune: reaped \d+ \(exit 3\)$", stage.stderr(), re.MULTILINE)
            assert len(said) == expected, stage.stderr()


@every_init
def test_two_hundred_orphans_a_second_stay_no_zombies(init: Init) -> None:
    """Orphans that end as fast as they come do not pile up."""
    with Stage(AS_PID_1, init.argv([*SHORT_LIVES, "100", "0.005"])) as stage:
        most = 0
        while not (lines := stage.lines_so_far()):
            assert stage.is_there()
            most = max(most, stage.zombies())
        assert lines[0].startswith("done")
        # One may be about to be waited for at any time.
        assert most < 20
        assert wait_until(lambda: stage.zombies() == 0)


@every_init
@everywhere
def test_an_orphan_is_not_taken_for_the_program(place: AsPid1, init: Init) -> None:
    """Orphans that end with 3 do not end the init, and 3 is not its exit code."""
    options = init.subreaper or ()
    with Stage(place, init.argv([*SHORT_LIVES, "10", "0"], *options)) as stage:
        assert stage.line().startswith("done")
        assert wait_until(lambda: stage.zombies() == 0)
        assert stage.is_there()
        stage.send(signal.SIGTERM)
        assert stage.exit_code() == 128 + signal.SIGTERM


# Races


def _racers(init: Init) -> list[list[str]]:
    """Programs that end while an orphan does: two ends, one SIGCHLD."""
    bash = "bash -c 'sleep 0.01 & kill -9 $BASHPID' 2>/dev/null; sleep {}; exit 5"
    return [
        init.argv(["bash", "-c", bash.format(pause)]) for pause in ("0.0080", "0.0087", "0.0091", "0.0095", "0.01")
    ]


def _turns(init: Init) -> int:
    """The others are there as the measure; theirs were found long ago."""
    return 10 if init is CGTUNE else 2


def _hurried(init: Init) -> list[list[str]]:
    """A program that ends before anybody waits for it."""
    return [init.argv(["true"])]


@every_init
@everywhere
def test_an_end_together_with_an_orphans_is_seen(place: AsPid1, init: Init) -> None:
    """Program and orphan end at once, which may be one SIGCHLD: the init ends too, with the program's exit code."""
    turns = _turns(init)
    assert codes_of(place, _racers(init) * turns) == [5] * 5 * turns


@every_init
@everywhere
def test_an_end_before_the_wait_is_seen(place: AsPid1, init: Init) -> None:
    """A program that ends before the init waits for it is waited for nevertheless."""
    turns = 5 * _turns(init)
    assert codes_of(place, _hurried(init) * turns) == [0] * turns


@pytest.mark.long
@every_init
@everywhere
def test_ends_are_seen_a_thousand_times(place: AsPid1, init: Init) -> None:
    """Both races, a thousand times each."""
    assert codes_of(place, _racers(init) * 200) == [5] * 1000
    assert codes_of(place, _hurried(init) * 1000) == [0] * 1000
