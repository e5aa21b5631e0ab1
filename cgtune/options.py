"""The one table of options, and the short parser of the command line.

From `OPTIONS` come the parser below, the `CGTUNE_…` variables, the keys of the config file, the help, the shell
completion and docs/options.md. `--some-option`, `CGTUNE_SOME_OPTION` and `some_option:` are one option. One that is
repeatable is comma-separated in its variable and a list in the file. Flags are strict: a wrong one is one line and
exit code 2.

The kinds of values are those of values.py.
"""

from __future__ import annotations

from cgtune.errors import UsageError
from cgtune.records import Record
from cgtune.values import parse_item, split_items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cgtune.values import Assignment, Item

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
# What needs a supervisor is shown by `plan`, which says whether there will be one.
_RUNNING = ("run", "plan")
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
        commands=_RUNNING,
        group="how to do it",
        help="Become the program, also as PID 1.",
    ),
    Option(
        name="supervise",
        kind="flag",
        commands=_RUNNING,
        group="how to do it",
        help="Stay and look after it, as PID 1 always does.",
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
        name="signal",
        kind="rewrite",
        commands=_RUNNING,
        group="signals, start and end",
        metavar="SIGNAL=SIGNAL|none",
        is_repeatable=True,
        help="Forward another signal instead: TERM=QUIT, HUP=none.",
    ),
    Option(
        name="group",
        kind="flag",
        commands=_RUNNING,
        group="signals, start and end",
        help="Signal the program's whole group, in a session of its own.",
    ),
    Option(
        name="pre-stop-delay",
        kind="delay",
        commands=_RUNNING,
        group="signals, start and end",
        metavar="SECONDS",
        help="Forward SIGTERM after this time, or at the next one.",
    ),
    Option(
        name="stop-timeout",
        kind="delay",
        commands=_RUNNING,
        group="signals, start and end",
        metavar="SECONDS",
        help="So long after it was told to stop, kill it.",
    ),
    Option(
        name="orphan-grace",
        kind="delay",
        commands=_RUNNING,
        group="signals, start and end",
        metavar="SECONDS",
        help="What it leaves behind has so long to end; default 1.",
    ),
    Option(
        name="map-exit",
        kind="exit-code",
        commands=_RUNNING,
        group="signals, start and end",
        metavar="CODE=CODE",
        is_repeatable=True,
        help="Exit with another code than the program: 143=0.",
    ),
    Option(
        name="wait-for",
        kind="target",
        commands=_RUNNING,
        group="signals, start and end",
        metavar="TARGET",
        is_repeatable=True,
        help="Start when tcp://…, http://… or file:/… is there.",
    ),
    Option(
        name="wait-timeout",
        kind="seconds",
        commands=_RUNNING,
        group="signals, start and end",
        metavar="SECONDS",
        help="Fail when that takes longer; default 60.",
    ),
    Option(
        name="pdeathsig",
        kind="signal",
        commands=_RUNNING,
        group="signals, start and end",
        metavar="SIGNAL",
        help="Get this signal when the parent of cgtune ends.",
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
# Whoever asks for one of these gets a supervisor.
NEED_SUPERVISOR = (
    "supervise",
    *("signal", "group", "pre-stop-delay", "stop-timeout", "orphan-grace", "map-exit"),
)
# What only a command line can say.
COMMAND_LINE_ONLY = frozenset(("json", "format", "what-if-cpus", "what-if-memory", "root", "seconds", "help"))
# What a file cannot say: the above, and where it is itself.
NOT_IN_FILE = COMMAND_LINE_ONLY | {"config"}


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


def suggest(word: str, known: Sequence[str]) -> str:
    """A hint at the nearest of the known words, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word, known, 1)
    return f" (did you mean {close[0]}?)" if close else ""


def parse_value(option: Option, text: str, given: str) -> Item:
    """One value, or one item of a repeatable option; `given` is how the user named the option."""
    try:
        return parse_item(option.kind, text, option.choices, option.largest)
    except ValueError as error:
        raise UsageError(f"{given}: {error}") from None
