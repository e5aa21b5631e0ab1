"""`cgtune measure`: start a program with one worker, and measure the memory that a worker needs.

It is started as `run` would start it, but for the number of workers, measured without load, and stopped. A number
of workers that the program has from the user stays; then the largest of them counts.
"""

from __future__ import annotations

import sys

from cgtune import launch, placeholders
from cgtune.apply import apply_to_argv, apply_to_environment
from cgtune.arguments import parse_arguments
from cgtune.budget import assume_size
from cgtune.cli.output import say, write
from cgtune.config import is_switched_off
from cgtune.config_file import load_config
from cgtune.detect import read_limits
from cgtune.errors import CgtuneError, UsageError
from cgtune.host import Host
from cgtune.planning import plan_command
from cgtune.words import base_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cgtune.cli.measure_report import Report
    from cgtune.config import Config
    from cgtune.measuring.measurement import Measurement
    from cgtune.plan import Plan

_DEFAULT_SECONDS = 10.0


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
    report = _measure(argv, environment, config, seconds)
    if isinstance(report, int):
        return report
    from cgtune.cli.measure_report import format_json, format_report

    return write(format_json(report) if flags.get("json") else format_report(report))


def _measure(argv: list[str], environment: dict[str, str], config: Config, seconds: float) -> Report | int:
    """What was found; 128 and its number where a signal asked us to end."""
    from cgtune.measuring.program import Interrupted

    limits = read_limits(Host(), config.declared)
    one = config.replace(workers=1, origins=(*config.origins, ("workers", "cgtune measure")))
    plan, clean = plan_command(limits, one, argv, environment)
    words = apply_to_argv(plan, argv, limits.memory.host_bytes)
    if is_switched_off(environment):
        say("CGTUNE=off: run would set nothing, and nothing is set here")
    else:
        environment = apply_to_environment(plan, clean)
    name = plan.command.server or base_name(argv[0])
    try:
        measurement = _start_and_measure(plan, name, words, environment, seconds)
    except Interrupted as interrupted:
        return 128 + interrupted.number
    except CgtuneError as error:
        raise type(error)(f"{name}: {error}" if type(error) is CgtuneError else str(error)) from None
    if config.verbose:
        from cgtune.cli.measure_report import format_sample

        say(*map(format_sample, measurement.samples))
    return _keep(plan, measurement, clean)


def _start_and_measure(
    plan: Plan, name: str, words: list[str], environment: Mapping[str, str], seconds: float
) -> Measurement:
    """Run it for as long as it takes, saying how far it is; afterwards nothing of it runs."""
    from shutil import which

    from cgtune.measuring.measurement import measure, patience_for
    from cgtune.measuring.program import Interrupted, started
    from cgtune.measuring.tree import expect

    workers = plan.workers or 1
    patience = patience_for(seconds)
    # Of a program that is no server known to us, nobody knows what its workers are.
    count = "" if plan.command.workers_slot is None else f" with {_count(workers)}"
    if which(words[0], path=environment.get("PATH")):
        # Before its own first words; what cannot be started has its one line without this one.
        say(f"starting {name}{count}; what it says follows")
    with started(words, environment, patience.grace_seconds) as program:
        try:
            return measure(program, expect(plan.command, workers), patience, lambda line: say(f"{name}: {line}"))
        except Interrupted:
            say(f"interrupted; ending {name}, a second signal kills it")
            raise


def _keep(plan: Plan, measurement: Measurement, environment: Mapping[str, str]) -> Report:
    """Write it down. With several workers a server has a master, which cannot be seen where the one works alone."""
    from cgtune.cli.measure_report import Report
    from cgtune.measuring.keep import NotKept, keep_size

    command, size = plan.command, measurement.size
    assumed_bytes = assume_size(command.kind).shared_bytes
    shared_bytes = size.shared_bytes
    if measurement.is_alone and command.workers_slot is not None:
        shared_bytes = max(shared_bytes, assumed_bytes)
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
        command=command,
        measurement=measurement,
        shared_bytes=shared_bytes,
        assumed_bytes=assumed_bytes,
        path=path,
        problem=problem,
        is_counted=plan.budget.worker_bytes is not None,
    )


def _count(workers: int) -> str:
    return "one worker" if workers == 1 else f"{workers} workers, as you say"
