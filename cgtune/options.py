"""The one table of options, and the short parser of the command line.

From `OPTIONS` come the parser below, the `CGTUNE_…` variables, the keys of the config file, the help, the shell
completion and docs/options.md. `--some-option`, `CGTUNE_SOME_OPTION` and `some_option:` are one option. One that is
repeatable is comma-separated in its variable and a list in the file. Flags are strict: a wrong one is one line and
exit code 2.

| kind | how its value is written |
|---|---|
| flag | nothing on the command line; on, yes, true, 1 and their opposites elsewhere |
| cores, bytes | Kubernetes quantities: 500m, 1.5; 512Mi, 1G |
| share | a part of the whole: 0.4, 40% |
| count | one of the choices, or a whole number from 1 to `largest` |
| choice | one of the choices |
| seconds | 1 to 3600 |
| name | letters, digits, `_`, `.` and `-` |
| assignment | NAME=TEMPLATE, see expressions.py |
| text, path | anything |
"""

from __future__ import annotations

from cgtune.errors import UsageError
from cgtune.records import Record
from cgtune.units import parse_bytes, parse_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cgtune.expressions import Template

    Assignment = tuple[str, Template]
    Item = bool | int | float | str | Assignment
    Value = bool | int | float | str | tuple[str, ...] | tuple[Assignment, ...]


class Option(Record):
    """One option. `commands` are those that know it, `group` is its heading in the help and the docs."""

    name: str
    kind: str
    commands: tuple[str, ...]
    group: str
    help: str
    short: str | None = None
    metavar: str = ""
    choices: tuple[str, ...] = ()
    largest: int = 0
    is_repeatable: bool = False

    @property
    def field(self) -> str:
        """Its name in the config file, and in the settings."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable that says the same."""
        return "CGTUNE_" + self.field.upper()


COMMANDS = ("run", "inspect", "plan", "measure")
KINDS_OF_PROGRAM = ("sync-web", "async-web", "queue-cpu", "queue-io", "batch", "data")

_ALL = COMMANDS
_PLANNING = ("run", "plan")
# Measuring starts one worker as planning would: all counts but the number and the size of workers.
_STARTING = ("run", "plan", "measure")
_WORKERS = ("auto", "keep")

OPTIONS = (
    Option(
        name="cpu-limit",
        kind="cores",
        commands=_ALL,
        group="what there is",
        metavar="CORES",
        help="A CPU limit cgtune cannot see: 500m, 1.5.",
    ),
    Option(
        name="memory-limit",
        kind="bytes",
        commands=_ALL,
        group="what there is",
        metavar="SIZE",
        help="A memory limit cgtune cannot see: 512Mi, 1G.",
    ),
    Option(
        name="cpu-request",
        kind="cores",
        commands=_ALL,
        group="what there is",
        metavar="CORES",
        help="The CPU request: bounds workers where no limit does.",
    ),
    Option(
        name="memory-request",
        kind="bytes",
        commands=_ALL,
        group="what there is",
        metavar="SIZE",
        help="The memory request.",
    ),
    Option(
        name="cpu-from",
        kind="choice",
        commands=_STARTING,
        group="what there is",
        metavar="limit|request",
        choices=("limit", "request"),
        help="Size by the CPU limit, or by the request.",
    ),
    Option(
        name="cpu-share",
        kind="share",
        commands=_STARTING,
        group="what there is",
        metavar="SHARE",
        help="This program's part of the CPU: 0.5, 50%.",
    ),
    Option(
        name="memory-share",
        kind="share",
        commands=_STARTING,
        group="what there is",
        metavar="SHARE",
        help="This program's part of the memory: 0.4, 40%.",
    ),
    Option(
        name="workers",
        kind="count",
        commands=_PLANNING,
        group="what to set",
        metavar="auto|keep|N",
        choices=_WORKERS,
        largest=10_000,
        help="Worker processes: solved, left as they are, or N.",
    ),
    Option(
        name="threads",
        kind="count",
        commands=_STARTING,
        group="what to set",
        metavar="auto|keep|N",
        choices=_WORKERS,
        largest=1000,
        help="Threads of a worker: the same; keep is the default.",
    ),
    Option(
        name="max-workers",
        kind="count",
        commands=_PLANNING,
        group="what to set",
        metavar="N",
        largest=10_000,
        help="Never more workers than this.",
    ),
    Option(
        name="worker-memory",
        kind="bytes",
        commands=_PLANNING,
        group="what to set",
        metavar="SIZE",
        help="Private memory of one worker, not the assumed size.",
    ),
    Option(
        name="runtime",
        kind="choice",
        commands=_STARTING,
        group="what to set",
        metavar="python|none",
        choices=("python", "none"),
        help="The program's runtime, where it is not recognised.",
    ),
    Option(
        name="kind",
        kind="choice",
        commands=_STARTING,
        group="what to set",
        metavar="KIND",
        choices=KINDS_OF_PROGRAM,
        help="What it is: sync-web, async-web, queue-cpu, queue-io, batch or data.",
    ),
    Option(
        name="disable",
        kind="name",
        commands=_STARTING,
        group="what to set",
        metavar="NAME",
        is_repeatable=True,
        help="Leave this setting, or group of settings, alone.",
    ),
    Option(
        name="env",
        kind="assignment",
        commands=_STARTING,
        group="what to set",
        metavar="NAME=TEMPLATE",
        is_repeatable=True,
        help="Set a variable of your own, like POOL={workers * 4}.",
    ),
    Option(
        name="exec",
        kind="flag",
        commands=("run",),
        group="how to do it",
        help="Become the program, whatever else is asked for; so far it always does.",
    ),
    Option(
        name="config",
        kind="path",
        commands=_ALL,
        group="how to do it",
        metavar="FILE",
        help="Settings, instead of /etc/cgtune/config.yaml.",
    ),
    Option(
        name="strict",
        kind="flag",
        commands=_PLANNING,
        group="how to do it",
        help="Wrong variables and keys in the file are errors.",
    ),
    Option(
        name="quiet",
        kind="flag",
        commands=("run",),
        group="how to do it",
        short="q",
        help="Say nothing on stderr but errors.",
    ),
    Option(
        name="verbose",
        kind="flag",
        commands=_STARTING,
        group="how to do it",
        short="v",
        help="Say also what was left alone, and why.",
    ),
    Option(
        name="json",
        kind="flag",
        commands=("inspect", "plan", "measure"),
        group="what to print",
        help="Print JSON.",
    ),
    Option(
        name="format",
        kind="choice",
        commands=("plan",),
        group="what to print",
        metavar="FORMAT",
        choices=("table", "env", "shell", "dotenv", "docker", "kubernetes"),
        help="table, env, shell, dotenv, docker or kubernetes.",
    ),
    Option(
        name="what-if-cpus",
        kind="cores",
        commands=("plan",),
        group="what if",
        metavar="CORES",
        help="Plan as if the CPU limit were this.",
    ),
    Option(
        name="what-if-memory",
        kind="bytes",
        commands=("plan",),
        group="what if",
        metavar="SIZE",
        help="Plan as if the memory limit were this.",
    ),
    Option(
        name="root",
        kind="text",
        commands=("inspect", "plan"),
        group="what if",
        metavar="DIR",
        help="A recorded tree of kernel files, not this machine.",
    ),
    Option(
        name="seconds",
        kind="seconds",
        commands=("measure",),
        group="how to do it",
        metavar="N",
        help="How long to measure, 1 to 3600.",
    ),
    Option(name="help", kind="flag", commands=_ALL, group="how to do it", short="h", help="Show this and exit."),
)
# What only a command line can say.
COMMAND_LINE_ONLY = frozenset(("json", "format", "what-if-cpus", "what-if-memory", "root", "seconds", "help"))
# What a file cannot say: the above, and where it is itself.
NOT_IN_FILE = COMMAND_LINE_ONLY | {"config"}

# More than any quantity, name or choice needs: what is longer is not shown in a message.
_LONGEST_CHARACTERS = 100


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
            items = split_items(text) if option.kind == "name" and text else [text]
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


def suggest(word: str, known: Sequence[str]) -> str:
    """A hint at the nearest of the known words, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word, known, 1)
    return f" (did you mean {close[0]}?)" if close else ""


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


def parse_value(option: Option, text: str, given: str) -> Item:
    """One value, or one item of a repeatable option; `given` is how the user named the option."""
    kind = option.kind
    if kind in ("text", "path"):
        return text
    try:
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
            return _parse_count(option, text)
        if kind == "seconds":
            return _parse_seconds(text)
        if kind == "flag":
            return _parse_switch(text)
        if kind == "name":
            return _parse_name(text)
        return _parse_choice(option, text)
    except ValueError as error:
        raise UsageError(f"{given}: {error}") from None


def parse_assignment(name: str, template: str) -> Assignment:
    """A variable of the user's and what it is set to; ValueError says what is wrong."""
    from cgtune.expressions import parse_template

    is_name = name.isascii() and name.replace("_", "a").isalnum() and not name[:1].isdigit()
    if not is_name:
        shown = name if len(name) <= _LONGEST_CHARACTERS else name[:_LONGEST_CHARACTERS] + "…"
        raise ValueError(f"{shown!r} is no name of a variable")
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
        shown = text if len(text) <= _LONGEST_CHARACTERS else text[:_LONGEST_CHARACTERS] + "…"
        raise ValueError(f"{shown!r} is not NAME=TEMPLATE")
    return name.strip(), template


def _parse_count(option: Option, text: str) -> int | str:
    if text in option.choices:
        return text
    # Nine digits are more than any largest, and less than int() would refuse.
    if text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= option.largest:
        return int(text)
    words = ", ".join(option.choices) + " or " if option.choices else ""
    raise ValueError(f"{text!r} is not {words}a number from 1 to {option.largest}")


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


def _parse_seconds(text: str) -> float:
    seconds = _plain_number(text.strip())
    if seconds is None or not 1 <= seconds <= 3600:
        raise ValueError(f"{text!r} is not a number of seconds from 1 to 3600")
    return seconds


def _plain_number(text: str) -> float | None:
    """Digits with at most one point; float() alone would also take "nan", "1e9" and "1_000"."""
    digits = text.replace(".", "", 1).removeprefix("-")
    return float(text) if digits.isascii() and digits.isdigit() else None


def _parse_choice(option: Option, text: str) -> str:
    if text in option.choices:
        return text
    raise ValueError(f"{text!r} is not {', '.join(option.choices[:-1])} or {option.choices[-1]}")


def _parse_name(text: str) -> str:
    if text and all(char.isascii() and (char.isalnum() or char in "_.-") for char in text):
        return text
    raise ValueError(f"{text!r} is no name of a setting")


def _parse_switch(text: str) -> bool:
    word = text.strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("", "0", "false", "no", "off"):
        return False
    raise ValueError(f"{text!r} is not on or off")
