"""The mini-oracle: every sensible number of workers tried, and what cgtune picks measured beside them.

    python -m bench.oracle [--seconds 1.8] [--rounds 2] [--clients 16]

Two apps, bench/apps/state_app.py with 48 MiB of state a worker, in two containers each:

    CPU-bound  4 ms of CPU a request                          what cgtune assumes when it is told nothing
    waiting    4 ms of CPU and 10 ms of waiting a request     what it cannot know: more workers may be better

An oracle would know the best row of each table; cgtune's row is measured like all others, never inferred from the
row with the same number. The rows take turns, and each time the container is a fresh one.

The best of several noisy rows is a little too good, so even the same number of workers rarely reaches 100 % of it,
and on a busy machine much less. In a CPU-bound cell all numbers that fit into the memory are about equal; where
cgtune's still seems 10 % below the best, more rounds are taken, up to twice as many, and the average of all counts.
The waiting cells are shown as they come out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.under_limits import TUNED, ContainerEnded, Limit, Outcome, run_under
from lab.engine import Engine, engine
from lab.image import app_image
from lab.wheel import build_wheel

COUNTS = (1, 2, 3, 4, 5, 8)
NEAR_THE_BEST = 0.9
# Eight workers have booted 0.6 s after the first one answers.
_WARM_UP_SECONDS = 0.7
_WHY_WAITING_IS_WORSE = "How long a request waits is nothing a cgroup tells; --workers N does."


@dataclass(frozen=True)
class Cell:
    """One app in one size of container."""

    app: str
    environment: Mapping[str, str]
    limit: Limit

    def __str__(self) -> str:
        return f"{self.app}, {self.limit.cpus} CPU, {self.limit.memory.removesuffix('m')} MiB"


_STATE = {"STATE_MIB": "48", "CPU_MS": "4"}
_SIZES = (Limit("0.5", "256m"), Limit("1", "512m"))
CPU_BOUND = tuple(Cell("CPU-bound: 4 ms of CPU a request", _STATE, size) for size in _SIZES)
WAITING = tuple(
    Cell("waiting: 4 ms of CPU and 10 ms of waiting", {**_STATE, "WAIT_MS": "10"}, size) for size in _SIZES
)


@dataclass
class Row:
    """One way to start the app, and all that was seen of it."""

    command: tuple[str, ...]
    outcomes: list[Outcome] = field(default_factory=list)
    #: rounds that the container did not survive
    ended: int = 0

    @property
    def requests_per_second(self) -> float:
        """The average of all rounds; one that the container did not survive counts as none."""
        rounds = len(self.outcomes) + self.ended
        return sum(outcome.load.requests_per_second for outcome in self.outcomes) / max(rounds, 1)

    @property
    def p99_ms(self) -> float | None:
        """The worst of all rounds."""
        return max((outcome.load.p99_ms for outcome in self.outcomes if outcome.load.p99_ms), default=None)

    @property
    def failures(self) -> int:
        """Requests without an answer, in all rounds."""
        return sum(outcome.load.failures for outcome in self.outcomes)

    @property
    def said(self) -> tuple[str, ...]:
        """What cgtune said at the last start."""
        return self.outcomes[-1].said if self.outcomes else ()

    @property
    def oom_kills(self) -> int:
        """The kernel's count, in all rounds."""
        return sum(outcome.oom_kills for outcome in self.outcomes)


@dataclass(frozen=True)
class Comparison:
    """The sweep, and cgtune beside it."""

    sweep: tuple[Row, ...]
    tuned: Row

    @property
    def best(self) -> Row:
        """The row an oracle would have chosen."""
        return max(self.sweep, key=lambda row: row.requests_per_second)

    @property
    def ratio(self) -> float:
        """What cgtune has of the best row's requests/s."""
        best = self.best.requests_per_second
        return self.tuned.requests_per_second / best if best else 0.0

    @property
    def picked(self) -> int | None:
        """How many workers cgtune's container had."""
        return self.tuned.outcomes[-1].workers if self.tuned.outcomes else None

    @property
    def rounds(self) -> int:
        """How often each row was measured."""
        return len(self.tuned.outcomes) + self.tuned.ended


def compare_with_sweep(
    engine: Engine, image: str, cell: Cell, *, counts: Sequence[int] = COUNTS, clients: int = 16, seconds: float = 1.8
) -> Iterator[Comparison]:
    """The comparison after one round, after two, and so on for as long as it is asked."""
    result = Comparison(tuple(Row(("gunicorn", "-w", str(count))) for count in counts), Row(TUNED))
    while True:
        for row in (*result.sweep, result.tuned):
            try:
                outcome = run_under(
                    engine,
                    image,
                    row.command,
                    cell.limit,
                    clients=clients,
                    seconds=seconds,
                    warm_up_seconds=_WARM_UP_SECONDS,
                    environment=cell.environment,
                )
            except ContainerEnded:
                row.ended += 1
            else:
                row.outcomes.append(outcome)
        yield result


def format_comparison(cell: Cell, comparison: Comparison) -> str:
    """The table of one cell, cgtune's row below the one of the same number; at most 80 columns."""
    lines = [f"{cell}, {comparison.rounds} rounds", f"{'':<26}requests/s      p99    failed  OOM kills"]
    rows = sorted([*comparison.sweep, comparison.tuned], key=lambda row: _place(row, comparison))
    for row in rows:
        name = " ".join(row.command)
        mark = ""
        if row is comparison.tuned:
            name, mark = f"cgtune, which picked {comparison.picked}", "  <--"
        p99 = "none" if row.p99_ms is None else f"{row.p99_ms:.0f} ms"
        mark = f"  ended {row.ended}x" if row.ended else mark
        lines.append(
            f"  {name:<24}{row.requests_per_second:>10.0f}{p99:>9}{row.failures:>10}{row.oom_kills:>11}{mark}"
        )
    return "\n".join(lines)


def format_verdict(comparison: Comparison) -> str:
    """One line: what was picked, and how near to the best that is."""
    best = " ".join(comparison.best.command)
    return f"cgtune picked {comparison.picked}: {100 * comparison.ratio:.0f} % of the sweep's best ({best})"


def _place(row: Row, comparison: Comparison) -> tuple[int, bool]:
    if row is comparison.tuned:
        return comparison.picked or 0, True
    return int(row.command[-1]), False


def show(engine: Engine, image: str, *, seconds: float = 1.8, rounds: int = 2, clients: int = 16) -> None:
    """Print a table for each cell as soon as it is measured, and all verdicts at the end."""
    verdicts = []
    for cell in (*CPU_BOUND, *WAITING):
        looks = compare_with_sweep(engine, image, cell, clients=clients, seconds=seconds)
        comparison = next(looks)
        while comparison.rounds < rounds or (
            cell in CPU_BOUND and comparison.ratio < NEAR_THE_BEST and comparison.rounds < 2 * rounds
        ):
            comparison = next(looks)
        print(format_comparison(cell, comparison), "\n", sep="", flush=True)
        verdicts.append(f"{cell}:\n  {format_verdict(comparison)}")
    print("\n".join(verdicts), "", _WHY_WAITING_IS_WORSE, sep="\n", flush=True)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="bench.oracle")
    parser.add_argument("--seconds", type=float, default=1.8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    with engine() as docker:
        image = app_image(docker, build_wheel())
        show(docker, image, seconds=options.seconds, rounds=options.rounds, clients=options.clients)
    return 0


if __name__ == "__main__":
    sys.exit(main())
