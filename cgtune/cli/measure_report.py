"""What `cgtune measure` prints: figures for people, or JSON.

worker   16 MiB of its own, 9.1 MiB in common with its master by fork
shared   23.1 MiB, there once
seen     3 times, the last 10 s after it was ready; without load
planned  26.8 MiB a worker: (16 MiB + 0.6 x 9.1 MiB copied under load) x 1.25
"""

from __future__ import annotations

from cgtune.cli.output import printable
from cgtune.cli.plan import fold
from cgtune.measured import COPIED, GROWTH, MOST_COPIED_BYTES, planned_bytes
from cgtune.records import Record
from cgtune.units import format_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.measuring.measurement import Measurement, Sample
    from cgtune.measuring.tree import Size
    from cgtune.settings import Command

_ESTIMATE = (
    "it runs as another user, whose memory may not be seen: an estimate, on the high side; "
    "with the capability SYS_PTRACE cgtune sees it"
)
_RESTLESS = "it was never at rest: what it holds may still grow"
_MIB = 1 << 20
# Less is not worth a word.
_WORTH_BYTES = 1 << 20


class Report(Record):
    """What is told of a measurement. `path` is its file, `problem` why there is none, `assumed_bytes` what is taken
    to be shared where nothing was measured; `is_counted`: a plan for this command counts with a worker's size."""

    command: Command
    measurement: Measurement
    shared_bytes: int
    assumed_bytes: int
    path: str | None
    problem: str | None
    is_counted: bool

    @property
    def is_shared_assumed(self) -> bool:
        """Whether less was seen."""
        return self.shared_bytes > self.measurement.size.shared_bytes

    @property
    def planned_bytes(self) -> int:
        """What a plan counts with."""
        size = self.measurement.size
        return planned_bytes(size.worker_bytes, size.inherited_bytes)


def format_report(report: Report) -> str:
    """For people, at most 80 columns wide but for the path."""
    measurement, size = report.measurement, report.measurement.size
    own = f"{format_bytes(size.worker_bytes)} of its own"
    if size.inherited_bytes >= _WORTH_BYTES:
        own += f", {format_bytes(size.inherited_bytes)} in common with its master by fork"
    shared = "assumed" if report.is_shared_assumed else "there once"
    last = f"{measurement.samples[-1].seconds:.0f} s after it was ready"
    lines = [
        *fold("worker   ", own),
        f"shared   {format_bytes(report.shared_bytes)}, {shared}",
        f"seen     {_times(len(measurement.samples))}, the last {last}; without load",
        *fold("planned  ", f"{format_bytes(report.planned_bytes)} a worker: {_formula(size)}"),
        "",
    ]
    if report.path is None:
        lines += fold("not kept: ", printable(report.problem or ""))
    elif report.is_counted:
        lines += ["cgtune plan and run now count with it for this command, from", printable(report.path)]
    else:
        lines += ["kept, and counted with once --kind says what the program is, in", printable(report.path)]
    lines.append(f"in an image: ENV CGTUNE_WORKER_MEMORY={-(-report.planned_bytes // _MIB)}Mi")
    for note in _notes(report):
        lines += fold("note: ", note)
    return "".join(f"{line}\n" for line in lines)


def format_sample(sample: Sample) -> str:
    """One look, for `--verbose`."""
    size = sample.size
    workers = "1 worker" if size.workers == 1 else f"{size.workers} workers, the largest"
    own, inherited, shared = map(format_bytes, (size.worker_bytes, size.inherited_bytes, size.shared_bytes))
    return f"after {sample.seconds:.1f} s: {workers} {own}, {inherited} by fork; {shared} shared"


def format_json(report: Report) -> str:
    """For programs."""
    from cgtune.cli.inspect import to_json

    command, measurement, size = report.command, report.measurement, report.measurement.size
    return to_json(
        {
            "schema": 1,
            "command": {
                "argv": command.argv,
                "runtime": command.runtime,
                "server": command.server,
                "kind": command.kind,
            },
            "worker_bytes": size.worker_bytes,
            "inherited_bytes": size.inherited_bytes,
            "shared_bytes": report.shared_bytes,
            "is_shared_assumed": report.is_shared_assumed,
            "planned_bytes": report.planned_bytes,
            "ready_seconds": round(measurement.ready_seconds, 3),
            "is_at_rest": measurement.is_at_rest,
            "is_estimate": size.is_estimate,
            "samples": [
                {
                    "seconds": round(sample.seconds, 3),
                    "workers": sample.size.workers,
                    "worker_bytes": sample.size.worker_bytes,
                    "inherited_bytes": sample.size.inherited_bytes,
                    "shared_bytes": sample.size.shared_bytes,
                }
                for sample in measurement.samples
            ],
            "file": report.path,
            "not_kept": report.problem,
        }
    )


def _formula(size: Size) -> str:
    """How the planned size came about."""
    own = format_bytes(size.worker_bytes)
    if size.inherited_bytes < _WORTH_BYTES:
        return f"{own} x {GROWTH:g}"
    if size.inherited_bytes * COPIED > MOST_COPIED_BYTES:
        copied = format_bytes(MOST_COPIED_BYTES)
    else:
        copied = f"{COPIED:g} x {format_bytes(size.inherited_bytes)}"
    return f"({own} + {copied} copied under load) x {GROWTH:g}"


def _notes(report: Report) -> list[str]:
    """What would lead astray without a word."""
    notes = []
    if not report.measurement.is_at_rest:
        notes.append(_RESTLESS)
    if report.measurement.size.is_estimate:
        notes.append(_ESTIMATE)
    if report.shared_bytes > 2 * report.assumed_bytes:
        shared, assumed = format_bytes(report.shared_bytes), format_bytes(report.assumed_bytes)
        notes.append(f"the variable does not say that {shared} are shared; a plan then takes {assumed} for it")
    return notes


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
