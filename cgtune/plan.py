"""Limits + config + command -> Plan: every figure the program is given, and why. Pure.

| CPU | memory | then |
|---|---|---|
| limited | limited | workers by CPU, cut by what fits |
| unlimited | any | at most 4 workers, or twice the CPU request; native pools only where they would multiply |
| any | unlimited | cut by what the machine has available; no heap limit |
| unknown | any | CPU settings and workers are left alone |
| any | unknown | workers are left alone |
| any | throttled (memory.high) below its limit | cut by what fits below the throttle |

Whatever the user set is a constant in the arithmetic: with `-w 8`, native threads are shared out among 8.
"""

from __future__ import annotations

from cgtune import budget
from cgtune.budget import Budget, MemoryRoom
from cgtune.limits import UNKNOWN, UNLIMITED, Limits
from cgtune.notices import Notice
from cgtune.records import Record
from cgtune.runtimes import gunicorn, native
from cgtune.settings import Command, NotSet, Setting
from cgtune.units import format_bytes, format_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.config import Config


class Plan(Record):
    """What to do, and why. The counts are what the program will have, None where that is not ours to say."""

    mode: str
    command: Command
    workers: int | None = None
    threads: int | None = None
    native_threads: int | None = None
    budget: Budget = Budget()
    settings: tuple[Setting, ...] = ()
    not_set: tuple[NotSet, ...] = ()
    notices: tuple[Notice, ...] = ()


class _Cpu(Record):
    """The CPU as the plan sees it: `phrase` names it in reasons."""

    cores: float
    is_limited: bool
    phrase: str
    source: str | None


class _Memory(Record):
    """The memory that workers must fit into: `name` is what it is called in reasons."""

    size_bytes: int
    name: str
    source: str | None


class _Workers(Record):
    """`count` is None where it stays the program's own affair."""

    count: int | None
    decision: Setting | NotSet
    budget: Budget = Budget()
    notices: tuple[Notice, ...] = ()


def make_plan(limits: Limits, config: Config, command: Command, environment: Mapping[str, str]) -> Plan:
    """The plan for one command. `environment` is what the program would start with."""
    if command.server is None:
        return Plan(mode="exec", command=command)
    cpu = _look_at_cpu(limits)
    workers = _decide_workers(limits, config, command, cpu)
    decisions: list[Setting | NotSet] = [workers.decision]
    notices = list(workers.notices)
    native_threads = None
    if cpu is None:
        message = "the CPU limit cannot be told: CPU settings are left alone; --cpu-limit says it"
        notices.insert(0, Notice(code="CPU_UNKNOWN", message=message))
    else:
        count = workers.count or 1
        native_threads = budget.share_threads(cpu.cores, count)
        if cpu.is_limited or count > 1:
            sharing = " shared by" if cpu.is_limited else ", shared by"
            reason = f"{cpu.phrase}{sharing} {count} workers" if count > 1 else cpu.phrase
            decisions.extend(native.plan_pools(native_threads, reason, cpu.source, environment))
        decisions.append(native.plan_arenas(budget.pool_threads(cpu.cores), cpu.phrase, cpu.source, environment))
    return Plan(
        mode="exec",
        command=command,
        workers=workers.count,
        threads=command.threads or 1,
        native_threads=native.pool_size(environment) or native_threads,
        budget=workers.budget,
        settings=tuple(decision for decision in decisions if isinstance(decision, Setting)),
        not_set=tuple(decision for decision in decisions if isinstance(decision, NotSet)),
        notices=tuple(notices),
    )


def _look_at_cpu(limits: Limits) -> _Cpu | None:
    cpu = limits.cpu
    cores = cpu.effective_cores
    if cores is None:
        return None
    declared = limits.declared.cpu_limit_cores
    if declared is not None and declared <= cores:
        return _Cpu(cores=cores, is_limited=True, phrase=f"CPU {format_cores(cores)}", source="--cpu-limit")
    if cpu.quota_cores is not None and cpu.quota_cores <= cores:
        return _Cpu(cores=cores, is_limited=True, phrase=f"CPU {format_cores(cores)}", source=cpu.source)
    # A CPU set or an affinity mask is a limit where it leaves out some of the machine.
    is_cut = cpu.host_count is not None and cores < cpu.host_count
    source = cpu.cpuset_dir if is_cut and cpu.cpuset_count == cores else None
    if is_cut or cpu.quota_cores is not None:
        return _Cpu(cores=cores, is_limited=True, phrase=f"{cores:.6g} CPUs to run on", source=source)
    return _Cpu(cores=cores, is_limited=False, phrase="no CPU limit", source=cpu.source)


def _look_at_memory(limits: Limits) -> _Memory | None:
    """None where nothing bounds it, or nothing can be told."""
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
            source = "--memory-limit"
        elif size_bytes != memory.limit_bytes:
            source = "/proc/meminfo"
    if "memory.high_bytes" in limits.unknown:
        return None
    high_bytes = memory.high_bytes if memory.status != UNKNOWN else None
    if high_bytes is not None and (size_bytes is None or high_bytes < size_bytes):
        # From there on the kernel takes pages away and lets the program wait, long before anything is killed.
        return _Memory(size_bytes=high_bytes, name="memory.high of", source=None)
    return None if size_bytes is None else _Memory(size_bytes=size_bytes, name=name, source=source)


def _decide_workers(limits: Limits, config: Config, command: Command, cpu: _Cpu | None) -> _Workers:
    """How many workers, and who says so: the user's command line or variable, `--workers`, or the arithmetic."""
    name = gunicorn.WORKERS_VARIABLE
    memory = _look_at_memory(limits)
    room = None if memory is None else budget.fit_workers(memory.size_bytes, config.worker_memory)
    spent = Budget() if room is None else room.budget
    if command.workers_from is not None:
        is_variable = command.workers_from == name
        theirs = Setting(
            name=name if is_variable else "--workers",
            value=command.workers_text or "",
            via="env" if is_variable else "argv",
            reason="yours" if is_variable else f"yours, {command.workers_from}",
            provenance="user",
        )
        doubt = _doubt(command.workers, memory, room)
        return _Workers(count=command.workers, decision=theirs, budget=spent, notices=doubt)
    if isinstance(config.workers, int):
        ours = Setting(name=name, value=str(config.workers), via="env", reason="--workers", provenance="user")
        doubt = _doubt(config.workers, memory, room)
        return _Workers(count=config.workers, decision=ours, budget=spent, notices=doubt)
    if config.workers == "keep":
        return _Workers(count=None, decision=NotSet(name=name, reason="--workers keep"), budget=spent)
    if cpu is None:
        return _Workers(count=None, decision=NotSet(name=name, reason="the CPU limit cannot be told"), budget=spent)
    if memory is None:
        message = "the memory limit cannot be told: the number of workers is left alone; --memory-limit says it"
        return _Workers(
            count=None,
            decision=NotSet(name=name, reason="the memory limit cannot be told"),
            notices=(Notice(code="MEMORY_UNKNOWN", message=message, path=limits.memory.source),),
        )
    return _solve_workers(limits, command, cpu, memory, room)


def _doubt(count: int | None, memory: _Memory | None, room: MemoryRoom | None) -> tuple[Notice, ...]:
    """What is to be said of the user's own number of workers: nothing, or that memory looks short of it."""
    if count is None or memory is None or room is None or count <= max(1, room.workers):
        return ()
    one = format_bytes(room.budget.worker_bytes or 0)
    message = (
        f"{count} workers of {one} may not fit into {memory.name} {format_bytes(memory.size_bytes)}; "
        "kept, as you say; --worker-memory tells another size"
    )
    return (Notice(code="WORKERS_MAY_NOT_FIT", message=message, path=memory.source),)


def _solve_workers(
    limits: Limits, command: Command, cpu: _Cpu, memory: _Memory | None, room: MemoryRoom | None
) -> _Workers:
    """As many workers as the CPU keeps busy, or as fit into memory, whichever is less; at least one."""
    count = budget.processes(cpu.cores) if command.kind == "async-web" else budget.web_workers(cpu.cores)
    reason, source = cpu.phrase, cpu.source
    spent = Budget() if room is None else room.budget
    notices = []
    if not cpu.is_limited:
        request = limits.declared.cpu_request_cores
        most = budget.MOST_WORKERS_WITHOUT_LIMIT if request is None else max(1, int(2 * request))
        if count <= most:
            reason, source = f"no CPU limit, {cpu.cores:.6g} CPUs", None
        elif request is not None:
            reason, source = "twice the CPU request", "--cpu-request"
        count = min(count, most)
        message = f"no CPU limit: workers are at most {most}; say --workers or --cpu-request for other figures"
        notices.append(Notice(code="CPU_UNLIMITED", message=message))
    if memory is not None and room is not None and room.workers < count:
        count = max(1, room.workers)
        one = format_bytes(spent.worker_bytes or 0)
        reason, source = f"{memory.name} {format_bytes(memory.size_bytes)}", memory.source
        if room.workers >= 1:
            reason += f" holds {room.workers} of {one}"
        else:
            missing = format_bytes(room.missing_bytes)
            message = f"one worker of {one} needs {missing} more; starting one; see --worker-memory"
            notices.append(Notice(code="MEMORY_TOO_SMALL", message=message, path=source))
    ours = Setting(name=gunicorn.WORKERS_VARIABLE, value=str(count), via="env", reason=reason, source=source)
    return _Workers(count=count, decision=ours, budget=spent, notices=tuple(notices))
