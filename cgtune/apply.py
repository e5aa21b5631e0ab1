"""Plan -> the environment and argv of the hosted program. Pure."""

from __future__ import annotations

from cgtune.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.settings import Setting


def apply_to_environment(plan: Plan, environment: Mapping[str, str]) -> dict[str, str]:
    """The program's environment: what it would have had, and what the plan adds. The user's variables stay."""
    result = dict(environment)
    for setting in plan.settings:
        if is_new(setting, environment):
            result[setting.name] = setting.value
    return result


def is_new(setting: Setting, environment: Mapping[str, str]) -> bool:
    """Whether a setting is ours to make: a variable, even an empty one, that is there is the user's."""
    return setting.via == "env" and setting.name not in environment
