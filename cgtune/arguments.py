"""The short parser of the command line, without the price of a library. Pure.

Flags are strict: a wrong one is one line and exit code 2. Options end at the first word that is none, or behind `--`.
"""

from __future__ import annotations

from cgtune.errors import UsageError
from cgtune.messages import suggest
from cgtune.options import OPTIONS
from cgtune.values import parse_item, split_items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cgtune.options import Option
    from cgtune.values import Assignment, Item

    Value = bool | int | float | str | tuple[str, ...] | tuple[Assignment, ...]


def parse_arguments(command: str, words: Sequence[str]) -> tuple[dict[str, Value], list[str]]:
    """Options of `command` by name, and the words after them. UsageError says what is wrong."""
    values: dict[str, Value] = {}
    index = 0
    while index < len(words):
        word = words[index]
        if word == "--":
            index += 1
            break
        if not word.startswith("-") or word == "-":
            break
        index += 1
        given, has_value, text = word.partition("=")
        option = _find(command, given)
        if option.kind == "flag":
            if has_value:
                raise UsageError(f"{given} takes no value")
            values[option.name] = True
            continue
        if not has_value:
            if index == len(words):
                raise UsageError(f"{given} needs a value: {given} {option.metavar}")
            text = words[index]
            index += 1
        if option.is_repeatable:
            # A comma in an assignment is its value's own.
            items = split_items(text) if option.kind != "assignment" and text else [text]
            parsed = tuple(parse_value(option, item, given) for item in items)
            values[option.name] = values.get(option.name, ()) + parsed  # type: ignore[operator]  # tuples both
        else:
            values[option.name] = parse_value(option, text, given)  # type: ignore[assignment]  # no assignment
    return values, list(words[index:])


def _find(command: str, given: str) -> Option:
    for option in OPTIONS:
        if command in option.commands and given in (f"--{option.name}", option.short and f"-{option.short}"):
            return option
    known = [f"--{option.name}" for option in OPTIONS if command in option.commands]
    raise UsageError(f"no such option {given}{suggest(given, known) or f'; cgtune {command} --help lists them'}")


def parse_value(option: Option, text: str, given: str) -> Item:
    """One value, or one item of a repeatable option; `given` is how the user named the option."""
    try:
        return parse_item(option.kind, text, option.choices, option.largest)
    except ValueError as error:
        raise UsageError(f"{given}: {error}") from None
