"""One list of programs and signals, under tini, dumb-init and cgtune in the same container: what differs, and why.

Compared are the exit code, the output, who survives the init, and the program's signal lines in /proc/self/status.
A difference that is meant stands in ONE table, DIFFERENCES, with its reason. One that is not there fails the test,
and so does a line of the table that is no longer true.
"""

from __future__ import annotations

import re
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from lab.container import Container
from lab.engine import Engine
from lab.host_image import host_image, host_mount_options
from tests.real.init_cases import CGTUNE, DUMB_INIT, TINI, Init
from tests.real.init_harness import KILL, AsPid1, Stage, inside
from tests.real.init_processes import read_process, status_lines, wait_until
from tests.real.init_programs import DEAF, LEAVER, PYTHON, RECORDER, WAITER, shell
from tests.unit.command import PACKAGE

pytestmark = pytest.mark.real

WORK_TREE = Path(__file__).resolve().parent.parent.parent
_LEAVING_SECONDS = 0.3
_SIGNAL_LINES = ("SigBlk", "SigIgn", "SigCgt")


@dataclass(frozen=True)
class Outcome:
    """What can be seen of one run from outside."""

    code: int
    output: str
    survivors: tuple[str, ...]
    #: Of the program, while it ran; "" where it had ended.
    signals: str


@dataclass(frozen=True)
class Scenario:
    """A program, and the signals that are sent to the init when it says "ready"; `group`: as --group has it."""

    program: tuple[str, ...]
    sent: tuple[int, ...] = ()
    group: bool = False
    options: Callable[[Init], tuple[str, ...]] = lambda init: ()
    #: Words before the init: what it inherits.
    before: tuple[str, ...] = ()
    #: As PID 1 it is chance how far those come who are told when the init is about to end.
    is_race_of_pid_1: bool = False


def _little_grace(init: Init) -> tuple[str, ...]:
    return ("--orphan-grace", "0.1") if init is CGTUNE else ()


def _no_grace(init: Init) -> tuple[str, ...]:
    return init.hasty


_IGNORES = ("sh", "-c", "trap '' TERM HUP; exec \"$@\"", "sh")
_STATUS = shell("grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status")
_CATCHES = (
    *PYTHON,
    """\
import os, signal
def stop(number, frame):
    os.write(1, b"told\\n")
    os._exit(4)
signal.signal(signal.SIGTERM, stop)
os.write(1, b"ready %d\\n" % os.getpid())
while True:
    signal.pause()
""",
)
_OWN = shell("set -- $(cat /proc/$$/stat); [ $5 = $$ ] && echo own group; [ $6 = $$ ] && echo own session; true")
_BACKGROUND = shell("sleep 1000 & sleep 1000 & exit 6")

SCENARIOS: dict[str, Scenario] = {
    "true": Scenario(("true",)),
    "false": Scenario(("false",)),
    "exit 255": Scenario(shell("exit 255")),
    "arguments": Scenario(shell('printf "[%s]" "$@"', "", "a b", "--", "-v")),
    "not found": Scenario(("no-such-program",)),
    "a folder": Scenario(("/etc",)),
    "killed by itself": Scenario(shell("kill -KILL $$")),
    "its own signals": Scenario(_STATUS),
    "its own signals, some inherited": Scenario(_STATUS, before=_IGNORES),
    "its own signals, in a group": Scenario(_STATUS, group=True),
    "in a pipe": Scenario(shell("yes | head -n 2")),
    "its folder": Scenario(shell("cd /tmp; pwd")),
    "its group": Scenario(_OWN),
    "its group, in a group": Scenario(_OWN, group=True),
    "TERM": Scenario(WAITER, (signal.SIGTERM,)),
    "INT": Scenario(WAITER, (signal.SIGINT,)),
    "HUP": Scenario(WAITER, (signal.SIGHUP,)),
    "QUIT": Scenario(WAITER, (signal.SIGQUIT,)),
    "USR1": Scenario(WAITER, (signal.SIGUSR1,)),
    "PIPE": Scenario(WAITER, (signal.SIGPIPE,)),
    "TERM in a group": Scenario(WAITER, (signal.SIGTERM,), group=True),
    "a handler": Scenario(_CATCHES, (signal.SIGTERM,)),
    "many signals": Scenario(RECORDER, (15, 1, 2, 3, 10, 12, 13, 14, 17, 18, 23, 28, 29)),
    "stops": Scenario(RECORDER, (20, 18, 15)),
    "terminal stops": Scenario(RECORDER, (21, 18, 22, 18, 15)),
    "faults from others": Scenario(RECORDER, (4, 5, 6, 7, 8, 11, 31, 15)),
    "real-time signals": Scenario(RECORDER, (34, 40, 64, 15)),
    "a child left behind": Scenario((*LEAVER, "near")),
    "a child left behind, at once": Scenario((*LEAVER, "near"), options=_no_grace),
    "a child left behind in a group": Scenario((*LEAVER, "near"), group=True, is_race_of_pid_1=True),
    "a daemon left behind": Scenario((*LEAVER, "away")),
    "a daemon left behind by a group": Scenario((*LEAVER, "away"), group=True),
    "sleepers left behind": Scenario(_BACKGROUND),
    "sleepers left behind, at once": Scenario(_BACKGROUND, options=_no_grace),
    "deaf": Scenario(DEAF, (signal.SIGTERM, signal.SIGUSR1), options=_little_grace),
    "deaf in a group": Scenario(DEAF, (signal.SIGTERM, signal.SIGUSR1), group=True, options=_little_grace),
}


@dataclass(frozen=True)
class Difference:
    """Where cgtune is unlike another init, in which scenarios, in what, and why that is meant."""

    peer: Init
    where: frozenset[str]
    what: frozenset[str]
    reason: str


def _difference(peer: Init, where: str, what: str, reason: str) -> Difference:
    return Difference(peer, frozenset(where.split("; ")), frozenset(what.split()), reason)


_GRACE = "cgtune tells those whom the program left, and gives them a moment (--orphan-grace)"
DIFFERENCES = [
    _difference(
        DUMB_INIT, "not found; a folder", "code", "dumb-init has 2 for all; cgtune has what shells and Docker have"
    ),
    _difference(
        DUMB_INIT,
        "its own signals, some inherited",
        "output",
        "dumb-init resets what was ignored; nohup would not work",
    ),
    _difference(
        DUMB_INIT, "its group", "output", "cgtune gives the program a group, as tini does: what is typed comes once"
    ),
    _difference(
        TINI, "its group, in a group", "output", "a session of its own, as with dumb-init, keeps the group together"
    ),
    _difference(
        TINI, "terminal stops", "output", "tini keeps SIGTTIN and SIGTTOU to itself; they may be sent on purpose"
    ),
    _difference(
        TINI,
        "faults from others",
        "code output survivors",
        "tini dies of what looks like a fault of its own; sent by others, servers use it to ask for a dump",
    ),
    _difference(TINI, "a child left behind; a child left behind in a group", "output survivors", _GRACE),
    _difference(TINI, "a daemon left behind; a daemon left behind by a group", "output survivors", _GRACE),
    _difference(DUMB_INIT, "a child left behind; a daemon left behind", "output survivors", _GRACE),
    _difference(DUMB_INIT, "a daemon left behind by a group", "output survivors", _GRACE),
    _difference(TINI, "sleepers left behind", "survivors", _GRACE),
    _difference(DUMB_INIT, "sleepers left behind", "survivors", _GRACE),
]


@pytest.fixture(scope="module")
def container(docker: Engine) -> Iterator[Container]:
    """One container for all: its files are this machine's, with the folder that tests use."""
    folder = tempfile.gettempdir()
    options = [*host_mount_options(PACKAGE.parent), "--volume", f"{folder}:{folder}"]
    with docker.start(host_image(docker), ["sleep", "infinity"], docker_options=options) as running:
        yield running


def outcome(place: AsPid1, init: Init, scenario: Scenario) -> Outcome:
    """One run. A program that the signals did not end is looked at, and then killed."""
    options = (*(init.subreaper or ()), *scenario.options(init))
    argv = [*scenario.before, *init.argv(scenario.program, *options, group=scenario.group)]
    with Stage(place, argv) as stage:
        lines, signals = [], ""
        if scenario.sent:
            lines.append(stage.line())
            program = stage.outside(int(lines[0].removeprefix("ready ")))
            for number in scenario.sent:
                stage.send(number)
                assert stage.settle(program)
            status = status_lines(program)
            signals = " ".join(status.get(name, "") for name in _SIGNAL_LINES)
            if read_process(program) is not None and stage.is_there():
                lines += stage.lines_so_far()
                stage.send(KILL, program)
                stage.send(signal.SIGCONT)
        code = stage.exit_code()
        # Who was told to end needs a moment for that.
        wait_until(lambda: not stage.survivors(), _LEAVING_SECONDS)
        survivors = tuple(sorted(stage.survivors()))
        lines += stage.lines_so_far()
        return Outcome(code, re.sub("^ready \\d+", "ready", "\n".join(lines)), survivors, signals)


def unlike(one: Outcome, other: Outcome) -> set[str]:
    """The names of the fields in which they differ."""
    return {field.name for field in fields(Outcome) if getattr(one, field.name) != getattr(other, field.name)}


@pytest.mark.parametrize("name", SCENARIOS)
def test_all_differences_are_meant(container: Container, name: str) -> None:
    """cgtune is like tini and dumb-init, but for what the table says; and all that the table says is so."""
    scenario = SCENARIOS[name]
    found: dict[tuple[str, str], str] = {}
    for place in inside(container):
        if scenario.is_race_of_pid_1 and not place.is_below:
            continue
        ours = outcome(place, CGTUNE, scenario)
        for peer in (TINI, DUMB_INIT):
            theirs = outcome(place, peer, scenario)
            for what in unlike(ours, theirs):
                found[peer.name, what] = f"{place.name}: {getattr(ours, what)!r}, there {getattr(theirs, what)!r}"
    declared = {(line.peer.name, what) for line in DIFFERENCES if name in line.where for what in line.what}
    assert set(found) == declared, found


def test_the_table_is_documented() -> None:
    """Each line of the table is about scenarios that there are, and its reason stands in the documentation."""
    documented = (WORK_TREE / "docs/pid1.md").read_text()
    for line in DIFFERENCES:
        assert line.where <= set(SCENARIOS)
        assert line.reason in documented
