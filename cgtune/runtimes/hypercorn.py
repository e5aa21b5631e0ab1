"""hypercorn: one process by habit. It reads no variable: a number of workers is an argument, or in its config file.

hypercorn --workers 2 app:app        -w 2; argparse takes --wor too, not --work (--worker-class)
hypercorn -c hypercorn.toml app:app  workers = 2; an argument wins over it
"""

from __future__ import annotations

from cgtune.settings import ASYNC_WEB, Command, Given, Slot
from cgtune.words import ValueOption, find_value, parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

_WORKERS = ValueOption(long="--workers", letter="w", flags="D")


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for `hypercorn …`."""
    text = find_value(program.arguments, _WORKERS)
    workers = None
    if text is not None:
        workers = Given(name="--workers", text=text, via="argv", value=parse_count(text), source="command line")
    return Command(
        argv=(),
        runtime="python",
        server="hypercorn",
        kind=ASYNC_WEB,
        workers=workers,
        workers_slot=Slot(name="--workers", via="argv"),
        is_one_by_habit=True,
    )
