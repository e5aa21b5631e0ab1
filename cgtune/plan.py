"""Limits + config + command -> Plan: every figure the program is given, and why. Pure.

| CPU | memory | then |
|---|---|---|
| limited | limited | workers by CPU, cut by what fits |
| unlimited | any | at most 4 workers, or twice the CPU request; native pools only where they would multiply |
| any | unlimited | cut by what the machine has available; no heap limit |
| unknown | any | CPU settings and workers are left alone |
| any | unknown | workers are left alone |

Whatever the user set is a constant in the arithmetic: with `-w 8`, native threads are shared out among 8.
"""

from __future__ import annotations

from cgtune import budget
from cgtune.budget import Budget
from cgtune.limits import Limits
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


class _Workers(Record):
    count: int
    reason: str
    source: str | None
    budget: Budget
    notices: tuple[Notice, ...] = ()


def make_plan(limits: Limits, config: Config, command: Command, environment: Mapping[str, str]) -> Plan:
    """The plan for one command. `environment` is what the program would start with."""
    if command.server is None:
        return Plan(mode="exec", command=command)
    cpu = _look_at_cpu(limits)
    if cpu is None:
        notice = Notice(code="CPU_UNKNOWN", message="the CPU limit cannot be told: CPU settings are left alone")
        return Plan(mode="exec", command=command, workers=command.workers, notices=(notice,))
    workers = _solve_workers(limits, config, command, cpu)
    settings: list[Setting] = []
    not_set: list[NotSet] = []
    notices: list[Notice] = []
    count = command.workers
    if command.workers_from is not None:
        theirs = str(command.workers) if command.workers is not None else ""
        via = "argv" if command.workers_from == "command line" else "env"
        name = gunicorn.WORKERS_VARIABLE if via == "env" else "--workers"
        settings.append(
            Setting(name=name, value=theirs, via=via, reason=f"yours, {command.workers_from}", provenance="user")
        )
    elif isinstance(workers, NotSet):
        not_set.append(workers)
    else:
        count = workers.count
        notices.extend(workers.notices)
        settings.append(
            Setting(
                name=gunicorn.WORKERS_VARIABLE,
                value=str(count),
                via="env",
                reason=workers.reason,
                source=workers.source,
                provenance="user" if config.workers == count else "calculated",
            )
        )
    native_threads = budget.share_threads(cpu.cores, count or 1)
    if cpu.is_limited or (count or 1) > 1:
        reason = f"{cpu.phrase} shared by {count} workers" if count and count > 1 else cpu.phrase
        settings.extend(native.plan_pools(native_threads, reason, cpu.source, environment))
    arenas = native.plan_arenas(budget.pool_threads(cpu.cores), cpu.phrase, cpu.source, environment)
    (settings if isinstance(arenas, Setting) else not_set).append(arenas)  # type: ignore[arg-type]  # each to its list
    return Plan(
        mode="exec",
        command=command,
        workers=count,
        threads=command.threads or 1,
        native_threads=native_threads,
        budget=workers.budget if isinstance(workers, _Workers) else Budget(),
        settings=tuple(settings),
        not_set=tuple(not_set),
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
        return _Cpu(cores=cores, is_limited=True, phrase=f"{format_cores(cores)} CPUs to run on", source=source)
    return _Cpu(cores=cores, is_limited=False, phrase="no CPU limit", source=cpu.source)


def _solve_workers(limits: Limits, config: Config, command: Command, cpu: _Cpu) -> _Workers | NotSet:
    """The number of workers, and which of CPU and memory decided it."""
    name = gunicorn.WORKERS_VARIABLE
    memory = limits.memory
    if config.workers == "keep":
        return NotSet(name=name, reason="--workers keep")
    # Without a limit, what the machine has left is all there is.
    memory_bytes = (
        memory.effective_bytes if memory.status == "limited" or _is_declared(limits) else memory.available_bytes
    )
    room = None if memory_bytes is None else budget.fit_workers(memory_bytes, config.worker_memory)
    spent = Budget() if room is None else room.budget
    if isinstance(config.workers, int):
        return _Workers(count=config.workers, reason="--workers", source=None, budget=spent)
    if memory.status == "unknown" and not _is_declared(limits):
        return NotSet(name=name, reason="the memory limit cannot be told")
    wanted = budget.processes(cpu.cores) if command.kind == "async-web" else budget.web_workers(cpu.cores)
    reason = cpu.phrase
    notices = []
    if not cpu.is_limited:
        request = limits.declared.cpu_request_cores
        most = budget.MOST_WORKERS_WITHOUT_LIMIT if request is None else max(1, int(2 * request))
        wanted = min(wanted, most)
        notices.append(
            Notice(
                code="CPU_UNLIMITED",
                message=f"no CPU limit: at most {most} workers; say --workers or --cpu-request for other figures",
            )
        )
    if room is None or room.workers >= wanted:
        return _Workers(count=wanted, reason=reason, source=cpu.source, budget=spent, notices=tuple(notices))
    one = format_bytes(spent.worker_bytes or 0)
    memory_phrase = f"memory {format_bytes(memory_bytes or 0)} holds {max(1, room.workers)} of {one}"
    if room.workers < 1:
        message = (
            f"one worker of {one} needs {format_bytes(room.missing_bytes)} more; starting one; see --worker-memory"
        )
        notices.append(Notice(code="MEMORY_TOO_SMALL", message=message, path=memory.source))
        memory_phrase = f"memory {format_bytes(memory_bytes or 0)}"
    return _Workers(
        count=max(1, room.workers),
        reason=memory_phrase,
        source=memory.source,
        budget=spent,
        notices=tuple(notices),
    )


def _is_declared(limits: Limits) -> bool:
    return limits.declared.memory_limit_bytes is not None
