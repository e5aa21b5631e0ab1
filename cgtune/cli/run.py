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
    from cgtune.options import Value
    from cgtune.plan import Plan


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
    if not is_off and not _is_cgtune(argv[0]):
        environment = _tune(host, flags, argv, environment)
    return launch.replace_process(argv, environment)


def _is_cgtune(word: str) -> bool:
    """A nested cgtune does its own planning; ours would look like the user's to it."""
    return word.rsplit("/", 1)[-1] == "cgtune"


def _tune(host: Host, flags: Mapping[str, Value], argv: Sequence[str], environment: dict[str, str]) -> dict[str, str]:
    """The program's environment. Whatever goes wrong here, the program starts, with the one it has."""
    try:
        from cgtune.apply import apply_to_environment
        from cgtune.config import make_config
        from cgtune.detect import read_limits
        from cgtune.plan import make_plan
        from cgtune.runtimes import recognise

        config = make_config("run", flags, environment)
        limits = read_limits(host, config.declared)
        plan = make_plan(limits, config, recognise(tuple(argv), environment), environment)
        tuned = apply_to_environment(plan, environment)
        # A setting of the user's that was dropped is never kept quiet.
        say(*(f"{warning}; ignored" for warning in config.warnings))
        if not config.quiet:
            say(*_report(plan, config, environment))
        return tuned
    except Exception as error:  # a fault of ours must not keep the program from starting
        from cgtune.errors import describe

        say(f"cannot plan ({describe(error)}); starting {argv[0]} as it is")
        return environment


def _report(plan: Plan, config: Config, environment: Mapping[str, str]) -> list[str]:
    """A line for each thing that is worth knowing, and for each setting."""
    from cgtune.apply import is_new

    lines = [notice.message for notice in plan.notices]
    if plan.command.server is None and config.workers != "auto":
        lines.append(f"{plan.command.argv[0]}: not a server known to cgtune, nothing is set; --workers is ignored")
    lines.extend(f"left alone: {left.name} ({left.reason})" for left in plan.not_set)
    for setting in plan.settings:
        if is_new(setting, environment):
            where = f" from {setting.source}" if setting.source else ""
            lines.append(f"{setting.name}={setting.value} ({setting.reason}{where})")
        else:
            lines.append(f"kept {setting.name}={setting.value} ({setting.reason})")
    return lines
