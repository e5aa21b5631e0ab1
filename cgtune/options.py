"""The one table of options, and the short parser of the commands that must start fast.

From `OPTIONS` come the parser below, the `CGTUNE_…` variables and the help. `--some-option` and
`CGTUNE_SOME_OPTION` are one option. Flags are strict: a wrong one is one line and exit code 2.
"""

from __future__ import annotations

from cgtune.errors import UsageError
from cgtune.records import Record
from cgtune.units import parse_bytes, parse_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Value = bool | int | float | str


class Option(Record):
    """One option: `kind` is how its value is written, "flag" for one without a value."""

    name: str
    kind: str
    commands: tuple[str, ...]
    help: str
    short: str | None = None
    metavar: str = ""

    @property
    def variable(self) -> str:
        """The environment variable that says the same."""
        return "CGTUNE_" + self.name.upper().replace("-", "_")


_BOTH = ("run", "inspect")

OPTIONS = (
    Option(
        name="cpu-limit",
        kind="cores",
        commands=_BOTH,
        metavar="CORES",
        help="A CPU limit cgtune cannot see: 500m, 1.5.",
    ),
    Option(
        name="memory-limit",
        kind="bytes",
        commands=_BOTH,
        metavar="SIZE",
        help="A memory limit cgtune cannot see: 512Mi, 1G.",
    ),
    Option(
        name="cpu-request",
        kind="cores",
        commands=_BOTH,
        metavar="CORES",
        help="The CPU request; without a limit, workers are at most twice this.",
    ),
    Option(name="memory-request", kind="bytes", commands=_BOTH, metavar="SIZE", help="The memory request."),
    Option(
        name="workers",
        kind="workers",
        commands=("run",),
        metavar="auto|keep|N",
        help="Worker processes: solved (auto), left as they are (keep), or N.",
    ),
    Option(
        name="worker-memory",
        kind="bytes",
        commands=("run",),
        metavar="SIZE",
        help="Private memory of one worker, instead of the assumed size.",
    ),
    Option(
        name="exec",
        kind="flag",
        commands=("run",),
        help="Become the program, whatever else is asked for; so far it always does.",
    ),
    Option(name="quiet", kind="flag", commands=("run",), short="q", help="Say nothing on stderr but errors."),
    Option(name="json", kind="flag", commands=("inspect",), help="Print JSON."),
    Option(
        name="root",
        kind="text",
        commands=("inspect",),
        metavar="DIR",
        help="Read a recorded tree of kernel files instead of this machine.",
    ),
    Option(name="help", kind="flag", commands=_BOTH, short="h", help="Show this and exit."),
)
# What only a command line can say.
COMMAND_LINE_ONLY = frozenset(("json", "root", "help"))


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
        values[option.name] = parse_value(option, text, given)
    return values, list(words[index:])


def _find(command: str, given: str) -> Option:
    for option in OPTIONS:
        if command in option.commands and given in (f"--{option.name}", option.short and f"-{option.short}"):
            return option
    from difflib import get_close_matches

    known = [f"--{option.name}" for option in OPTIONS if command in option.commands]
    close = get_close_matches(given, known, 1)
    hint = f" (did you mean {close[0]}?)" if close else f"; cgtune {command} --help lists them"
    raise UsageError(f"no such option {given}{hint}")


def parse_value(option: Option, text: str, given: str) -> Value:
    """One value as its kind is written; `given` is how the user named the option."""
    try:
        if option.kind == "cores":
            return parse_cores(text)
        if option.kind == "bytes":
            return parse_bytes(text)
        if option.kind == "workers":
            return _parse_workers(text)
        if option.kind == "flag":
            return _parse_switch(text)
    except ValueError as error:
        raise UsageError(f"{given}: {error}") from None
    return text


def _parse_workers(text: str) -> int | str:
    if text in ("auto", "keep"):
        return text
    if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 10_000 and len(text) <= 5:
        return int(text)
    raise ValueError(f"{text!r} is not auto, keep or a number from 1 to 10000")


def _parse_switch(text: str) -> bool:
    word = text.strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("", "0", "false", "no", "off"):
        return False
    raise ValueError(f"{text!r} is not on or off")
