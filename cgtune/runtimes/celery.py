"""Celery's worker: a pool of processes, as many as the *machine* has CPUs unless it is told.

What it reads, the later the stronger:

    billiard.cpu_count()          the default; the weak slot, reached by injection
    app.conf.worker_concurrency   in the application
    CELERY_WORKER_CONCURRENCY     wins over the application, so only used for a number the user asks us for
    -c 4, --concurrency 4
    CELERY_WORKER_AUTOSCALE, --autoscale 8,2: up to the larger one, whatever the others say

A number of 0, an empty variable, and "auto" since 5.7 are Celery's own choice: said, and not known here. With
`-P threads`, gevent or eventlet the pool is one process, and its number is one of threads, by itself again as many as
the machine has CPUs; solo has no number.
"""

from __future__ import annotations

from cgtune.settings import AS_THE_MACHINE, QUEUE_CPU, QUEUE_IO, Command, Given, Slot
from cgtune.words import ValueOption, find_value, parse_count, skip_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

#: What injection answers with when the worker asks how many CPUs there are.
WEAK_SLOT = Slot(name="billiard.cpu_count", via="inject")
# Options of `celery` itself, before `worker`.
_GLOBAL_LETTERS = "Ab"
_GLOBAL_LONGS = ("--app", "--broker", "--result-backend", "--loader", "--config", "--workdir")
_AUTOSCALE = (ValueOption(long="--autoscale"), "CELERY_WORKER_AUTOSCALE")
_CONCURRENCY = (ValueOption(long="--concurrency", letter="c", flags="DEB"), "CELERY_WORKER_CONCURRENCY")
_POOL = ValueOption(long="--pool", letter="P", flags="DEB")
_IN_ONE_PROCESS = ("threads", "gevent", "eventlet", "solo")


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for `celery … worker …`; None for beat, flower, inspect and all else."""
    place = skip_options(program.arguments, 0, _GLOBAL_LETTERS, _GLOBAL_LONGS)
    if program.arguments[place : place + 1] != ("worker",):
        return None
    arguments = program.arguments[place + 1 :]
    pool = find_value(arguments, _POOL) or environment.get("CELERY_WORKER_POOL")
    number = _given(arguments, environment)
    if pool in _IN_ONE_PROCESS:
        is_solo = pool == "solo"
        return Command(
            argv=(),
            runtime="python",
            server="celery",
            kind=QUEUE_IO,
            threads=None if is_solo else number,
            default_threads=1 if is_solo else AS_THE_MACHINE,
        )
    return Command(
        argv=(),
        runtime="python",
        server="celery",
        kind=QUEUE_CPU,
        workers=number,
        workers_slot=WEAK_SLOT,
        default_workers=AS_THE_MACHINE,
        is_preloading=True,
    )


def _given(arguments: tuple[str, ...], environment: Mapping[str, str]) -> Given | None:
    for option, variable in (_AUTOSCALE, _CONCURRENCY):
        text = find_value(arguments, option)
        if text is not None:
            return Given(name=option.long, text=text, via="argv", value=_largest(text), source="command line")
        text = environment.get(variable)
        # An empty autoscale is none; an empty number is the user's variable, which nobody may fill.
        if text or (text is not None and option is _CONCURRENCY[0]):
            return Given(name=variable, text=text, via="env", value=_largest(text))
    return None


def _largest(text: str) -> int | None:
    """The number, or the larger of autoscale's two."""
    numbers = [parse_count(number) for number in text.split(",")]
    known = [number for number in numbers if number is not None]
    return max(known) or None if len(known) == len(numbers) else None
