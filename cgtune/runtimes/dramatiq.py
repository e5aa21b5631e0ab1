"""Dramatiq: one process a CPU of the *machine*, of 8 threads each.

dramatiq --processes 4 --threads 8 tasks    -p, -t; argparse takes --pr and --t; no variables
dramatiq-gevent                             the same, with greenlets for threads
"""

from __future__ import annotations

from cgtune.settings import AS_THE_MACHINE, QUEUE_CPU, Command, Given, Slot
from cgtune.words import ValueOption, find_value, parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

_PROCESSES = ValueOption(long="--processes", letter="p", shortest="--pr", flags="v")
_THREADS = ValueOption(long="--threads", letter="t", shortest="--t", flags="v")


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for `dramatiq …`."""

    def find(option: ValueOption) -> Given | None:
        text = find_value(program.arguments, option)
        if text is None:
            return None
        return Given(name=option.long, text=text, via="argv", value=parse_count(text), source="command line")

    return Command(
        argv=(),
        runtime="python",
        server="dramatiq",
        kind=QUEUE_CPU,
        workers=find(_PROCESSES),
        threads=find(_THREADS),
        workers_slot=Slot(name="--processes", via="argv"),
        threads_slot=Slot(name="--threads", via="argv"),
        default_workers=AS_THE_MACHINE,
        default_threads=8,
    )
