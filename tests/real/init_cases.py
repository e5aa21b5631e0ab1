"""The inits that are tried: two that many trust, as the measure of the tests themselves, and cgtune.

tini and dumb-init are here so that a test that sees nothing is noticed: what they are known to do, it must see.
"""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from lab import Unavailable
from lab.machine import apt_install
from tests.real.init_harness import AS_PID_1, BELOW_SHELL
from tests.support import unavailable
from tests.unit.command import COMMAND

#: No init can be told these: the kernel keeps the first two, the C library's threads the last.
UNCATCHABLE = frozenset({signal.SIGKILL, signal.SIGSTOP, 32, 33})
JOB_CONTROL = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_ALL = frozenset(range(1, 65)) - UNCATCHABLE - {signal.SIGCHLD}
_FAULTS = {
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGABRT,
    signal.SIGTRAP,
    signal.SIGSYS,
}

Options = tuple[str, ...]


@dataclass(frozen=True)
class Init:
    """How one init is told what to do; None where it cannot do that."""

    name: str
    command: tuple[str, ...]
    #: What it passes on of what may be sent to it.
    forwards: frozenset[int]
    #: Signals go to the program alone; to its whole process group.
    alone: Options = ()
    group: Options = ()
    #: Orphans come to it although it is not PID 1.
    subreaper: Options | None = None
    #: It says what it does on stderr.
    verbose: Options = ("-v",)
    #: It ends at once with the program, whoever is left.
    hasty: Options = ()
    #: Signal -> it gets this one when its own parent dies.
    parent_death: Callable[[str], Options] | None = None
    #: Exit code -> this one becomes 0.
    map_exit: Callable[[int], Options] | None = None
    #: Signal, and another or 0 -> the program gets the other instead, or none.
    rewrite: Callable[[int, int], Options] | None = None

    def argv(self, program: Sequence[str], *options: str, group: bool = False) -> list[str]:
        """The init's command line with this program."""
        _require(self.command[0])
        return [*self.command, *(self.group if group else self.alone), *options, "--", *program]

    def __str__(self) -> str:
        return self.name


@functools.cache
def _require(program: str) -> None:
    """Debian's packages of the other inits bear their names."""
    if "/" in program:
        return
    try:
        apt_install(program, binaries=[program])
    except Unavailable as reason:
        unavailable(str(reason))


TINI = Init(
    "tini",
    ("tini",),
    forwards=_ALL - _FAULTS - {signal.SIGTTIN, signal.SIGTTOU},
    group=("-g",),
    subreaper=("-s",),
    verbose=("-vvv",),
    parent_death=lambda name: ("-p", f"SIG{name}"),
    map_exit=lambda code: ("-e", str(code)),
)
DUMB_INIT = Init(
    "dumb-init",
    ("dumb-init",),
    # Its tables end at 31; what it does with the real-time signals is chance.
    forwards=frozenset(number for number in _ALL if number < 32),
    alone=("-c",),
    rewrite=lambda number, other: ("-r", f"{number}:{other}"),
)
CGTUNE = Init(
    "cgtune",
    (*COMMAND, "run", "-q", "--supervise"),
    forwards=_ALL,
    group=("--group",),
    subreaper=(),
    hasty=("--orphan-grace", "0"),
    parent_death=lambda name: ("--pdeathsig", name),
    map_exit=lambda code: ("--map-exit", f"{code}=0"),
    rewrite=lambda number, other: ("--signal", f"{number}={other or 'none'}"),
)
INITS = (TINI, DUMB_INIT, CGTUNE)

every_init = pytest.mark.parametrize("init", INITS, ids=str)
everywhere = pytest.mark.parametrize("place", [AS_PID_1, BELOW_SHELL], ids=lambda place: place.name)


def those_with(option: str) -> pytest.MarkDecorator:
    """The inits that have this option."""
    return pytest.mark.parametrize("init", [init for init in INITS if getattr(init, option) is not None], ids=str)
