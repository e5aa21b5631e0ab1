"""uvicorn, and `fastapi run`, which starts it: one process by habit, since applications keep state in it.

| read | says |
|---|---|
| `WEB_CONCURRENCY` | workers, unless the command line does; text or an empty value is an error at its start |
| `UVICORN_WORKERS` | the same as --workers |
| `--workers N` | workers; each is spawned anew and imports the application itself: nothing is shared |
| `--reload` | one process, whatever else is said |
"""

from __future__ import annotations

from cgtune.settings import ASYNC_WEB, Command, Given, Slot
from cgtune.words import ValueOption, find_value, parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

_VARIABLE = "WEB_CONCURRENCY"
_WORKERS = ValueOption(long="--workers")


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for `uvicorn …` and `fastapi run …`; None for `fastapi dev` and the like."""
    if program.name == "fastapi" and "run" not in program.arguments[:1]:
        return None
    text = find_value(program.arguments, _WORKERS)
    workers = None
    if text is not None:
        workers = Given(name="--workers", text=text, via="argv", value=parse_count(text), source="command line")
    else:
        for name in ("UVICORN_WORKERS", _VARIABLE):
            if name in environment:
                text = environment[name]
                workers = Given(name=name, text=text, via="env", value=parse_count(text))
                break
    can_have_more = "--reload" not in program.arguments
    return Command(
        argv=(),
        runtime="python",
        server="uvicorn",
        kind=ASYNC_WEB,
        workers=workers,
        workers_slot=Slot(name=_VARIABLE, via="env") if can_have_more else None,
        is_one_by_habit=True,
    )
