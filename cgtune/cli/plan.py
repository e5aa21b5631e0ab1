"""`cgtune plan`: what `run` would set for a program, and why; nothing is started."""

from __future__ import annotations

import os

from cgtune.arguments import parse_arguments
from cgtune.cli.inspect import open_host
from cgtune.cli.output import printable, say, show_value, spell, write
from cgtune.command_line import look_through
from cgtune.config import is_switched_off
from cgtune.config_file import load_config
from cgtune.container import find_container
from cgtune.detect import read_limits
from cgtune.errors import UsageError
from cgtune.handover import find_mode
from cgtune.limits import LIMITED, Limits
from cgtune.mode import SUPERVISE, choose_mode
from cgtune.plan import Plan
from cgtune.planning import plan_command
from cgtune.units import format_bytes, format_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cgtune.arguments import Value
    from cgtune.config import Config
    from cgtune.mode import Mode
    from cgtune.settings import Setting

_MOST_COLUMNS = 80
# A longer value does not push the reasons of all others to the right.
_WIDE = 14
# Behind a longer head the text begins on a line of its own, never further right than this.
_WIDEST_HEAD, _DEEPEST = 50, 34


def main(words: Sequence[str]) -> int:
    """Print the plan: a table, JSON, or one of the text formats."""
    flags, argv = parse_arguments("plan", words)
    if flags.get("help"):
        from cgtune.cli.help import show_help

        return show_help("plan")
    style = _style(flags)
    host, is_recorded = open_host(flags)
    # A recording speaks for itself: the caller's variables are not its.
    environment = dict(host.environment() if is_recorded else os.environ)
    config = load_config("plan", flags, {} if is_recorded else environment, is_recorded=is_recorded)
    if is_switched_off(environment):
        say("CGTUNE=off: run would set nothing")
    limits = imagine(read_limits(host, config.declared), flags)
    plan, clean = plan_command(limits, config, argv, environment, is_recorded=is_recorded)
    mode = _find_mode(config, environment, plan, is_recorded=is_recorded)
    plan = plan.replace(mode=mode.name)
    remarks = _remarks(plan, config)
    if style == "table":
        return write(format_table(plan, limits, mode.reason, remarks))
    if style == "json":
        return write(format_json(plan, limits.replace(container=find_container(host))))
    from cgtune.cli.plan_formats import format_plan

    return write(format_plan(plan, style, clean, environment, remarks))


def _find_mode(config: Config, environment: Mapping[str, str], plan: Plan, *, is_recorded: bool) -> Mode:
    """What `run` would do in this process's place. A recording does not say which process it was."""
    is_ours = look_through(plan.command.argv).name == "cgtune"
    if is_recorded:
        return choose_mode(config, is_first=False, has_notify_socket=False, is_ours=is_ours, obstacle=None)
    return find_mode(config, environment, is_ours=is_ours)


def _style(flags: Mapping[str, Value]) -> str:
    style = str(flags.get("format", "json" if flags.get("json") else "table"))
    if flags.get("json") and style != "json":
        raise UsageError(f"--json and --format {style}: say one of them")
    return style


def _remarks(plan: Plan, config: Config) -> tuple[str, ...]:
    """What people want to hear of a program that nothing is set for."""
    if not plan.command.argv or plan.command.runtime is not None or config.runtime is not None:
        return ()
    return (f"{plan.command.argv[0]}: not recognised: only CGTUNE_PLAN_… is told",)


def imagine(limits: Limits, flags: Mapping[str, Value]) -> Limits:
    """The limits as they would be with `--what-if-cpus` cores and `--what-if-memory` bytes, on whatever machine."""
    cores, size_bytes = flags.get("what-if-cpus"), flags.get("what-if-memory")
    unknown = limits.unknown
    if isinstance(cores, (int, float)):
        cpu = limits.cpu.replace(
            status=LIMITED,
            quota_cores=float(cores),
            effective_cores=float(cores),
            host_count=None,
            cpuset_count=None,
            affinity_count=None,
            source="--what-if-cpus",
        )
        limits = limits.replace(cpu=cpu, declared=limits.declared.replace(cpu_limit_cores=None))
        unknown = tuple(name for name in unknown if not name.startswith("cpu"))
    if isinstance(size_bytes, int):
        memory = limits.memory.replace(
            status=LIMITED,
            limit_bytes=size_bytes,
            effective_bytes=size_bytes,
            host_bytes=max(limits.memory.host_bytes or 0, size_bytes),
            high_bytes=None,
            available_bytes=None,
            source="--what-if-memory",
        )
        limits = limits.replace(memory=memory, declared=limits.declared.replace(memory_limit_bytes=None))
        unknown = tuple(name for name in unknown if not name.startswith("memory"))
    return limits.replace(unknown=unknown)


def format_json(plan: Plan, limits: Limits) -> str:
    """The contract's document.

    The `value` of a setting is the text that the program will see. It is null where that is, or has in it, a value of
    the user's that cgtune knows nothing of; what cgtune puts in front of such a one is `added`, null for all others.
    """
    from cgtune.cli.inspect import to_json

    command = plan.command
    named = {"argv": command.argv, "runtime": command.runtime, "server": command.server, "kind": command.kind}
    return to_json(
        {
            "schema": 1,
            "limits": limits.as_dict(),
            "mode": plan.mode,
            "command": named if command.argv else None,
            "cpus": plan.cpus,
            "memory_bytes": plan.memory_bytes,
            "workers": plan.workers,
            "threads": plan.threads,
            "native_threads": plan.native_threads,
            "budget": plan.budget.as_dict(),
            "settings": [_as_dict(setting) for setting in plan.settings],
            "not_set": [left.as_dict() for left in plan.not_set],
            "notices": [notice.as_dict() for notice in plan.notices],
        }
    )


def _as_dict(setting: Setting) -> dict[str, object]:
    shown = show_value(setting)
    return {
        "name": setting.name,
        "value": None if setting.previous else shown,
        "added": shown if setting.previous else None,
        "via": setting.via,
        "reason": setting.reason,
        "source": setting.source,
        "provenance": setting.provenance,
        "is_kept": setting.is_kept,
    }


def format_table(plan: Plan, limits: Limits, why_supervised: str = "", remarks: tuple[str, ...] = ()) -> str:
    """For people, at most 80 columns wide: a summary, a row a setting, what is kept, what is left alone."""
    lines = [_summary(plan, limits)]
    ours = [setting for setting in plan.settings if not setting.is_kept]
    name_width = max((len(setting.name) for setting in ours), default=0)
    values = [show_value(setting) or "" for setting in ours]
    value_width = max((len(value) for value in values if len(value) <= _WIDE), default=0)
    for setting, value in zip(ours, values, strict=True):
        reason = f"{setting.reason}, in front of yours" if setting.previous else setting.reason
        name = f"  {printable(setting.name):<{name_width}}  "
        head = f"{name}{printable(value):<{value_width}}  "
        if len(head) > _WIDEST_HEAD:
            lines += fold(name, printable(value))
            head = " " * _DEEPEST
        lines += fold(head, printable(reason))
    for label, texts in (
        ("from", _sources(ours)),
        ("kept", [f"{spell(kept)} ({kept.reason})" for kept in plan.settings if kept.is_kept]),
        ("not set", [f"{left.name} ({left.reason})" for left in plan.not_set]),
        ("note", [*remarks, *(notice.message for notice in plan.notices)]),
        ("supervised", [why_supervised] if plan.mode == SUPERVISE else []),
    ):
        for text in texts:
            lines += fold(f"{label}: ", printable(text))
    return "".join(f"{line}\n" for line in lines)


def _sources(settings: Sequence[Setting]) -> list[str]:
    """Where the figures come from; where that is more than one place, with what comes from each."""
    names: dict[str, list[str]] = {}
    for setting in settings:
        if setting.source:
            names.setdefault(setting.source, []).append(setting.name)
    if len(names) < 2:
        return list(names)
    return [f"{source} ({_name_some(some)})" for source, some in names.items()]


def _name_some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 4 else ""
    return ", ".join(names[:3] if more else names) + more


def _summary(plan: Plan, limits: Limits) -> str:
    parts = []
    if plan.workers is not None:
        parts.append(_count(plan.workers, "worker"))
    if plan.threads is not None and plan.workers is not None:
        parts.append(_count(plan.threads, "thread"))
    if plan.native_threads is not None:
        parts.append(_count(plan.native_threads, "native thread"))
    cores = "CPU unknown" if plan.cpus is None else f"{format_cores(plan.cpus)} cores"
    if limits.memory.status == LIMITED or plan.memory_bytes is not None:
        memory = "memory unknown" if plan.memory_bytes is None else format_bytes(plan.memory_bytes)
    else:
        memory = "no memory limit" if limits.memory.status == "unlimited" else "memory unknown"
    return ", ".join([*([" x ".join(parts)] if parts else []), cores, memory])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def fold(head: str, text: str) -> list[str]:
    """`head` and the text after it, at most 80 columns, what follows indented to stand below the text.

    A word that is longer than a line is broken, behind a slash where it has one.
    """
    if len(head) > _WIDEST_HEAD:
        return [*fold("", head.rstrip()), *fold(" " * _DEEPEST, text)]
    indent = min(len(head), _DEEPEST)
    lines = [head]
    for word in text.split(" "):
        if len(lines[-1]) + len(word) > _MOST_COLUMNS and len(lines[-1]) > indent:
            lines.append(" " * indent)
        rest = word
        while (room := _MOST_COLUMNS - len(lines[-1])) < len(rest):
            cut = rest.rfind("/", 1, room) + 1 or room
            lines[-1] += rest[:cut]
            lines.append(" " * indent)
            rest = rest[cut:]
        lines[-1] += f"{rest} "
    return [line.rstrip() for line in lines]
