"""RQ: `rq worker` is one process that forks for each job; `rq worker-pool` starts several of them.

rq worker-pool -n 4 high low    --num-workers 4, 1 by itself; no variable
rqworker                        the old name of `rq worker`
"""

from __future__ import annotations

from cgtune.settings import QUEUE_IO, Command, Given, Slot
from cgtune.words import ValueOption, find_value, parse_count, skip_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

_NUMBER = ValueOption(long="--num-workers", letter="n", flags="bvq")


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for a worker or a pool of them; None for `rq info` and the like."""
    place = skip_options(program.arguments, 0, "")
    verb = "worker" if program.name == "rqworker" else "".join(program.arguments[place : place + 1])
    if verb == "worker":
        return Command(argv=(), runtime="python", server="rq", kind=QUEUE_IO)
    if verb != "worker-pool":
        return None
    text = find_value(program.arguments[place:], _NUMBER)
    workers = None
    if text is not None:
        workers = Given(name="--num-workers", text=text, via="argv", value=parse_count(text), source="command line")
    return Command(
        argv=(),
        runtime="python",
        server="rq",
        kind=QUEUE_IO,
        workers=workers,
        workers_slot=Slot(name="--num-workers", via="argv"),
        words_before=place + 1,
    )
