"""The CPU and the memory as a plan sees them, and how many workers they carry. Pure.

    cores    effective_cores x --cpu-share; with --cpu-from request, twice the request
    memory   effective_bytes x --memory-share; memory.high where it is less; without a limit, what is available

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
from cgtune.limits import UNKNOWN, UNLIMITED, Limits
from cgtune.notices import Notice
from cgtune.placeholders import WORKERS, is_asking
from cgtune.records import Record
from cgtune.settings import Command, Given, NotSet, Setting
from cgtune.units import format_bytes, format_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.config import Config


class CpuView(Record):
    """`phrase` names it in reasons; `is_hidden` says that a runtime that reads the kernel would not find it.

    `seen_count` is how many CPUs a program finds that looks at its affinity mask, `host_count` one that does not.
    """

    cores: float
    is_limited: bool
    phrase: str
    source: str | None
    is_hidden: bool = False
    seen_count: int | None = None
    host_count: int | None = None


class MemoryView(Record):
    """The memory that workers must fit into: `name` is what it is called in reasons."""

    size_bytes: int
    name: str
    source: str | None


class Workers(Record):
    """`count` is None where it stays the program's own affair, `decision` None where there is nothing to tell.

    `is_solved`: the count is ours; `share_bytes`: what each may use of the memory.
    """

    count: int | None
    decision: Setting | NotSet | None = None
    budget: Budget = Budget()
    share_bytes: int | None = None
    is_solved: bool = False
    notices: tuple[Notice, ...] = ()


def look_at_cpu(limits: Limits, config: Config) -> CpuView | None:
    """What there is to run on; None where that cannot be told."""
    view = _whole_cpu(limits, config)
    if view is None:
        return None
    cpu = limits.cpu
    counts = [count for count in (cpu.affinity_count, cpu.cpuset_count, cpu.host_count) if count is not None]
    view = view.replace(seen_count=min(counts, default=None), host_count=cpu.host_count)
    if config.cpu_share == 1:
        return view
    cores = view.cores * config.cpu_share
    phrase = f"CPU {format_cores(cores)}, {config.cpu_share:.6g} of {format_cores(view.cores)}"
    return view.replace(cores=cores, is_limited=True, phrase=phrase, is_hidden=True)


def _whole_cpu(limits: Limits, config: Config) -> CpuView | None:
    cpu = limits.cpu
    cores = cpu.effective_cores
    request = limits.declared.cpu_request_cores
    if config.cpu_from == "request" and request is not None:
        bound = 2 * request if cores is None else min(cores, 2 * request)
        if bound != cores:
            source = _said_by(config, "cpu_request")
            phrase = "twice the CPU request"
            return CpuView(cores=bound, is_limited=True, phrase=phrase, source=source, is_hidden=True)
    if cores is None:
        return None
    declared = limits.declared.cpu_limit_cores
    phrase = f"CPU {format_cores(cores)}"
    if declared is not None and declared <= cores:
        source = _said_by(config, "cpu_limit")
        return CpuView(cores=cores, is_limited=True, phrase=phrase, source=source, is_hidden=True)
    if cpu.quota_cores is not None and cpu.quota_cores <= cores:
        return CpuView(cores=cores, is_limited=True, phrase=phrase, source=cpu.source)
    # A CPU set or an affinity mask is a limit where it leaves out some of the machine.
    is_cut = cpu.host_count is not None and cores < cpu.host_count
    folder = cpu.cpuset_dir if is_cut and cpu.cpuset_count == cores else None
    if is_cut or cpu.quota_cores is not None:
        return CpuView(cores=cores, is_limited=True, phrase=f"{cores:.6g} CPUs to run on", source=folder)
    return CpuView(cores=cores, is_limited=False, phrase="no CPU limit", source=cpu.source)


def _said_by(config: Config, name: str) -> str:
    """Where a declared figure comes from; a caller of the library's has no flag, and the option's name says it."""
    return config.origin_of(name) if config.is_said(name) else "--" + name.replace("_", "-")


def look_at_memory(limits: Limits, config: Config) -> MemoryView | None:
    """None where nothing bounds it, or nothing can be told."""
    view = _whole_memory(limits, config)
    if view is None or config.memory_share == 1:
        return view
    name = f"{config.memory_share:.6g} of {view.name} {format_bytes(view.size_bytes)}:"
    return view.replace(size_bytes=int(view.size_bytes * config.memory_share), name=name)


def _whole_memory(limits: Limits, config: Config) -> MemoryView | None:
    memory = limits.memory
    declared_bytes = limits.declared.memory_limit_bytes
    source: str | None
    if memory.status == UNLIMITED and declared_bytes is None:
        # Without a limit, what the machine has left is all there is.
        name, size_bytes, source = "available memory", memory.available_bytes, "/proc/meminfo"
        if size_bytes is None:
            # An old kernel does not say what it has left; it can never be more than the machine has.
            name, size_bytes = "the machine's memory", memory.effective_bytes
    else:
        name, size_bytes, source = "memory", memory.effective_bytes, memory.source
        if size_bytes is not None and size_bytes == declared_bytes:
            source = _said_by(config, "memory_limit")
        elif size_bytes != memory.limit_bytes:
            source = "/proc/meminfo"
    if "memory.high_bytes" in limits.unknown:
        return None
    high_bytes = memory.high_bytes if memory.status != UNKNOWN else None
    if high_bytes is not None and (size_bytes is None or high_bytes < size_bytes):
        # From there on the kernel takes pages away and lets the program wait, long before anything is killed.
        return MemoryView(size_bytes=high_bytes, name="memory.high of", source=None)
    return None if size_bytes is None else MemoryView(size_bytes=size_bytes, name=name, source=source)


def decide_workers(
    limits: Limits,
    config: Config,
    command: Command,
    *,
    cpu: CpuView | None,
    memory: MemoryView | None,
    measured: WorkerSize | None,
) -> Workers:
    """How many workers, and who says so: the user's own setting, `--workers`, or the arithmetic."""
    kind = config.kind or command.kind
    size = _size_of_worker(config, kind, measured)
    room = None if memory is None else budget.fit_workers(memory.size_bytes, size)
    slot = command.workers_slot
    given = command.workers
    is_asked = given is not None and is_asking(given.text, WORKERS)
    if given is not None and not is_asked:
        doubt = _doubt(given.value, memory, room)
        return _with_room(room, Workers(count=given.value, decision=_kept(given), notices=doubt))
    if isinstance(config.workers, int):
        reason = config.origin_of("workers")
        doubt = _doubt(config.workers, memory, room)
        told: Setting | NotSet
        if is_asked:
            told = _asked(config.workers, reason, None)
        elif slot is None:
            told = NotSet(name="workers", reason=f"{reason}: no place to tell it; CGTUNE_PLAN_WORKERS says it")
        else:
            via, name = _strong_slot(command)
            value = str(config.workers)
            told = Setting(name=name, value=value, via=via, reason=reason, provenance="user")
        return _with_room(room, Workers(count=config.workers, decision=told, notices=doubt))
    name = "workers" if slot is None else slot.name
    if config.workers == "keep":
        return _with_room(room, Workers(count=None, decision=NotSet(name=name, reason="--workers keep")))
    if cpu is None:
        left = NotSet(name=name, reason="the CPU limit cannot be told")
        return _with_room(room, Workers(count=None, decision=left if slot else None))
    if memory is None and limits.memory.status != UNLIMITED:
        message = "the memory limit cannot be told: the number of workers is left alone; --memory-limit says it"
        left = NotSet(name=name, reason="the memory limit cannot be told")
        notice = Notice(code="MEMORY_UNKNOWN", message=message, path=limits.memory.source)
        if slot is None and not is_asked:
            return Workers(count=None)
        return Workers(count=None, decision=left, notices=(notice,))
    solved = _solve(limits, config, kind, cpu, memory=memory, room=room)
    if is_asked or slot is None:
        alone = command.runtime is not None and config.kind is None and not is_asked
        if alone:
            # One process of its own: what it starts inside is told by the number of CPUs.
            return _with_room(room, Workers(count=1))
        if not is_asked:
            return solved.replace(decision=None, notices=())
        assert isinstance(solved.decision, Setting)
        return solved.replace(decision=_asked(solved.count or 1, solved.decision.reason, solved.decision.source))
    if command.is_one_by_habit and not config.is_said("workers"):
        could = f"; --workers auto would make it {solved.count}" if solved.count != 1 else ""
        left = NotSet(name=name, reason=f"{command.server} is one process by habit{could}")
        return _with_room(room, Workers(count=1, decision=left))
    assert isinstance(solved.decision, Setting)
    return solved.replace(decision=solved.decision.replace(name=name, via=slot.via))


def _size_of_worker(config: Config, kind: str | None, measured: WorkerSize | None) -> WorkerSize:
    if config.worker_memory is not None:
        known = measured or budget.assume_size(kind)
        return known.replace(worker_bytes=config.worker_memory, worker_bytes_from="user")
    return measured or budget.assume_size(kind)


def _kept(given: Given) -> Setting:
    reason = "yours" if given.source is None else f"yours, {given.source}"
    return Setting(name=given.name, value=given.text, via=given.via, reason=reason, provenance="user", is_kept=True)


def _asked(count: int, reason: str, source: str | None) -> Setting:
    return Setting(name=f"$({WORKERS})", value=str(count), via="argv", reason=reason, source=source)


def _strong_slot(command: Command) -> tuple[str, str]:
    """Where a number goes that the user asked us to set: also a place that wins over the application's own."""
    slot = command.workers_slot
    assert slot is not None
    if slot.via == "inject":
        return "env", "CELERY_WORKER_CONCURRENCY"
    return slot.via, slot.name


def _with_room(room: MemoryRoom | None, workers: Workers) -> Workers:
    """What the memory comes to for that many."""
    if room is None:
        return workers
    share_bytes = room.share_bytes // max(1, workers.count or 1)
    return workers.replace(budget=room.budget, share_bytes=share_bytes)


def _doubt(count: int | None, memory: MemoryView | None, room: MemoryRoom | None) -> tuple[Notice, ...]:
    """What is to be said of the user's own number of workers: nothing, or that memory looks short of it."""
    if count is None or memory is None or room is None or count <= max(1, room.workers):
        return ()
    one_bytes = room.budget.worker_bytes or 0
    missing = format_bytes(count * one_bytes - room.share_bytes)
    message = (
        f"{count} workers of {format_bytes(one_bytes)} may not fit into {memory.name} "
        f"{format_bytes(memory.size_bytes)}: {missing} short; kept, as you say; --worker-memory tells another size"
    )
    return (Notice(code="WORKERS_MAY_NOT_FIT", message=message, path=memory.source),)


def _solve(
    limits: Limits,
    config: Config,
    kind: str | None,
    cpu: CpuView,
    *,
    memory: MemoryView | None,
    room: MemoryRoom | None,
) -> Workers:
    """As many workers as the CPU keeps busy, or as fit into memory, whichever is less; at least one."""
    count = budget.workers_by_cpu(kind, cpu.cores)
    reason, source = cpu.phrase, cpu.source
    notices = []
    if not cpu.is_limited:
        request = limits.declared.cpu_request_cores
        most = budget.MOST_WORKERS_WITHOUT_LIMIT if request is None else max(1, int(2 * request))
        if count <= most:
            reason, source = f"no CPU limit, {cpu.cores:.6g} CPUs", None
        elif request is not None:
            reason, source = "twice the CPU request", _said_by(config, "cpu_request")
        count = min(count, most)
        message = f"no CPU limit: workers are at most {most}; say --workers or --cpu-request for other figures"
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
    ours = Setting(name="workers", value=str(count), via="env", reason=reason, source=source)
    return _with_room(room, Workers(count=count, decision=ours, is_solved=True, notices=tuple(notices)))
