"""Celery's worker: a pool of processes, as many as the *machine* has CPUs unless it is told.

What it reads, the later the stronger:

    billiard.cpu_count()          the default; the weak slot, reached by injection
    app.conf.worker_concurrency   in the application
    CELERY_WORKER_CONCURRENCY     wins over the application, so only used for a number the user asks us for
    -c 4, --concurrency 4, --autoscale 8,2

With `-P threads`, gevent or eventlet the pool is one process, and its number is one of threads.
"""

from __future__ import annotations

from cgtune.settings import QUEUE_CPU, QUEUE_IO, Command, Given, Slot
from cgtune.words import ValueOption, find_value, parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

VARIABLE = "CELERY_WORKER_CONCURRENCY"
#: What injection answers with when the worker asks how many CPUs there are.
WEAK_SLOT = Slot(name="billiard.cpu_count", via="inject")
_CONCURRENCY = ValueOption(long="--concurrency", letter="c")
_AUTOSCALE = ValueOption(long="--autoscale")
_POOL = ValueOption(long="--pool", letter="P")
_IN_ONE_PROCESS = ("threads", "gevent", "eventlet", "solo")


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for `celery … worker …`; None for beat, flower, inspect and all else."""
    if "worker" not in program.arguments:
        return None
    arguments = program.arguments[program.arguments.index("worker") + 1 :]
    pool = find_value(arguments, _POOL) or environment.get("CELERY_WORKER_POOL")
    in_one_process = pool in _IN_ONE_PROCESS
    number = _given(arguments, environment)
    if in_one_process:
        return Command(argv=(), runtime="python", server="celery", kind=QUEUE_IO, threads=number)
    return Command(
        argv=(),
        runtime="python",
        server="celery",
        kind=QUEUE_CPU,
        workers=number,
        workers_slot=WEAK_SLOT,
        default_workers=None,
        is_preloading=True,
    )


def _given(arguments: tuple[str, ...], environment: Mapping[str, str]) -> Given | None:
    for option in (_CONCURRENCY, _AUTOSCALE):
        text = find_value(arguments, option)
        if text is not None:
            most = text.split(",")[0]
            return Given(name=option.long, text=text, via="argv", value=parse_count(most), source="command line")
    for name in (VARIABLE, "CELERY_WORKER_AUTOSCALE"):
        if name in environment:
            text = environment[name]
            return Given(name=name, text=text, via="env", value=parse_count(text.split(",")[0]))
    return None
