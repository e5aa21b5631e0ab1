"""uWSGI: one process unless it is told, by options that are written in many ways; the last one counts.

| place, in the order they are read | example |
|---|---|
| variables, in the order of the environment | UWSGI_PROCESSES=4, UWSGI_INI=app.ini |
| options, a file where it stands | --processes 4, -p4, --workers 4, --set workers=4, --ini app.ini, --yaml app.yaml |
| files named without an option | uwsgi app.ini |

Each of "processes" and "workers" is the other. A variable of ours is read before any option and file of the user's,
but behind a file that a variable of theirs names: where that says a number, nothing is set. Only .ini files are read:
all that another says, or one that cannot be read, is the user's and not known.
"""

from __future__ import annotations

from cgtune.settings import SYNC_WEB, Command, Given, Slot
from cgtune.words import UNKNOWN, ValueOption, find_values, parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

_PREFIX = "UWSGI_"
_PROCESSES = ("processes", "workers")
_NUMBERS = (*_PROCESSES, "threads")
# What else makes processes, of which each would be told our number.
_EMPEROR = "--emperor"
_FLAGS = "MTiL"
_OPTIONS = (
    ValueOption(long="--processes", letter="p", shortest="--proce", flags=_FLAGS),
    ValueOption(long="--workers"),
    ValueOption(long="--threads"),
    ValueOption(long="--ini"),
    ValueOption(long="--yaml", letter="y", flags=_FLAGS),
    ValueOption(long="--yml", letter="y", flags=_FLAGS),
    ValueOption(long="--json", letter="j", flags=_FLAGS),
    ValueOption(long="--xml", letter="x", flags=_FLAGS),
    ValueOption(long="--xmlconfig"),
    ValueOption(long="--config"),
    ValueOption(long="--include"),
    ValueOption(long="--inherit"),
    ValueOption(long="--set", letter="S", flags=_FLAGS),
)
_FILES = ("ini", "yaml", "yml", "json", "xml", "xmlconfig", "config", "include", "inherit")
_SUFFIXES = (".ini", ".yaml", ".yml", ".json", ".xml")
# What may stand before a file without having it for its value; with anything else in front nobody can tell.
_PLAIN_FLAGS = ("--master", "--enable-threads", "--lazy-apps", "--need-app", "--die-on-term", "--vacuum", "--strict")
_MOST_INCLUDES = 2


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for `uwsgi …`; None for an emperor."""
    arguments = program.arguments
    if any(word.startswith(_EMPEROR) for word in arguments):
        return None
    said = [*_in_variables(environment, files), *_in_arguments(arguments, files)]
    workers = [given for name, given in said if name in _PROCESSES]
    threads = [given for name, given in said if name == "threads"]
    return Command(
        argv=(),
        runtime="python",
        server="uwsgi",
        kind=SYNC_WEB,
        workers=workers[-1] if workers else None,
        threads=threads[-1] if threads else None,
        workers_slot=Slot(name="UWSGI_PROCESSES", via="env"),
        threads_slot=Slot(name="UWSGI_THREADS", via="env"),
    )


def _in_variables(environment: Mapping[str, str], files: ProgramFiles) -> list[tuple[str, Given]]:
    said: list[tuple[str, Given]] = []
    for variable, text in environment.items():
        if variable.startswith(_PREFIX):
            place = Given(name=variable, text=text, via="env")
            said += _read(variable.removeprefix(_PREFIX).lower(), place, files)
    variables = [f"{_PREFIX}{name.upper()}" for name in _PROCESSES]
    if len({environment[name] for name in variables if name in environment}) < 2:
        return said
    # The last one in the environment counts, and who keeps that in order?
    return [(name, given.replace(value=None) if given.name in variables else given) for name, given in said]


def _in_arguments(arguments: Sequence[str], files: ProgramFiles) -> list[tuple[str, Given]]:
    found = [(place, option.long, text) for option in _OPTIONS for place, text in find_values(arguments, option)]
    said: list[tuple[str, Given]] = []
    for _, long, text in sorted(found):
        said += _read(long[2:], Given(name=long, text=text, via="argv", source="command line"), files)
    for before, word in zip(("", *arguments), arguments, strict=False):
        is_value = before.startswith("-") and before not in _PLAIN_FLAGS and before.strip(_FLAGS) != "-"
        if word.endswith(_SUFFIXES) and not word.startswith("-") and not is_value:
            said += _in_file(word, files)
    return said


def _read(key: str, place: Given, files: ProgramFiles, depth: int = 0) -> Iterable[tuple[str, Given]]:
    """What one option says, wherever it stands: a number, or the name of a file with more of them."""
    text = place.text
    if key in _FILES:
        yield from _in_file(text, files, depth)
        return
    if key == "set":
        key, _, text = text.partition("=")
    if key in _NUMBERS:
        yield key, place.replace(text=text, value=parse_count(text))


def _in_file(name: str, files: ProgramFiles, depth: int = 0) -> Iterable[tuple[str, Given]]:
    """What an .ini file says, with those that it includes; of any other, that it may say all."""
    lines = _section(name, files)
    if lines is None:
        lines = [(key, UNKNOWN) for key in ("processes", "threads")]
    for key, text in lines:
        if key not in _FILES or depth < _MOST_INCLUDES:
            yield from _read(key, Given(name=key, text=text, via="argv", source=name), files, depth + 1)


def _section(name: str, files: ProgramFiles) -> list[tuple[str, str]] | None:
    """The lines of `app.ini`, or of `app.ini:section`; None for what cannot be read, or is no .ini file."""
    path, _, section = name.partition(".ini")
    text = files.read_text(f"{path}.ini") if section[:1] in ("", ":") and name != path else None
    if text is None:
        return None
    from cgtune.assignments import read_lines

    return read_lines(text, section[1:] or "uwsgi")
