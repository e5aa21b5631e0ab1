"""From a started program to figures: wait until it is ready, then look at its memory a few times.

Ready is: a known web server listens, its workers are there, and for a while nothing about them has changed. Workers
import the application after their master began to listen, so listening alone says little. A program that is not
known, and does not listen, is given more than twice the time: it may be waiting for a database.

    seconds        how long to measure, once it is ready; three looks, at 1/3, 2/3 and the end
    rest_seconds   a fifth of it, from 0.5 to 2: so long nothing must have changed
    ready_seconds  how long to wait for that; `tell_seconds` later a line says for what
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from cgtune.errors import CgtuneError
from cgtune.measuring import processes
from cgtune.measuring.tree import Expected, Look, Size, add_up, find_main, find_workers, rest_since

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cgtune.measuring.program import Program

_LOOKS = 3
_UNKNOWN_FACTOR = 2.5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what."""

    seconds: float = 10.0
    rest_seconds: float = 2.0
    ready_seconds: float = 120.0
    tell_seconds: float = 10.0
    grace_seconds: float = 10.0
    between_seconds: float = 0.2


@dataclass(frozen=True, slots=True)
class Sample:
    """One look, so many seconds after the program was seen to be ready."""

    seconds: float
    size: Size


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was found. `is_at_rest`: nothing changed any more when it began; `is_alone`: the program is the worker."""

    ready_seconds: float
    is_at_rest: bool
    is_alone: bool
    samples: tuple[Sample, ...]

    @property
    def size(self) -> Size:
        """The look with the largest worker."""
        return max((sample.size for sample in self.samples), key=lambda size: size.worker_bytes)


def patience_for(seconds: float) -> Patience:
    """How long to wait where the user wants to measure for so long."""
    return Patience(seconds=seconds, rest_seconds=min(2.0, max(0.5, seconds / 5)))


@dataclass(frozen=True, slots=True)
class _Look:
    """All that is seen of the program at one moment; `size` is None while it has no worker."""

    pids: tuple[int, ...]
    workers: tuple[frozenset[int], ...]
    private_bytes: int
    is_alone: bool
    size: Size | None


def measure(
    program: Program, expected: Expected, patience: Patience, tell: Callable[[str], None] = lambda _: None
) -> Measurement:
    """Wait until it is ready, then look at it; `tell` gets a line about how far it is.

    CgtuneError: it ended, or never was ready. Interrupted: a signal asks us to end.
    """
    ready_seconds, is_at_rest = _wait_until_ready(program, expected, patience, tell)
    state = f"ready after {ready_seconds:.1f} s" if is_at_rest else "not at rest yet, and is measured as it is"
    tell(f"{state}; measuring for {patience.seconds:.3g} s")
    start = time.monotonic()
    samples = []
    is_alone = False
    for number in range(1, _LOOKS + 1):
        while (left := start + patience.seconds * number / _LOOKS - time.monotonic()) > 0:
            program.wait(left)
            program.find_tree()
            _check(program, "while it was measured")
        look = _look(program, expected)
        _check(program, "while it was measured")
        if look.size is not None:
            samples.append(Sample(seconds=time.monotonic() - start, size=look.size))
            is_alone = look.is_alone
    if not samples:
        raise CgtuneError("its workers do not stay: they were gone at every look")
    return Measurement(ready_seconds=ready_seconds, is_at_rest=is_at_rest, is_alone=is_alone, samples=tuple(samples))


def _wait_until_ready(
    program: Program, expected: Expected, patience: Patience, tell: Callable[[str], None]
) -> tuple[float, bool]:
    """Seconds until it was ready, and whether it is at rest since then."""
    start = time.monotonic()
    is_listening = is_told = False
    since: Look | None = None
    while (seconds := time.monotonic() - start) < patience.ready_seconds:
        look = _look(program, expected)
        _check(program, "before it was ready")
        # Not to be seen counts as yes: rest is asked for as well.
        if not is_listening and processes.is_listening(look.pids) is not False:
            # What was at rest before may only begin its work now.
            is_listening, since = True, None
        if look.size is not None:
            now = Look(seconds=seconds, workers=look.workers, private_bytes=look.private_bytes)
            since = rest_since(since, now)
            needed = patience.rest_seconds
            if not (is_listening or expected.is_queue):
                needed *= _UNKNOWN_FACTOR
            if (is_listening or not expected.must_listen) and seconds - since.seconds >= needed:
                return since.seconds, True
        if seconds >= patience.tell_seconds and not is_told:
            is_told = True
            why = _missing(since, expected, is_listening) or "its memory still changes"
            tell(f"not ready yet, {why}; waiting for up to {patience.ready_seconds:.3g} s")
        program.wait(patience.between_seconds)
    missing = _missing(since, expected, is_listening)
    if missing is not None:
        raise CgtuneError(f"{missing} {patience.ready_seconds:.3g} s after its start")
    return seconds, False


def _missing(since: Look | None, expected: Expected, is_listening: bool) -> str | None:
    """Without what it cannot be measured."""
    if since is None:
        return "no worker of it is there"
    if expected.must_listen and not is_listening:
        return "it does not listen"
    return None


def _look(program: Program, expected: Expected) -> _Look:
    tree = [processes.describe(stat) for stat in program.find_tree()]
    read = {process.pid: processes.read_memory(process.pid) for process in tree}
    memories = {pid: memory for pid, memory in read.items() if memory is not None}
    main = find_main(tree, program.pid)
    workers = () if main is None else find_workers(tree, main, expected.workers)
    return _Look(
        pids=tuple(process.pid for process in tree),
        workers=workers,
        private_bytes=sum(memories[pid].private_bytes for worker in workers for pid in worker if pid in memories),
        is_alone=main is not None and any(main.pid in worker for worker in workers),
        size=add_up(memories, workers),
    )


def _check(program: Program, when: str) -> None:
    """CgtuneError once the program has ended."""
    if program.exit_code is None:
        return
    if program.exit_code < 0:
        hint = "; was there too little memory?" if program.exit_code == -9 else ""
        raise CgtuneError(f"signal {-program.exit_code} ended it {when}{hint}")
    hint = "measure needs one that stays, in the foreground" if program.exit_code == 0 else "what it said is above"
    raise CgtuneError(f"it ended {when}, with exit code {program.exit_code}; {hint}")
