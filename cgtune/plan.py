"""Limits + config + command -> Plan: every figure the program is given, and why. Pure.

    workers          sizing.py: by CPU, cut by what fits; `-w`, a variable, a config file of the user's win
    threads          the server's own, the user's, or with --threads what fits the workers
    native threads   the cores shared out among the workers
    interpreter      the number of CPUs it tells, its collector, its forks
    allocator        arenas by the cores
    env              the user's own variables, computed from the figures above

Whatever the user set is a constant in the arithmetic: with `-w 8`, native threads are shared out among 8. So what is
out of our hands (--env, --disable, an interpreter that nothing gets into) is known before any of it. Where the CPU
limit cannot be told, what depends on it is left alone; where there is none, pools are set only where workers would
multiply them.
"""

from __future__ import annotations

from cgtune import budget
from cgtune.budget import Budget
from cgtune.limits import Limits
from cgtune.notices import Notice
from cgtune.records import Record
from cgtune.resources import look_at_cpu, look_at_memory
from cgtune.settings import SYNC_WEB, Command, NotSet, Setting
from cgtune.sizing import Workers, decide_workers
from cgtune.words import parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cgtune.budget import WorkerSize
    from cgtune.config import Config
    from cgtune.injection_plan import Door
    from cgtune.resources import CpuView, MemoryView

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


def foresee(limits: Limits, config: Config, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the variables of --env, as a program will see them: behind its own, which stay."""
    if not config.env:
        return dict(environment)
    from cgtune import own_settings

    own = own_settings.foresee(config, _figures_of(look_at_cpu(limits, config), look_at_memory(limits, config)))
    return {**environment, **{name: value for name, value in own.items() if name not in environment}}


def make_plan(
    limits: Limits,
    config: Config,
    command: Command,
    environment: Mapping[str, str],
    *,
    door: Door | None = None,
    measured: WorkerSize | None = None,
) -> Plan:
    """The plan for one command, recognised in the environment that `foresee` tells.

    `environment` is what the program would start with, without what a cgtune before us has set. `door` is the way
    into a hosted interpreter, `measured` the size of this command's worker, where somebody measured it.
    """
    theirs = {**environment, **dict(command.variables)}
    environment = foresee(limits, config, theirs)
    cpu = look_at_cpu(limits, config)
    memory = look_at_memory(limits, config)
    shut = _find_shut(config, command, door, theirs)
    workers = decide_workers(limits, config, command, cpu=cpu, memory=memory, measured=measured, shut=shut)
    notices = [*_doubt_request(limits, config), *workers.notices]
    decisions: list[Decision] = [] if workers.decision is None else [workers.decision]
    threads, thread_decisions = _decide_threads(config, command, cpu, workers, environment=environment, shut=shut)
    decisions += thread_decisions
    native_threads = None
    if command.runtime is not None:
        from cgtune.runtimes import cpython, native

        if cpu is None:
            message = "the CPU limit cannot be told: CPU settings are left alone; --cpu-limit says it"
            notices.insert(0, Notice(code="CPU_UNKNOWN", message=message))
        else:
            native_threads = budget.share_threads(cpu.cores, workers.expected)
            decisions += _plan_cpu(cpu, workers.expected, native_threads, command, environment)
            native_threads = native.pool_size(environment) or native_threads
        if command.server is not None and workers.share_bytes is not None:
            decisions += cpython.plan_collector(workers.share_bytes, command)
    figures = {
        **_figures_of(cpu, memory),
        "workers": workers.count,
        "threads": threads,
        "native_threads": native_threads,
        "worker_memory_bytes": workers.share_bytes,
        "worker_memory_mib": None if workers.share_bytes is None else workers.share_bytes >> 20,
    }
    if config.env or shut:
        from cgtune import own_settings

        own = own_settings.user_variables(config, figures, theirs)
        decisions = own_settings.respect_choices(decisions, own, shut)
        environment = {**_variables(decisions), **theirs}
    decisions = _open_door(decisions, command, door, environment, theirs)
    notices += _doubts(command, environment)
    return Plan(
        command=command,
        cpus=figures["cpus"],
        memory_bytes=None if memory is None else memory.told_bytes,
        workers=workers.count,
        threads=threads,
        native_threads=native_threads,
        budget=workers.budget if command.server is not None or config.kind is not None else Budget(),
        settings=tuple(decision for decision in decisions if isinstance(decision, Setting)),
        not_set=tuple(decision for decision in decisions if isinstance(decision, NotSet)),
        notices=tuple(notices),
    )


def _figures_of(cpu: CpuView | None, memory: MemoryView | None) -> dict[str, float | int | None]:
    """What is known before the program is looked at."""
    return {
        "cpus": None if cpu is None else cpu.cores,
        "memory_bytes": None if memory is None else memory.told_bytes,
        "memory_mib": None if memory is None else memory.told_bytes >> 20,
    }


def _find_shut(config: Config, command: Command, door: Door | None, theirs: Mapping[str, str]) -> dict[str, str]:
    """The settings that are out of our hands, and why."""
    shut: dict[str, str] = {}
    injected: Sequence[str] = ()
    if command.runtime is not None:
        from cgtune import injection_plan

        injected = tuple(injection_plan.WORDS)
        obstacle = injection_plan.find_obstacle(command, door)
        shut = {} if obstacle is None else dict.fromkeys(injected, obstacle)
    if config.disable:
        from cgtune.own_settings import find_refused

        shut |= find_refused(config, injected)
    return shut | {name: f"--env {name}" for name, _ in config.env if name not in theirs}


def _decide_threads(
    config: Config,
    command: Command,
    cpu: CpuView | None,
    workers: Workers,
    *,
    environment: Mapping[str, str],
    shut: Mapping[str, str],
) -> tuple[int | None, list[Decision]]:
    """Threads of the application in each worker: more than the program's own only where the user says so.

    None where they are nobody's to tell.
    """
    if command.threads is not None:
        given = command.threads
        reason = "yours" if given.source is None else f"yours, {given.source}"
        kept = Setting(
            name=given.name, value=given.text, via=given.via, reason=reason, provenance="user", is_kept=True
        )
        return None if given.value is None else max(1, given.value), [kept]
    its_own = command.default_threads
    if config.threads == "keep" or not config.is_said("threads"):
        return its_own, []
    count, reason = config.threads, config.origin_of("threads")
    source = None
    slot = command.threads_slot
    if slot is not None and slot.name in shut:
        return its_own, [NotSet(name="threads", reason=f"{reason}: {slot.name} is not ours, {shut[slot.name]}")]
    if not isinstance(count, int):
        if cpu is None or (config.kind or command.kind) != SYNC_WEB:
            reason = f"{reason}: for web servers with threads, where the CPU is known"
            return its_own, [NotSet(name="threads", reason=reason)]
        count = budget.web_threads(cpu.cores, workers.expected)
        reason, source = f"{cpu.phrase}, {workers.expected} workers", cpu.source
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
    decisions: list[Decision],
    command: Command,
    door: Door | None,
    environment: Mapping[str, str],
    theirs: Mapping[str, str],
) -> list[Decision]:
    """The same, with what brings into the interpreter what is to be injected."""
    if door is None or not any(isinstance(decision, Setting) and decision.via == "inject" for decision in decisions):
        return decisions
    from cgtune import injection_plan

    way = injection_plan.plan_way(command, door, environment, theirs.get(injection_plan.PATH_VARIABLE))
    # It leads to what --env says under that name as well.
    return decisions if way is None else [*(left for left in decisions if left.name != way.name), way]


def _variables(decisions: Sequence[Decision]) -> dict[str, str]:
    return {made.name: made.value for made in decisions if isinstance(made, Setting) and made.via == "env"}


def _doubt_request(limits: Limits, config: Config) -> list[Notice]:
    """A request that everything should be sized by, and that nobody has said."""
    if config.cpu_from != "request" or limits.declared.cpu_request_cores is not None:
        return []
    message = f"{config.origin_of('cpu_from')} request, but no CPU request is known: --cpu-request says it"
    return [Notice(code="CPU_REQUEST_UNKNOWN", message=message)]


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
