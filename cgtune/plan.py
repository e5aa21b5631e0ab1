"""Limits + config + command -> Plan: every figure the program is given, and why. Pure.

    workers          sizing.py: by CPU, cut by what fits; `-w`, a variable, a config file of the user's win
    threads          1, the user's, or with --threads what fits the workers
    native threads   the cores shared out among the workers
    interpreter      the number of CPUs it tells, its collector, its forks
    allocator        arenas by the cores
    env              the user's own variables, computed from the figures above

Whatever the user set is a constant in the arithmetic: with `-w 8`, native threads are shared out among 8. Where the
CPU limit cannot be told, what depends on it is left alone; where there is none, pools are set only where workers
would multiply them.
"""

from __future__ import annotations

from cgtune import budget
from cgtune.budget import Budget
from cgtune.limits import UNLIMITED, Limits
from cgtune.notices import Notice
from cgtune.records import Record
from cgtune.settings import SYNC_WEB, Command, NotSet, Setting
from cgtune.sizing import Workers, decide_workers, look_at_cpu, look_at_memory
from cgtune.words import parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.budget import WorkerSize
    from cgtune.config import Config
    from cgtune.injection_plan import Door
    from cgtune.sizing import CpuView, MemoryView

    Decision = Setting | NotSet


_CONCURRENCY_VARIABLE = "WEB_CONCURRENCY"


class Plan(Record):
    """What to do, and why. The counts are what the program will have, None where that is not ours to say."""

    command: Command
    cpus: float | None = None
    memory_bytes: int | None = None
    workers: int | None = None
    threads: int | None = None
    native_threads: int | None = None
    budget: Budget = Budget()
    settings: tuple[Setting, ...] = ()
    not_set: tuple[NotSet, ...] = ()
    notices: tuple[Notice, ...] = ()
    mode: str = "exec"


def make_plan(
    limits: Limits,
    config: Config,
    command: Command,
    environment: Mapping[str, str],
    *,
    door: Door | None = None,
    measured: WorkerSize | None = None,
) -> Plan:
    """The plan for one command.

    `environment` is what the program would start with, without what a cgtune before us has set. `door` is the way
    into a hosted interpreter, `measured` the size of this command's worker, where somebody measured it.
    """
    environment = {**environment, **dict(command.variables)}
    cpu = look_at_cpu(limits, config)
    memory = look_at_memory(limits, config)
    workers = decide_workers(limits, config, command, cpu=cpu, memory=memory, measured=measured)
    notices = list(workers.notices)
    decisions: list[Decision] = [] if workers.decision is None else [workers.decision]
    threads, thread_decisions = _decide_threads(config, command, cpu, workers, environment)
    decisions += thread_decisions
    native_threads = None
    if command.runtime is not None:
        from cgtune.runtimes import cpython, native

        if cpu is None:
            message = "the CPU limit cannot be told: CPU settings are left alone; --cpu-limit says it"
            notices.insert(0, Notice(code="CPU_UNKNOWN", message=message))
        else:
            count = _expected_workers(limits, config, command, cpu, workers)
            native_threads = budget.share_threads(cpu.cores, count)
            decisions += _plan_cpu(cpu, count, native_threads, command, environment)
            native_threads = native.pool_size(environment) or native_threads
        if command.server is not None and workers.share_bytes is not None:
            decisions += cpython.plan_collector(workers.share_bytes, command)
    told_bytes = _told_memory(limits, config, memory)
    figures = {
        "workers": workers.count,
        "threads": threads,
        "native_threads": native_threads,
        "cpus": None if cpu is None else cpu.cores,
        "memory_bytes": told_bytes,
        "memory_mib": None if told_bytes is None else told_bytes >> 20,
        "worker_memory_bytes": workers.share_bytes,
        "worker_memory_mib": None if workers.share_bytes is None else workers.share_bytes >> 20,
    }
    if config.disable or config.env:
        from cgtune.own_settings import respect_choices

        decisions = respect_choices(decisions, config, figures, environment)
    decisions = _open_door(decisions, command, door, environment)
    notices += _doubts(command, environment)
    return Plan(
        command=command,
        cpus=figures["cpus"],
        memory_bytes=told_bytes,
        workers=workers.count,
        threads=threads,
        native_threads=native_threads,
        budget=workers.budget if command.server is not None or config.kind is not None else Budget(),
        settings=tuple(decision for decision in decisions if isinstance(decision, Setting)),
        not_set=tuple(decision for decision in decisions if isinstance(decision, NotSet)),
        notices=tuple(notices),
    )


def _told_memory(limits: Limits, config: Config, memory: MemoryView | None) -> int | None:
    """What a program is told to have: without a limit the machine's, not what happens to be free at its start."""
    whole_bytes = limits.memory.effective_bytes
    if limits.memory.status == UNLIMITED and whole_bytes is not None and memory is not None:
        return min(int(whole_bytes * config.memory_share), limits.memory.high_bytes or whole_bytes)
    return None if memory is None else memory.size_bytes


def _expected_workers(limits: Limits, config: Config, command: Command, cpu: CpuView, workers: Workers) -> int:
    """How many processes will share the cores, as well as it can be told."""
    if workers.count is not None:
        return max(1, workers.count)
    if command.workers is not None:
        # The user has chosen a number that cannot be read: as many as we would have taken.
        return budget.workers_by_cpu(config.kind or command.kind, cpu.cores)
    return command.default_workers or limits.cpu.host_count or 1


def _decide_threads(
    config: Config, command: Command, cpu: CpuView | None, workers: Workers, environment: Mapping[str, str]
) -> tuple[int, list[Decision]]:
    """Threads of the application in each worker: more than the program's own only where the user says so."""
    if command.threads is not None:
        given = command.threads
        reason = "yours" if given.source is None else f"yours, {given.source}"
        kept = Setting(
            name=given.name, value=given.text, via=given.via, reason=reason, provenance="user", is_kept=True
        )
        return given.value or 1, [kept]
    if config.threads == "keep" or not config.is_said("threads"):
        return 1, []
    count, reason = config.threads, config.origin_of("threads")
    source = None
    slot = command.threads_slot
    if not isinstance(count, int):
        if cpu is None or (config.kind or command.kind) != SYNC_WEB:
            return 1, [
                NotSet(name="threads", reason=f"{reason}: for web servers with threads, where the CPU is known")
            ]
        count = budget.web_threads(cpu.cores, workers.count or 1)
        reason, source = f"{cpu.phrase}, {workers.count or 1} workers", cpu.source
    if slot is None:
        return count, [NotSet(name="threads", reason=f"{reason}: no place to tell it; CGTUNE_PLAN_THREADS says it")]
    previous = None
    value = str(count)
    if slot.name == "GUNICORN_CMD_ARGS":
        previous = environment.get(slot.name)
        # In front, so that a later duplicate of the user's wins.
        value = f"--threads {count}" + (f" {previous}" if previous else "")
    provenance = "user" if isinstance(config.threads, int) else "calculated"
    ours = Setting(
        name=slot.name,
        value=value,
        via=slot.via,
        reason=reason,
        source=source,
        provenance=provenance,
        previous=previous,
    )
    return count, [ours]


def _plan_cpu(
    cpu: CpuView, count: int, threads: int, command: Command, environment: Mapping[str, str]
) -> list[Decision]:
    """What follows the cores: native pools, the number of CPUs Python tells, arenas."""
    from cgtune.runtimes import cpython, glibc, native

    decisions: list[Decision] = []
    sharing = " shared by" if cpu.is_limited else ", shared by"
    shared = f"{cpu.phrase}{sharing} {count} workers" if count > 1 else cpu.phrase
    processes = budget.processes(cpu.cores)
    if cpu.is_limited or count > 1:
        decisions += native.plan_pools(
            threads,
            max(1, processes // count),
            count,
            seen_count=cpu.seen_count,
            host_count=cpu.host_count,
            is_hidden=cpu.is_hidden,
            reason=shared,
            source=cpu.source,
            environment=environment,
        )
    if cpu.is_limited:
        decisions += cpython.plan_cpu_count(processes, cpu.phrase, cpu.source, command, environment)
    decisions.append(glibc.plan_arenas(budget.pool_threads(cpu.cores), cpu.phrase, cpu.source, environment))
    return decisions


def _open_door(
    decisions: list[Decision], command: Command, door: Door | None, environment: Mapping[str, str]
) -> list[Decision]:
    """What goes into the interpreter, with what brings it there; without a way in, it is not set."""
    injected = [decision for decision in decisions if isinstance(decision, Setting) and decision.via == "inject"]
    if not injected:
        return decisions
    from cgtune import injection_plan

    more, obstacle = injection_plan.open_door(injected, command, door, environment)
    if obstacle is None:
        return [*decisions, *more]
    refused = iter(injection_plan.leave(injected, obstacle))
    return [next(refused) if decision in injected else decision for decision in decisions]


def _doubts(command: Command, environment: Mapping[str, str]) -> list[Notice]:
    """Values of the user's that keep the program from starting. They are kept: the user may know better."""
    if command.runtime is None:
        return []
    from cgtune.runtimes import cpython

    notices = []
    # gunicorn reads the variable at its import, whatever else is said; uvicorn only where nothing else is.
    given = command.workers
    is_read = command.server == "gunicorn" or (given is not None and given.name == _CONCURRENCY_VARIABLE)
    text = environment.get(_CONCURRENCY_VARIABLE)
    if is_read and text is not None and parse_count(text) is None:
        message = f"{_CONCURRENCY_VARIABLE}={text!r} is no number: {command.server} will not start; unset it"
        notices.append(Notice(code="VALUE_BREAKS_START", message=message))
    text = environment.get(cpython.COUNT_VARIABLE) or "default"
    is_number = text.isascii() and text.isdigit() and 0 < int(text[:11]) < 1 << 31
    if text != "default" and not is_number:
        message = f"{cpython.COUNT_VARIABLE}={text!r} is no count: Python 3.13 and later will not start; unset it"
        notices.append(Notice(code="VALUE_BREAKS_START", message=message))
    return notices
