"""uWSGI: one process unless it is told, by options that are written in many ways; the last one counts.

| place, in the order they are read | example |
|---|---|
| variables, in the order of the environment | UWSGI_PROCESSES=4, UWSGI_INI=app.ini |
| options, an --ini where it stands | --processes 4, -p4, --workers 4, --ini app.ini |
| files named without an option | uwsgi app.ini |

Each of "processes" and "workers" is the other. A variable of ours is read before any option and file of the user's,
but behind a file that a variable of theirs names: then nothing is set unless that file could be read.
"""

from __future__ import annotations

from cgtune.settings import SYNC_WEB, Command, Given, Slot
from cgtune.words import ValueOption, find_values, parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

_PREFIX = "UWSGI_"
_PROCESSES = ("processes", "workers")
# What else makes processes, of which each would be told our number.
_EMPEROR = "--emperor"
_FLAGS = "MTiL"
_OPTIONS = (
    ValueOption(long="--processes", letter="p", shortest="--proce", flags=_FLAGS),
    ValueOption(long="--workers"),
    ValueOption(long="--threads"),
    ValueOption(long="--ini"),
)
_CONFIG_VARIABLES = tuple(f"{_PREFIX}{kind}" for kind in ("INI", "YAML", "YML", "JSON", "XML", "XMLCONFIG", "CONFIG"))
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
    named = [environment[name] for name in _CONFIG_VARIABLES if name in environment]
    is_known = all(_section(name, files) is not None for name in named)
    return Command(
        argv=(),
        runtime="python",
        server="uwsgi",
        kind=SYNC_WEB,
        workers=workers[-1] if workers else None,
        threads=threads[-1] if threads else None,
        workers_slot=Slot(name="UWSGI_PROCESSES", via="env") if is_known else None,
        threads_slot=Slot(name="UWSGI_THREADS", via="env") if is_known else None,
    )


def _in_variables(environment: Mapping[str, str], files: ProgramFiles) -> list[tuple[str, Given]]:
    said: list[tuple[str, Given]] = []
    for variable, text in environment.items():
        name = variable.removeprefix(_PREFIX).lower()
        if variable == f"{_PREFIX}INI":
            said += _in_file(text, files)
        elif variable.startswith(_PREFIX) and name in (*_PROCESSES, "threads"):
            said.append((name, Given(name=variable, text=text, via="env", value=parse_count(text))))
    return said


def _in_arguments(arguments: Sequence[str], files: ProgramFiles) -> list[tuple[str, Given]]:
    found = [(place, option.long, text) for option in _OPTIONS for place, text in find_values(arguments, option)]
    said: list[tuple[str, Given]] = []
    for _, long, text in sorted(found):
        if long == "--ini":
            said += _in_file(text, files)
        else:
            given = Given(name=long, text=text, via="argv", value=parse_count(text), source="command line")
            said.append((long[2:], given))
    for before, word in zip(("", *arguments), arguments, strict=False):
        is_value = before.startswith("-") and before not in _PLAIN_FLAGS and before.strip(_FLAGS) != "-"
        if word.endswith(".ini") and not word.startswith("-") and not is_value:
            said += _in_file(word, files)
    return said


def _in_file(name: str, files: ProgramFiles, depth: int = 0) -> Iterable[tuple[str, Given]]:
    """What an .ini file says, with those that it includes."""
    for key, text in _section(name, files) or ():
        if key == "ini" and depth < _MOST_INCLUDES:
            yield from _in_file(text, files, depth + 1)
        elif key in (*_PROCESSES, "threads"):
            yield key, Given(name=key, text=text, via="argv", value=parse_count(text), source=name)


def _section(name: str, files: ProgramFiles) -> list[tuple[str, str]] | None:
    """The lines of `app.ini`, or of `app.ini:section`; None for what cannot be read, or is no .ini file."""
    path, _, section = name.partition(".ini")
    text = files.read_text(f"{path}.ini") if section[:1] in ("", ":") and name != path else None
    if text is None:
        return None
    from cgtune.assignments import read_lines

    return read_lines(text, section[1:] or "uwsgi")
