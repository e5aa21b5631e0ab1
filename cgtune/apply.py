"""Plan -> the environment and argv of the hosted program. Pure.

the environment   what the user has, what the plan sets, what the program is told (CGTUNE_PLAN_…), the marker
argv              the user's words, placeholders filled in, and options for servers that read no variable
"""

from __future__ import annotations

from cgtune import marker, placeholders
from cgtune.plan import Plan
from cgtune.units import format_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cgtune.settings import Setting


def apply_to_environment(plan: Plan, environment: Mapping[str, str]) -> dict[str, str]:
    """The program's environment. The user's variables stay; only where a plan adds to one is it changed."""
    result = dict(environment)
    ours = [setting for setting in plan.settings if setting.via == "env" and is_new(setting)]
    for setting in ours:
        result[setting.name] = setting.value
    if any(setting.via == "inject" for setting in plan.settings):
        from cgtune.injection_plan import spell

        result[marker.INJECT_VARIABLE] = spell(plan.settings)
    result.update(told_values(plan))
    result[marker.VARIABLE] = marker.make((setting.name, setting.value, setting.previous) for setting in ours)
    return result


def apply_to_argv(plan: Plan, argv: Sequence[str], machine_bytes: int | None = None) -> list[str]:
    """The program's command line."""
    words = placeholders.expand(argv, told_values(plan), machine_bytes)
    position = plan.command.position
    if position is None:
        return words
    added = [
        word
        for setting in plan.settings
        if setting.via == "argv" and is_new(setting) and setting.name.startswith("-")
        for word in (setting.name, setting.value)
    ]
    place = position + plan.command.words_before
    return [*words[:place], *added, *words[place:]]


def told_values(plan: Plan) -> dict[str, str]:
    """What the program is told, as far as it is known."""
    values = {
        placeholders.CPUS: None if plan.cpus is None else format_number(plan.cpus),
        placeholders.MEMORY: None if plan.memory_bytes is None else str(plan.memory_bytes),
        placeholders.WORKERS: None if plan.workers is None else str(plan.workers),
        placeholders.THREADS: None if plan.threads is None else str(plan.threads),
    }
    return {name: value for name, value in values.items() if value is not None}


def is_new(setting: Setting) -> bool:
    """Whether a setting is ours to make; what the user has is only listed."""
    return not setting.is_kept
