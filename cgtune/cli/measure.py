"""`cgtune measure`: start a program with one worker, and measure the memory that a worker needs.

It is started as `run` would start it, but for the number of workers, measured without load, and stopped. A number
of workers that the program has from the user stays; then the largest of them counts.
"""

from __future__ import annotations

import sys

from cgtune import launch, placeholders
from cgtune.apply import apply_to_argv, apply_to_environment
from cgtune.budget import assume_size
from cgtune.cli.output import printable, say, write
from cgtune.cli.plan import fold
from cgtune.config import is_switched_off
from cgtune.config_file import load_config
from cgtune.detect import read_limits
from cgtune.errors import CgtuneError, UsageError
from cgtune.host import Host
from cgtune.measured import COPIED, GROWTH, MOST_COPIED_BYTES, NotKept, keep_size, planned_bytes
from cgtune.options import parse_arguments
from cgtune.planning import plan_command
from cgtune.records import Record
from cgtune.units import format_bytes
from cgtune.words import base_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cgtune.config import Config
    from cgtune.measuring.measurement import Measurement
    from cgtune.measuring.tree import Size
    from cgtune.plan import Plan

_DEFAULT_SECONDS = 10.0
_ESTIMATE = (
    "it runs as another user, whose memory may not be seen: an estimate, on the high side; "
    "with the capability SYS_PTRACE cgtune sees it"
)
_MIB = 1 << 20
# Less is not worth a word.
_WORTH_BYTES = 1 << 20


class Report(Record):
    """What is told of a measurement: `path` is its file, `problem` why there is none."""

    plan: Plan
    measurement: Measurement
    shared_bytes: int
    is_shared_assumed: bool
    path: str | None
    problem: str | None

    @property
    def planned_bytes(self) -> int:
        """What a plan counts with."""
        size = self.measurement.size
        return planned_bytes(size.worker_bytes, size.inherited_bytes)


def main(words: Sequence[str]) -> int:
    """Print what was found, as text or JSON; the exit code."""
    flags, argv = parse_arguments("measure", words)
    if flags.get("help"):
        from cgtune.cli.help import show_help

        return show_help("measure")
    if not argv:
        raise UsageError("no command to measure: cgtune measure [OPTIONS] [--] COMMAND…")
    if sys.platform != "linux":
        raise CgtuneError("measure works on Linux only")
    from cgtune.command_line import look_through

    if look_through(argv).name == "cgtune":
        raise UsageError("measure takes the program itself, without cgtune before it: cgtune measure -- gunicorn …")
    environment = launch.original_environment(Host())
    config = load_config("measure", flags, environment)
    seconds = flags.get("seconds", _DEFAULT_SECONDS)
    assert isinstance(seconds, float)
    return _measure(argv, environment, config, seconds, is_json=bool(flags.get("json")))


def _measure(argv: list[str], environment: dict[str, str], config: Config, seconds: float, *, is_json: bool) -> int:
    from shutil import which

    from cgtune.measuring.measurement import measure, patience_for
    from cgtune.measuring.program import Interrupted, started
    from cgtune.measuring.tree import expect

    limits = read_limits(Host(), config.declared)
    one = config.replace(workers=1, origins=(*config.origins, ("workers", "cgtune measure")))
    plan, clean = plan_command(limits, one, argv, environment)
    words = apply_to_argv(plan, argv, limits.memory.host_bytes)
    if is_switched_off(environment):
        say("CGTUNE=off: run would set nothing, and nothing is set here")
    else:
        environment = apply_to_environment(plan, clean)
    name = plan.command.server or base_name(argv[0])
    # Of a program that is no server known to us, nobody knows what its workers are.
    count = f" with {_count(plan.workers or 1)}" if plan.command.workers_slot is not None else ""
    patience = patience_for(seconds)
    try:
        if which(words[0], path=environment.get("PATH")):
            # Said before its own first words; what cannot be started has one line, without this one.
            say(f"starting {name}{count}; what it says follows")
        with started(words, environment, patience.grace_seconds) as program:
            expected = expect(plan.command, plan.workers or 1)
            measurement = measure(program, expected, patience, lambda line: say(f"{name}: {line}"))
    except Interrupted as interrupted:
        return 128 + interrupted.number
    except CgtuneError as error:
        raise type(error)(f"{name}: {error}" if type(error) is CgtuneError else str(error)) from None
    report = _keep(plan, measurement, clean)
    if config.verbose:
        say(*(f"after {sample.seconds:.1f} s: {sample.size}" for sample in measurement.samples))
    return write(_format_json(report) if is_json else format_report(report))


def _keep(plan: Plan, measurement: Measurement, environment: Mapping[str, str]) -> Report:
    """Write it down. With several workers a server has a master, which cannot be seen where the one works alone."""
    command = plan.command
    least_bytes = 0
    if measurement.is_alone and command.workers_slot is not None:
        least_bytes = assume_size(command.kind).shared_bytes
    size = measurement.size
    shared_bytes = max(size.shared_bytes, least_bytes)
    path = problem = None
    try:
        if command.runtime is None:
            raise NotKept("only for programs whose runtime is known, see --runtime")
        path = keep_size(
            placeholders.mask(command.argv),
            command.interpreter,
            environment,
            worker_bytes=size.worker_bytes,
            inherited_bytes=size.inherited_bytes,
            shared_bytes=shared_bytes,
        )
    except NotKept as error:
        problem = str(error)
    return Report(
        plan=plan,
        measurement=measurement,
        shared_bytes=shared_bytes,
        is_shared_assumed=shared_bytes > size.shared_bytes,
        path=path,
        problem=problem,
    )


def format_report(report: Report) -> str:
    """For people."""
    measurement, size = report.measurement, report.measurement.size
    worker = f"worker   {format_bytes(size.worker_bytes)} private"
    if size.inherited_bytes >= _WORTH_BYTES:
        worker += f", {format_bytes(size.inherited_bytes)} more in common with its master by fork"
    lines = [
        worker,
        f"shared   {format_bytes(report.shared_bytes)}" + (" (assumed)" if report.is_shared_assumed else ""),
        f"samples  {_times(measurement)}",
    ]
    if report.path is not None:
        lines.append(f"kept in {printable(report.path)}")
        lines.append("cgtune plan and run now take a worker of this command for")
    else:
        lines.append(f"not kept: {printable(report.problem or '')}")
        lines.append("but a plan should take a worker of this command for")
    lines.append(f"{format_bytes(report.planned_bytes)}: {_formula(size)}")
    lines.append(f"in an image: ENV CGTUNE_WORKER_MEMORY={-(-report.planned_bytes // _MIB)}Mi")
    if size.is_estimate:
        lines += fold("note: ", _ESTIMATE)
    return "".join(f"{line}\n" for line in lines)


def _times(measurement: Measurement) -> str:
    seconds = [f"{sample.seconds:.1f}".removesuffix(".0") for sample in measurement.samples]
    times = f"{seconds[0]} to {seconds[-1]}" if len(seconds) > 1 else seconds[0]
    state = "after it was ready" if measurement.is_at_rest else "later than it should be ready, and not at rest"
    return f"{len(seconds)}, {times} s {state}; without load"


def _formula(size: Size) -> str:
    """How the planned size came about."""
    own = format_bytes(size.worker_bytes)
    if size.inherited_bytes < _WORTH_BYTES:
        return f"{own} x {GROWTH:g} for growth"
    if size.inherited_bytes * COPIED > MOST_COPIED_BYTES:
        copied = format_bytes(MOST_COPIED_BYTES)
    else:
        copied = f"{COPIED:g} x {format_bytes(size.inherited_bytes)}"
    return f"({own} + {copied} that load will copy) x {GROWTH:g} for growth"


def _format_json(report: Report) -> str:
    from cgtune.cli.inspect import to_json

    command, measurement, size = report.plan.command, report.measurement, report.measurement.size
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


def _count(workers: int) -> str:
    return "one worker" if workers == 1 else f"{workers} workers, as you say"
