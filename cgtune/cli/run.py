"""`cgtune run`: detect, plan, apply, then become the program, or who looks after it.

The hot path: it loads what it uses, no more.
"""

from __future__ import annotations

import os

from cgtune import launch, signal_mask
from cgtune.arguments import parse_arguments
from cgtune.cli.output import spell
from cgtune.config import Config, is_switched_off, make_config
from cgtune.errors import NotReady, UsageError, describe
from cgtune.handover import find_mode, supervise
from cgtune.host import Host
from cgtune.messages import say
from cgtune.mode import SUPERVISE
from cgtune.options import COMMAND_LINE_ONLY
from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from cgtune.arguments import Value
    from cgtune.limits import Limits
    from cgtune.plan import Plan


class Start(Record):
    """What to start, and how. `is_ours`: it is cgtune again."""

    config: Config
    argv: list[str]
    environment: dict[str, str]
    is_ours: bool = False
    cgroup_dir: str | None = None


def main(words: Sequence[str]) -> int:
    """Never returns once the program has been found."""
    parent = os.getppid()
    flags, argv = parse_arguments("run", words)
    if flags.get("help"):
        from cgtune.cli.help import show_help

        return show_help("run")
    if not argv:
        raise UsageError("no command to run: cgtune run [OPTIONS] [--] COMMAND…")
    host = Host()
    environment = launch.original_environment(host)
    if is_switched_off(os.environ):
        start = Start(
            config=make_config("run", flags, environment),
            argv=_fill_in(argv, host),
            environment=environment,
        )
        _wait(start.config)
    else:
        start = _tune(host, flags, argv, environment)
    config = start.config
    _follow_parent(config, parent)
    mode = find_mode(config, start.environment, is_ours=start.is_ours)
    if mode.problem is not None:
        say(f"{mode.problem}; becoming the program instead")
    if config.verbose:
        say(f"{mode.name} ({mode.reason})")
    if mode.name == SUPERVISE:
        if config.verbose:
            _tell_privileges(host, start.cgroup_dir)
        supervise(config, start.argv, start.environment)
    signal_mask.release()
    return launch.replace_process(start.argv, start.environment)


def _tell_privileges(host: Host, cgroup_dir: str | None) -> None:
    from cgtune.privileges import describe_limits, read_privileges

    say(*describe_limits(read_privileges(host, cgroup_dir)))


def _wait(config: Config) -> None:
    if config.wait_for:
        from cgtune.waiting import wait_for

        wait_for(config.wait_for, config.wait_timeout, is_quiet=config.quiet)


def _follow_parent(config: Config, parent: int) -> None:
    if config.pdeathsig is None:
        return
    from cgtune.process_control import follow_parent

    problem = follow_parent(config.pdeathsig, parent)
    if problem is not None:
        say(f"--pdeathsig: {problem}; nobody will tell when the parent ends")


def _fill_in(argv: list[str], host: Host) -> list[str]:
    """Placeholders have a value also where there is no plan."""
    if not any("$(CGTUNE_PLAN_" in word for word in argv):
        return argv
    from cgtune.placeholders import expand

    return expand(argv, {}, host.physical_bytes())


def _tune(host: Host, flags: Mapping[str, Value], argv: list[str], environment: dict[str, str]) -> Start:
    """The program's command line and environment. Whatever goes wrong here, it starts, with those it has."""
    said: dict[str, Any] = {
        name.replace("-", "_"): value for name, value in flags.items() if name not in COMMAND_LINE_ONLY
    }
    start = Start(config=Config(**said), argv=argv, environment=environment)
    try:
        from cgtune.apply import apply_to_argv, apply_to_environment
        from cgtune.command_line import look_through
        from cgtune.config_file import load_config
        from cgtune.detect import read_limits
        from cgtune.planning import plan_command

        start = start.replace(config=load_config("run", flags, environment))
        config = start.config
        _wait(config)
        if look_through(argv).name == "cgtune":
            # It does its own planning; ours would look like the user's to it.
            return start.replace(is_ours=True)
        limits = read_limits(host, config.declared)
        plan, clean = plan_command(limits, config, argv, environment)
        start = start.replace(
            cgroup_dir=limits.memory.dir,
            argv=apply_to_argv(plan, argv, limits.memory.host_bytes),
            environment=apply_to_environment(plan, clean),
        )
        # A setting of the user's that was dropped is never kept quiet.
        say(*(f"{warning}; ignored" for warning in config.warnings))
        if not config.quiet:
            say(*report(plan, config, limits))
    except (UsageError, NotReady):
        raise
    except Exception as error:  # a fault of ours must not keep the program from starting
        say(f"cannot plan ({describe(error)}); starting {argv[0]} as it is")
        return start.replace(argv=_fill_in(argv, host), environment=environment)
    return start


def report(plan: Plan, config: Config, limits: Limits) -> list[str]:
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
            lines.append(f"kept {spell(setting)} ({setting.reason})")
        else:
            where = f" from {setting.source}" if setting.source else ""
            lines.append(f"{spell(setting)} ({setting.reason}{where})")
    return lines
