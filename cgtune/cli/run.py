"""`cgtune run`: detect, plan, apply, then become the program. The hot path: it loads what it uses, no more."""

from __future__ import annotations

import os

from cgtune import launch
from cgtune.cli.output import say
from cgtune.config import is_switched_off
from cgtune.errors import UsageError
from cgtune.host import Host
from cgtune.options import parse_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cgtune.config import Config
    from cgtune.limits import Limits
    from cgtune.options import Value
    from cgtune.plan import Plan

    Start = tuple[list[str], dict[str, str]]


def main(words: Sequence[str]) -> int:
    """Never returns once the program has been found."""
    flags, argv = parse_arguments("run", words)
    if flags.get("help"):
        from cgtune.cli.help import show_help

        return show_help("run")
    if not argv:
        raise UsageError("no command to run: cgtune run [OPTIONS] [--] COMMAND…")
    is_off = is_switched_off(os.environ)
    host = Host()
    environment = launch.original_environment(None if is_off else host)
    if is_off:
        argv = _fill_in(argv, host)
    else:
        argv, environment = _tune(host, flags, argv, environment)
    return launch.replace_process(argv, environment)


def _is_cgtune(argv: Sequence[str]) -> bool:
    """A nested cgtune does its own planning; ours would look like the user's to it."""
    from cgtune.command_line import look_through

    return look_through(argv).name == "cgtune"


def _fill_in(argv: list[str], host: Host) -> list[str]:
    """Placeholders have a value also where there is no plan."""
    if not any("$(CGTUNE_PLAN_" in word for word in argv):
        return argv
    from cgtune.placeholders import expand

    return expand(argv, {}, host.physical_bytes())


def _tune(host: Host, flags: Mapping[str, Value], argv: list[str], environment: dict[str, str]) -> Start:
    """The program's command line and environment. Whatever goes wrong here, it starts, with those it has."""
    try:
        from cgtune.apply import apply_to_argv, apply_to_environment
        from cgtune.config_file import load_config
        from cgtune.detect import read_limits
        from cgtune.planning import plan_command

        if _is_cgtune(argv):
            return argv, environment
        config = load_config("run", flags, environment)
        limits = read_limits(host, config.declared)
        plan, clean = plan_command(limits, config, argv, environment)
        start = apply_to_argv(plan, argv, limits.memory.host_bytes), apply_to_environment(plan, clean)
        # A setting of the user's that was dropped is never kept quiet.
        say(*(f"{warning}; ignored" for warning in config.warnings))
        if not config.quiet:
            say(*_report(plan, config, limits))
        return start
    except UsageError:
        raise
    except Exception as error:  # a fault of ours must not keep the program from starting
        from cgtune.errors import describe

        say(f"cannot plan ({describe(error)}); starting {argv[0]} as it is")
        return _fill_in(argv, host), environment


def _report(plan: Plan, config: Config, limits: Limits) -> list[str]:
    """A line for each thing that is worth knowing, and for each setting."""
    lines = [notice.message for notice in plan.notices]
    if config.verbose:
        lines = [notice.message for notice in limits.notices] + lines
    if plan.command.runtime is None and isinstance(config.workers, int):
        lines.append(f"{plan.command.argv[0]}: not a server known to cgtune: only CGTUNE_PLAN_WORKERS tells it")
    if config.verbose:
        lines.extend(f"left alone: {left.name} ({left.reason})" for left in plan.not_set)
    for setting in plan.settings:
        if setting.is_kept:
            lines.append(f"kept {setting.name}={setting.value} ({setting.reason})")
        else:
            where = f" from {setting.source}" if setting.source else ""
            lines.append(f"{setting.name}={setting.value} ({setting.reason}{where})")
    return lines
