"""granian: one worker by habit, each with threads of its own.

| read | says |
|---|---|
| `GRANIAN_WORKERS`, `--workers` | workers, 1 by itself; the command line wins; an empty variable is 1 |
| `GRANIAN_BLOCKING_THREADS`, `--blocking-threads` | for WSGI, hundreds by itself; an error above 1 for ASGI, RSGI |
| `GRANIAN_INTERFACE`, `--interface` | asgi, asginl, rsgi (the default), wsgi |
"""

from __future__ import annotations

from cgtune.settings import AS_THE_MACHINE, ASYNC_WEB, SYNC_WEB, Command, Given, Slot
from cgtune.words import ValueOption, find_value, parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

_WORKERS = ("GRANIAN_WORKERS", ValueOption(long="--workers"))
_THREADS = ("GRANIAN_BLOCKING_THREADS", ValueOption(long="--blocking-threads"))
_INTERFACE = ValueOption(long="--interface")


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for `granian …`."""

    def find(place: tuple[str, ValueOption]) -> Given | None:
        variable, option = place
        text = find_value(program.arguments, option)
        if text is not None:
            return Given(name=option.long, text=text, via="argv", value=parse_count(text), source="command line")
        if variable in environment:
            text = environment[variable]
            return Given(name=variable, text=text, via="env", value=parse_count(text))
        return None

    interface = find_value(program.arguments, _INTERFACE) or environment.get("GRANIAN_INTERFACE", "")
    is_wsgi = interface.lower() == "wsgi"
    return Command(
        argv=(),
        runtime="python",
        server="granian",
        kind=SYNC_WEB if is_wsgi else ASYNC_WEB,
        workers=find(_WORKERS),
        threads=find(_THREADS),
        workers_slot=Slot(name=_WORKERS[0], via="env"),
        threads_slot=Slot(name=_THREADS[0], via="env") if is_wsgi else None,
        is_one_by_habit=True,
        default_threads=AS_THE_MACHINE if is_wsgi else 1,
    )
