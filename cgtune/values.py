"""The values of options as people write them. Pure; ValueError says what is wrong with one.

| kind | how its value is written |
|---|---|
| flag | nothing on the command line; on, yes, true, 1 and their opposites elsewhere |
| cores, bytes | Kubernetes quantities: 500m, 1.5; 512Mi, 1G |
| share | a part of the whole: 0.4, 40% |
| count | one of the choices, or a whole number from 1 to the largest |
| choice | one of the choices |
| seconds | 1 to 3600 |
| delay | seconds from 0 to 3600 |
| signal | TERM, SIGTERM, RTMIN+3, 15 |
| rewrite | SIGNAL=SIGNAL, or SIGNAL=none |
| exit-code | CODE=CODE, both from 0 to 255 |
| name | one of the choices, which are many |
| assignment | NAME=TEMPLATE, see templates.py |
| target | tcp://HOST:PORT, http://HOST:PORT/PATH or file:/PATH |
| text, path | anything |
"""

from __future__ import annotations

from cgtune.messages import suggest
from cgtune.units import parse_bytes, parse_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.targets import Target
    from cgtune.templates import Template

    Assignment = tuple[str, Template]
    Pair = tuple[int, int]
    Item = bool | int | float | str | Assignment | Pair | Target

# More than any quantity, name or choice needs: what is longer is not repeated in a message.
_LONGEST_CHARACTERS = 100
# SIGKILL and SIGSTOP, on every Linux that Python runs on.
_UNCATCHABLE = (9, 19)


def parse_item(kind: str, text: str, choices: tuple[str, ...] = (), largest: int = 0) -> Item:
    """One value of this kind, or one item of a repeatable option."""
    if kind in ("text", "path"):
        return text
    if kind == "assignment":
        return parse_assignment(*_halves(text))
    if len(text) > _LONGEST_CHARACTERS:
        raise ValueError(f"longer than {_LONGEST_CHARACTERS} characters")
    if kind == "cores":
        return parse_cores(text)
    if kind == "bytes":
        return parse_bytes(text)
    if kind == "share":
        return _parse_share(text)
    if kind == "count":
        return _parse_count(text, choices, largest)
    if kind == "seconds":
        return _parse_seconds(text, 1)
    if kind == "delay":
        return _parse_seconds(text, 0)
    if kind in ("signal", "rewrite"):
        return _parse_rewrite(text) if kind == "rewrite" else _parse_signal(text)
    if kind == "target":
        return _parse_target(text)
    if kind == "exit-code":
        return _parse_exit_codes(text)
    if kind == "flag":
        return _parse_switch(text)
    if kind == "name":
        return _parse_name(text, choices)
    return _parse_choice(text, choices)


def split_items(text: str) -> list[str]:
    """The items of a comma-separated text, without empty ones; a comma inside braces separates nothing."""
    items = [""]
    depth = 0
    for char in text:
        depth = max(0, depth + (char == "{") - (char == "}"))
        if char == "," and depth == 0:
            items.append("")
        else:
            items[-1] += char
    return [item.strip() for item in items if item.strip()]


def parse_assignment(name: str, template: str) -> Assignment:
    """A variable of the user's and what it is set to; ValueError says what is wrong."""
    from cgtune.templates import parse_template

    is_name = name.isascii() and name.replace("_", "a").isalnum() and not name[:1].isdigit()
    if not is_name:
        raise ValueError(f"{name[:_LONGEST_CHARACTERS]!r} is no name of a variable")
    if name == "CGTUNE" or name.startswith("CGTUNE_"):
        raise ValueError(f"{name}: cgtune's own variables are not set this way")
    if any(char in template for char in "\0\n\r"):
        raise ValueError(f"{name}: a value is one line")
    try:
        return name, parse_template(template)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _halves(text: str) -> tuple[str, str]:
    name, has_value, template = text.partition("=")
    if not has_value:
        raise ValueError(f"{text[:_LONGEST_CHARACTERS]!r} is not NAME=TEMPLATE")
    return name.strip(), template


def _parse_count(text: str, choices: tuple[str, ...], largest: int) -> int | str:
    if text in choices:
        return text
    # Nine digits are more than any largest, and less than int() would refuse.
    if text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= largest:
        return int(text)
    words = ", ".join(choices) + " or " if choices else ""
    raise ValueError(f"{text!r} is not {words}a number from 1 to {largest}")


def _parse_share(text: str) -> float:
    number, percent, rest = text.strip().partition("%")
    share = _plain_number(number)
    if share is None or rest:
        raise ValueError(f"{text!r} is no share; write it like 0.4 or 40%")
    if percent:
        share /= 100
    if not 0 < share <= 1:
        raise ValueError(f"{text!r} is out of range for a share: more than 0, at most 1 or 100%")
    return share


def _parse_seconds(text: str, least: int) -> float:
    seconds = _plain_number(text.strip())
    if seconds is None or not least <= seconds <= 3600:
        raise ValueError(f"{text!r} is not a number of seconds from {least} to 3600")
    return seconds


def _parse_target(text: str) -> Target:
    from cgtune.targets import parse_target

    return parse_target(text)


def _parse_signal(text: str) -> int:
    from cgtune.signals import number_of

    return number_of(text)


def _parse_rewrite(text: str) -> Pair:
    come, equals, forwarded = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not SIGNAL=SIGNAL or SIGNAL=none")
    number = _parse_signal(come)
    if number in _UNCATCHABLE:
        raise ValueError(f"{come.strip()} never comes to a process that could forward another")
    return number, 0 if forwarded.strip().lower() == "none" else _parse_signal(forwarded)


def _parse_exit_codes(text: str) -> Pair:
    theirs, equals, ours = (part.strip() for part in text.partition("="))
    for code in (theirs, ours):
        if not equals or not code.isascii() or not code.isdigit() or len(code) > 3 or int(code) > 255:
            raise ValueError(f"{text!r} is not CODE=CODE, like 143=0, with codes from 0 to 255")
    return int(theirs), int(ours)


def _plain_number(text: str) -> float | None:
    """Digits with at most one point; float() alone would also take "nan", "1e9" and "1_000"."""
    digits = text.replace(".", "", 1).removeprefix("-")
    return float(text) if digits.isascii() and digits.isdigit() else None


def _parse_choice(text: str, choices: tuple[str, ...]) -> str:
    if text in choices:
        return text
    raise ValueError(f"{text!r} is not {', '.join(choices[:-1])} or {choices[-1]}")


def _parse_name(text: str, choices: tuple[str, ...]) -> str:
    if text in choices:
        return text
    raise ValueError(f"{text!r} is no setting, nor a group of them{suggest(text, choices) or '; see cgtune plan'}")


def _parse_switch(text: str) -> bool:
    word = text.strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("", "0", "false", "no", "off"):
        return False
    raise ValueError(f"{text!r} is not on or off")
