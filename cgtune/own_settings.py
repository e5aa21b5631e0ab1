"""What the user takes away from a plan, and adds to it: `--disable` and `--env`. Pure."""

from __future__ import annotations

from cgtune import placeholders
from cgtune.settings import NotSet, Setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cgtune.config import Config
    from cgtune.expressions import Expression
    from cgtune.templates import Template

    Decision = Setting | NotSet


#: Stands for a figure that is known only after the plan: no number, and nothing that a shell would obey.
_LATER = "{?}"


def foresee(config: Config, figures: Mapping[str, float | int | None]) -> dict[str, str]:
    """The variables of --env as far as they can be told before the program is looked at.

    A program reads them like any other variable of the user's, and one of them may be its number of workers. Where
    that is to be `{workers}`, cgtune is asked for it, as by `$(CGTUNE_PLAN_WORKERS)`.
    """
    own = {}
    for name, template in config.env:
        try:
            own[name] = "".join(_foresee_part(template, part, figures) for part in template.parts)
        except ValueError:
            # It will not be set.
            continue
    return own


def _foresee_part(template: Template, part: str | Expression, figures: Mapping[str, float | int | None]) -> str:
    if isinstance(part, str):
        return part
    if part == ("workers",):
        return placeholders.mask((f"$({placeholders.WORKERS})",))[0]
    alone = template.replace(parts=(part,))
    return alone.render(figures) if all(name in figures for name in alone.names) else _LATER


def find_refused(config: Config, injected: Iterable[str]) -> dict[str, str]:
    """The names of settings that --disable takes out of our hands, and what says so."""
    from cgtune.runtimes import cpython, glibc, native

    groups: dict[str, Iterable[str]] = {
        "native": native.VARIABLES,
        "malloc": glibc.VARIABLES,
        "python": cpython.VARIABLES,
        "gc": cpython.COLLECTOR,
        "inject": injected,
    }
    refused: dict[str, str] = {}
    for word in config.disable:
        refused.update(dict.fromkeys(groups.get(word, (word,)), f"--disable {word}"))
    return refused


def respect_choices(
    decisions: Iterable[Decision], own: Iterable[Decision], shut: Mapping[str, str]
) -> list[Decision]:
    """The user's own variables in the place of ours or beside them, and without what is shut, each with why."""
    left = {decision.name: decision for decision in own}
    result: list[Decision] = []
    for decision in decisions:
        if decision.name in left:
            theirs = left.pop(decision.name)
            # What the program has already, and we know, is shown as that.
            is_known = isinstance(theirs, Setting) and theirs.is_kept
            result.append(decision if is_known else theirs)
        elif isinstance(decision, Setting) and not decision.is_kept and decision.name in shut:
            result.append(NotSet(name=decision.name, reason=shut[decision.name]))
        else:
            result.append(decision)
    return result + list(left.values())


def user_variables(
    config: Config, figures: Mapping[str, float | int | None], environment: Mapping[str, str]
) -> list[Decision]:
    """The variables of `env:`, computed; one that the program has already stays."""
    decisions: list[Decision] = []
    for name, template in config.env:
        if name in environment:
            theirs = environment[name]
            kept = Setting(name=name, value=theirs, via="env", reason="yours", provenance="user", is_kept=True)
            decisions.append(kept.replace(is_private=True))
            continue
        try:
            value = template.render(figures)
        except ValueError as error:
            decisions.append(NotSet(name=name, reason=f"{template.text}: {error}"))
            continue
        source = config.origin_of(f"env.{name}")
        ours = Setting(name=name, value=value, via="env", reason=template.text, source=source, provenance="user")
        decisions.append(ours)
    return decisions
