"""`cgtune run`: detect, plan, apply, then become the program. The hot path: it loads what it uses, no more."""

from __future__ import annotations

import os

from cgtune import launch
from cgtune.cli.output import say
from cgtune.config import is_switched_off, make_config
from cgtune.errors import UsageError
from cgtune.host import Host
from cgtune.options import parse_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cgtune.config import Config
    from cgtune.plan import Plan


def main(words: Sequence[str]) -> int:
    """Never returns once the program has been found."""
    flags, argv = parse_arguments("run", words)
    if flags.get("help"):
        from cgtune.cli.help import show_help

        return show_help("run")
    if not argv:
        raise UsageError("no command to run: cgtune run [OPTIONS] [--] COMMAND…")
    host = Host()
    is_off = is_switched_off(os.environ)
    environment = launch.original_environment(None if is_off else host)
    if not is_off and not _is_cgtune(argv[0]):
        config = make_config("run", flags, environment)
        environment = _tune(host, config, argv, environment)
    return launch.replace_process(argv, environment)


def _is_cgtune(word: str) -> bool:
    """A nested cgtune does its own planning; ours would look like the user's to it."""
    return word.rsplit("/", 1)[-1] == "cgtune"


def _tune(host: Host, config: Config, argv: Sequence[str], environment: dict[str, str]) -> dict[str, str]:
    """The program's environment. Whatever goes wrong here, the program starts, with the one it has."""
    try:
        from cgtune import plan as planning
        from cgtune.apply import apply_to_environment
        from cgtune.detect import read_limits
        from cgtune.runtimes import recognise

        limits = read_limits(host, config.declared)
        plan = planning.make_plan(limits, config, recognise(tuple(argv), environment), environment)
        tuned = apply_to_environment(plan, environment)
    except Exception as error:  # a fault of ours must not keep the program from starting
        say(f"cannot plan ({type(error).__name__}: {error}); starting {argv[0]} as it is")
        return environment
    if not config.quiet:
        _report(plan, config)
    return tuned


def _report(plan: Plan, config: Config) -> None:
    for warning in config.warnings:
        say(warning)
    for notice in plan.notices:
        say(notice.message)
    for setting in plan.settings:
        if setting.provenance == "user" and setting.reason != "--workers":
            say(f"kept {setting.name}={setting.value} ({setting.reason})")
        else:
            where = f" from {setting.source}" if setting.source else ""
            say(f"{setting.name}={setting.value} ({setting.reason}{where})")
