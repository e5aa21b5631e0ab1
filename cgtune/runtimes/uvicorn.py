"""uvicorn, and `fastapi run`, which starts it: one process by habit, since applications keep state in it.

| read | says |
|---|---|
| --env-file | variables, which are there unless the environment has them |
| `WEB_CONCURRENCY` | workers; text or an empty value is an error at its start |
| `UVICORN_WORKERS` | the same as --workers; an empty one is none; `fastapi` does not read it |
| `--workers N` | workers; each is spawned anew and imports the application itself: nothing is shared |
| `--reload`, `UVICORN_RELOAD` | one process, whatever else is said |
| `--interface wsgi`, `UVICORN_INTERFACE` | 10 threads |
"""

from __future__ import annotations

from cgtune.settings import ASYNC_WEB, Command, Given, Slot
from cgtune.words import ValueOption, find_value, has_flag, parse_workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

_VARIABLE = "WEB_CONCURRENCY"
_WORKERS = ValueOption(long="--workers")
_ENV_FILE = ValueOption(long="--env-file")
_INTERFACE = ValueOption(long="--interface")
_WSGI_THREADS = 10
# What click takes for no.
_FALSE = ("", "0", "false", "f", "no", "n", "off")


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for `uvicorn …` and `fastapi run …`; None for `fastapi dev` and the like."""
    arguments = program.arguments
    is_fastapi = (program.name or "").startswith("fastapi")
    if is_fastapi and arguments[:1] != ("run",):
        return None

    def variable(name: str) -> str:
        return "" if is_fastapi else environment.get(name, "")

    is_reloading = has_flag(arguments, "--reload") or variable("UVICORN_RELOAD").lower() not in _FALSE
    env_file = find_value(arguments, _ENV_FILE) or variable("UVICORN_ENV_FILE")
    filed = _read_env_file(env_file, files)
    text = find_value(arguments, _WORKERS)
    workers = None
    if is_reloading:
        pass
    elif text is not None:
        workers = Given(name="--workers", text=text, via="argv", value=parse_workers(text), source="command line")
    elif text := variable("UVICORN_WORKERS"):
        workers = Given(name="UVICORN_WORKERS", text=text, via="env", value=parse_workers(text))
    elif _VARIABLE in environment:
        text = environment[_VARIABLE]
        workers = Given(name=_VARIABLE, text=text, via="env", value=parse_workers(text))
    elif filed is not None and _VARIABLE in filed:
        text = filed[_VARIABLE]
        workers = Given(name=_VARIABLE, text=text, via="env", value=parse_workers(text), source=env_file)
    interface = find_value(arguments, _INTERFACE) or variable("UVICORN_INTERFACE")
    can_have_more = not is_reloading and filed is not None
    return Command(
        argv=(),
        runtime="python",
        server="uvicorn",
        kind=ASYNC_WEB,
        workers=workers,
        workers_slot=Slot(name=_VARIABLE, via="env") if can_have_more else None,
        is_one_by_habit=True,
        default_threads=_WSGI_THREADS if interface == "wsgi" else 1,
    )


def _read_env_file(name: str, files: ProgramFiles) -> dict[str, str] | None:
    """The variables that --env-file brings; nothing where there is none, None where it cannot be told."""
    if not name or not files.may_exist(name):
        return {}
    text = files.read_text(name)
    if text is None:
        return None
    from cgtune.assignments import read_lines

    return {variable.removeprefix("export ").strip(): value for variable, value in read_lines(text)}
