"""hypercorn: one process by habit. It reads no variable: a number of workers is an argument, or in its config file.

hypercorn --workers 2 app:app        -w 2, -w2; no abbreviation of --workers is unique
hypercorn -c hypercorn.toml app:app  workers = 2; also conf.py, file:conf.py, python:package.conf; an argument wins

An argument of ours would win over the config file too, so it is only added where the file is known to say nothing.
What a file says that cannot be read is the user's number, and not known.
"""

from __future__ import annotations

from cgtune.settings import ASYNC_WEB, Command, Given, Slot
from cgtune.words import UNKNOWN, ValueOption, find_value, parse_workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

_WORKERS = ValueOption(long="--workers", letter="w", flags="D")
_CONFIG = ValueOption(long="--config", letter="c", shortest="--co", flags="D")


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for `hypercorn …`."""
    config_name = find_value(program.arguments, _CONFIG)
    assigned = {} if config_name is None else _read_config(config_name, files)
    text = find_value(program.arguments, _WORKERS)
    workers = None
    if text is not None:
        workers = Given(name="--workers", text=text, via="argv", value=parse_workers(text), source="command line")
    elif assigned is None or "workers" in assigned:
        text = UNKNOWN if assigned is None else assigned["workers"]
        workers = Given(name="workers", text=text, via="argv", value=parse_workers(text), source=config_name)
    return Command(
        argv=(),
        runtime="python",
        server="hypercorn",
        kind=ASYNC_WEB,
        workers=workers,
        workers_slot=None if assigned is None else Slot(name="--workers", via="argv"),
        is_one_by_habit=True,
    )


def _read_config(name: str, files: ProgramFiles) -> dict[str, str] | None:
    """What the config file assigns; None where that cannot be told."""
    from cgtune.assignments import read_lines, read_python

    path = name.removeprefix("file:")
    if name.startswith("python:"):
        path = name.removeprefix("python:").replace(".", "/") + ".py"
    if path != name or path.endswith(".py"):
        data = files.read_bytes(path)
        return None if data is None else read_python(data)
    text = files.read_text(path)
    return None if text is None else dict(read_lines(text))
