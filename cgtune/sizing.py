"""How many workers the CPU and the memory carry, and who says so. Pure.

| CPU | memory | then |
|---|---|---|
| limited | limited | workers by CPU, cut by what fits |
| unlimited | any | at most 4 workers, or twice the CPU request |
| any | unlimited | cut by what the machine has available |
| unknown | any | left alone |
| any | unknown | left alone |

A number of the user's is a constant; `--max-workers` bounds only what is calculated.
"""

from __future__ import annotations

from cgtune import budget
from cgtune.budget import Budget, MemoryRoom, WorkerSize
from cgtune.limits import UNLIMITED, Limits
from cgtune.notices import Notice
from cgtune.placeholders import WORKERS, is_asking
from cgtune.records import Record
from cgtune.resources import said_by
from cgtune.settings import Command, Given, NotSet, Setting, Slot
from cgtune.units import format_bytes
from cgtune.words import parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.config import Config
    from cgtune.resources import CpuView, MemoryView


class Workers(Record):
    """`count` is what the program will have, None where that is not ours to say; `expected` of them share the rest.

    `decision` is None where there is nothing to tell; `share_bytes` is what each may use of the memory.
    """

    count: int | None
    decision: Setting | NotSet | None = None
    notices: tuple[Notice, ...] = ()
    expected: int = 1
    budget: Budget = Budget()
    share_bytes: int | None = None


class _Case(Record):
    """What is to be decided about; `place` is where a number of ours goes, None: nowhere."""

    limits: Limits
    config: Config
    command: Command
    kind: str | None
    cpu: CpuView | None
    memory: MemoryView | None
    room: MemoryRoom | None
    place: Slot | None


class _Answer(Record):
    """A number that is ours to tell, and why."""

    count: int
    reason: str
    source: str | None = None
    provenance: str = "calculated"
    notices: tuple[Notice, ...] = ()


def decide_workers(
    limits: Limits,
    config: Config,
    command: Command,
    *,
    cpu: CpuView | None,
    memory: MemoryView | None,
    measured: WorkerSize | None = None,
    shut: Mapping[str, str] | None = None,
) -> Workers:
    """How many workers. The first row that applies says it:

    | who says so | count | decision |
    |---|---|---|
    | the user: `-w`, a variable, a file | theirs, None if it is no number | kept |
    | `--workers N` | N | told |
    | `--workers keep`, or a limit that cannot be told | None | left alone |
    | a program that has no place for a number | what it starts by itself | nothing to tell |
    | a server that is one process by habit | 1 | left alone |
    | the CPU and the memory | calculated | told |

    What would be told in a place that is `shut` (a name, and why) is left alone as well, and the count None.
    """
    kind = config.kind or command.kind
    room = None if memory is None else budget.fit_workers(memory.size_bytes, _size_of_worker(config, kind, measured))
    case = _Case(
        limits=limits,
        config=config,
        command=command,
        kind=kind,
        cpu=cpu,
        memory=memory,
        room=room,
        place=_find_place(config, command),
    )
    given = command.workers
    if given is not None and not is_asking(given.text, WORKERS):
        workers = Workers(count=given.value, decision=_kept(given), notices=_doubt(case, given.value))
    elif isinstance(config.workers, int):
        workers = _obey(case, config.workers)
    else:
        workers = _calculate(case)
    if given is not None and given.value is None and "," in given.text and workers.count is not None:
        workers = workers.replace(count=_largest(given, workers.count) if command.server == "celery" else None)
    told = workers.decision
    if isinstance(told, Setting) and not told.is_kept and shut and told.name in shut:
        workers = Workers(count=None, decision=NotSet(name=told.name, reason=shut[told.name]))
    expected = _expect(case, workers.count)
    if room is None:
        return workers.replace(expected=expected)
    return workers.replace(expected=expected, budget=room.budget, share_bytes=room.share_bytes // expected)


def _find_place(config: Config, command: Command) -> Slot | None:
    """Where a number of ours goes: where the user asks for it, else the server's slot; None: nowhere."""
    given, slot = command.workers, command.workers_slot
    if given is not None:
        # Asked for in a variable of --env, it is that variable's to tell.
        is_own = any(name in (given.name, given.source) for name, _ in config.env)
        return None if is_own else Slot(name=f"$({WORKERS})", via="argv")
    if slot is not None and slot.via == "inject" and isinstance(config.workers, int):
        # A number that the user asks us for also wins over the application's own.
        return Slot(name="CELERY_WORKER_CONCURRENCY", via="env")
    return slot


def _obey(case: _Case, count: int) -> Workers:
    """`--workers N`."""
    reason = case.config.origin_of("workers")
    workers = _tell(case, _Answer(count=count, reason=reason, provenance="user", notices=_doubt(case, count)))
    if case.place is None and case.command.workers is None:
        left = NotSet(name="workers", reason=f"{reason}: no place to tell it; CGTUNE_PLAN_WORKERS says it")
        return workers.replace(decision=left)
    return workers


def _calculate(case: _Case) -> Workers:
    """The rows of decide_workers in which the user says no number."""
    config, command, place = case.config, case.command, case.place
    name = "workers" if place is None else place.name
    if config.workers == "keep":
        return Workers(count=None, decision=NotSet(name=name, reason="--workers keep"))
    if case.cpu is None:
        return Workers(
            count=None, decision=NotSet(name=name, reason="the CPU limit cannot be told") if place else None
        )
    if case.memory is None and case.limits.memory.status != UNLIMITED:
        left = NotSet(name=name, reason="the memory limit cannot be told")
        message = "the memory limit cannot be told: the number of workers is left alone; --memory-limit says it"
        notice = Notice(code="MEMORY_UNKNOWN", message=message, path=case.limits.memory.source)
        return Workers(count=None, decision=left, notices=(notice,)) if place else Workers(count=None)
    is_asked = command.workers is not None
    if place is None and not is_asked and command.runtime is not None and config.kind is None:
        return Workers(count=command.default_workers)
    answer = _solve(case, case.cpu)
    if place is None and not is_asked:
        return Workers(count=answer.count)
    if command.is_one_by_habit and not is_asked and not config.is_said("workers"):
        could = f"; --workers auto would make it {answer.count}" if answer.count != 1 else ""
        return Workers(count=1, decision=NotSet(name=name, reason=f"{command.server} is one process by habit{could}"))
    return _tell(case, answer)


def _largest(given: Given, count: int) -> int | None:
    """What Celery makes of a list in which our number is asked for: `--autoscale $(CGTUNE_PLAN_WORKERS),8`."""
    numbers = [count if is_asking(text, WORKERS) else parse_count(text) for text in given.text.split(",")]
    known = [number for number in numbers if number is not None]
    return max(known) if len(known) == len(numbers) else None


def _tell(case: _Case, answer: _Answer) -> Workers:
    """A number of ours in its place."""
    told = None
    if case.place is not None:
        told = Setting(
            name=case.place.name,
            value=str(answer.count),
            via=case.place.via,
            reason=answer.reason,
            source=answer.source,
            provenance=answer.provenance,
        )
    return Workers(count=answer.count, decision=told, notices=answer.notices)


def _expect(case: _Case, count: int | None) -> int:
    """How many processes will share the cores and the memory, as well as it can be told."""
    if count is not None:
        return max(1, count)
    if case.command.workers is not None and case.cpu is not None:
        # The user has chosen a number that cannot be read: as many as we would have taken.
        return budget.workers_by_cpu(case.kind, case.cpu.cores)
    if case.command.default_workers is not None:
        return case.command.default_workers
    # As the machine, of which the cores are a part.
    return case.limits.cpu.host_count or (1 if case.cpu is None else budget.processes(case.cpu.cores))


def _size_of_worker(config: Config, kind: str | None, measured: WorkerSize | None) -> WorkerSize:
    if config.worker_memory is not None:
        known = measured or budget.assume_size(kind)
        return known.replace(worker_bytes=config.worker_memory, worker_bytes_from="user")
    return measured or budget.assume_size(kind)


def _kept(given: Given) -> Setting:
    reason = "yours" if given.source is None else f"yours, {given.source}"
    return Setting(name=given.name, value=given.text, via=given.via, reason=reason, provenance="user", is_kept=True)


def _doubt(case: _Case, count: int | None) -> tuple[Notice, ...]:
    """What is to be said of the user's own number of workers: nothing, or that memory looks short of it."""
    memory, room = case.memory, case.room
    if count is None or memory is None or room is None or count <= max(1, room.workers):
        return ()
    one_bytes = room.budget.worker_bytes or 0
    missing = format_bytes(count * one_bytes - room.share_bytes)
    message = (
        f"{count} workers of {format_bytes(one_bytes)} may not fit into {memory.name} "
        f"{format_bytes(memory.size_bytes)}: {missing} short; kept, as you say; --worker-memory tells another size"
    )
    return (Notice(code="WORKERS_MAY_NOT_FIT", message=message, path=memory.source),)


def _solve(case: _Case, cpu: CpuView) -> _Answer:
    """As many workers as the CPU keeps busy, or as fit into memory, whichever is less; at least one."""
    limits, config, memory, room = case.limits, case.config, case.memory, case.room
    count = budget.workers_by_cpu(case.kind, cpu.cores)
    reason, source = cpu.phrase, cpu.source
    notices = []
    if not cpu.is_limited:
        request = limits.declared.cpu_request_cores
        most = budget.MOST_WORKERS_WITHOUT_LIMIT if request is None else max(1, int(2 * request))
        if count <= most:
            reason, source = f"no CPU limit, {cpu.cores:.6g} CPUs", None
        elif request is not None:
            reason, source = "twice the CPU request", said_by(config, "cpu_request")
        count = min(count, most)
        bound, hint = (f"{most}", " or --cpu-request") if request is None else (f"{most}, twice --cpu-request", "")
        message = f"no CPU limit: workers are at most {bound}; say --workers{hint} for another number"
        notices.append(Notice(code="CPU_UNLIMITED", message=message))
    if config.max_workers is not None and config.max_workers < count:
        count = config.max_workers
        reason, source = "--max-workers", config.origin_of("max_workers")
    if memory is not None and room is not None and room.workers < count:
        count = max(1, room.workers)
        one = format_bytes(room.budget.worker_bytes or 0)
        reason, source = f"{memory.name} {format_bytes(memory.size_bytes)}", memory.source
        if room.workers >= 1:
            measured = " (measured)" if room.budget.worker_bytes_from == "measured" else ""
            reason += f" holds {room.workers} of {one}{measured}"
        else:
            missing = format_bytes(room.missing_bytes)
            message = f"one worker of {one} needs {missing} more; starting one; see --worker-memory"
            notices.append(Notice(code="MEMORY_TOO_SMALL", message=message, path=source))
    return _Answer(count=count, reason=reason, source=source, notices=tuple(notices))
