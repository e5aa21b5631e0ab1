"""What the user takes away from a plan, and adds to it: `--disable` and `--env`. Pure."""

from __future__ import annotations

from cgtune.settings import NotSet, Setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.config import Config

    Decision = Setting | NotSet


def respect_choices(
    decisions: list[Decision],
    config: Config,
    figures: Mapping[str, float | int | None],
    environment: Mapping[str, str],
) -> list[Decision]:
    """--disable takes settings away, --env puts the user's own in their place or beside them."""
    disabled = _disabled(config)
    own = {decision.name: decision for decision in _user_variables(config, figures, environment)}
    result: list[Decision] = []
    for decision in decisions:
        if decision.name in own:
            result.append(own.pop(decision.name))
        elif isinstance(decision, NotSet) or decision.is_kept:
            result.append(decision)
        elif decision.name in disabled or (decision.via == "inject" and "inject" in disabled):
            result.append(NotSet(name=decision.name, reason=f"--disable {disabled.get(decision.name, 'inject')}"))
        else:
            result.append(decision)
    return result + list(own.values())


def _disabled(config: Config) -> dict[str, str]:
    """The names of settings that --disable takes away, and the word that said so."""
    if not config.disable:
        return {}
    from cgtune.runtimes import cpython, glibc, native

    groups = {
        "native": native.VARIABLES,
        "malloc": glibc.VARIABLES,
        "python": cpython.VARIABLES,
        "gc": cpython.COLLECTOR,
    }
    disabled = {name: name for name in config.disable}
    for group in config.disable:
        disabled.update(dict.fromkeys(groups.get(group, ()), group))
    return disabled


def _user_variables(
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
