"""uWSGI: one process unless it is told, by options that are written in many ways.

uwsgi --processes 4 --module app:app    -p, --workers
uwsgi app.ini                           processes = 4, or workers = 4
UWSGI_PROCESSES=4                       every option is a variable as well
"""

from __future__ import annotations

from cgtune.settings import SYNC_WEB, Command, Given, Slot
from cgtune.words import ValueOption, find_value, parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

_VARIABLE = "UWSGI_PROCESSES"
_OPTIONS = (ValueOption(long="--processes", letter="p"), ValueOption(long="--workers"))
_THREADS = ValueOption(long="--threads")
_INI = ValueOption(long="--ini")


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for `uwsgi …`."""
    text = threads = None
    source = "command line"
    for option in _OPTIONS:
        text = text or find_value(program.arguments, option)
    threads = find_value(program.arguments, _THREADS)
    given = None
    if text is not None:
        given = Given(name="--processes", text=text, via="argv", value=parse_count(text), source=source)
    ini = find_value(program.arguments, _INI) or next((word for word in program.arguments if _is_ini(word)), None)
    settings = {} if ini is None else _read_ini(files.read_text(ini) or "")
    for name in ("processes", "workers"):
        if given is None and name in settings:
            text = settings[name]
            given = Given(name=name, text=text, via="argv", value=parse_count(text), source=ini)
    for name in (_VARIABLE, "UWSGI_WORKERS"):
        if given is None and name in environment:
            text = environment[name]
            given = Given(name=name, text=text, via="env", value=parse_count(text))
    threads = threads or settings.get("threads") or environment.get("UWSGI_THREADS")
    return Command(
        argv=(),
        runtime="python",
        server="uwsgi",
        kind=SYNC_WEB,
        workers=given,
        threads=None
        if threads is None
        else Given(name="threads", text=threads, via="argv", value=parse_count(threads), source="uWSGI's settings"),
        workers_slot=Slot(name=_VARIABLE, via="env"),
    )


def _is_ini(word: str) -> bool:
    return word.endswith(".ini") and not word.startswith("-")


def _read_ini(text: str) -> dict[str, str]:
    """name -> value of the lines `name = value`; what is in which section makes no difference to most users."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith((";", "#")):
            found[name.strip()] = value.strip()
    return found
