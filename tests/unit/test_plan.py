"""Limits + config + command -> plan: golden rows, each kind of limit, and the user's values as constants."""

from __future__ import annotations

import pytest

from cgtune.apply import apply_to_environment
from cgtune.budget import pool_threads, processes
from cgtune.limits import UNKNOWN, Cpu, Declared, Limits, Memory
from cgtune.templates import parse_template
from tests.unit.planning import GIB, MIB, POOLS, codes, config_of, limits_of, plan_for, set_by, setting

# quota -> sync workers, async workers, native threads of the sync and async ones
WITH_PLENTY_OF_MEMORY = {
    0.25: (2, 1, 1, 1),
    0.5: (2, 1, 1, 1),
    1: (3, 1, 1, 1),
    1.5: (4, 2, 1, 1),
    2: (5, 2, 1, 1),
    3.8: (9, 4, 1, 1),
    4: (9, 4, 1, 1),
    8: (12, 8, 1, 1),
    16: (24, 16, 1, 1),
}


@pytest.mark.parametrize("cores", WITH_PLENTY_OF_MEMORY)
def test_with_plenty_of_memory_the_quota_decides(cores: float) -> None:
    """The documented table, for sync and async workers; WEB_CONCURRENCY is what the plan counts with."""
    sync_workers, async_workers, *threads = WITH_PLENTY_OF_MEMORY[cores]
    for line, workers, native in (
        ("gunicorn app:app", sync_workers, threads[0]),
        ("gunicorn -k gevent app:app", async_workers, threads[1]),
    ):
        plan = plan_for(limits_of(cores), line)
        assert (plan.workers, plan.native_threads, plan.notices) == (workers, native, ())
        several = {"POLARS_MAX_THREADS": str(native), "TOKENIZERS_PARALLELISM": "false"} if workers > 1 else {}
        assert set_by(plan) == {
            "WEB_CONCURRENCY": str(workers),
            **dict.fromkeys(POOLS, str(native)),
            **several,
            "LOKY_MAX_CPU_COUNT": str(max(1, processes(cores) // workers)),
            "PYTHON_CPU_COUNT": str(processes(cores)),
            "MALLOC_ARENA_MAX": str(max(2, min(8, pool_threads(cores)))),
        }
        assert setting(plan, "WEB_CONCURRENCY").reason == f"CPU {cores:.2f}"
        assert setting(plan, "WEB_CONCURRENCY").source == "/cpu.max"
        shared = f" shared by {workers} workers" if workers > 1 else ""
        assert setting(plan, "OMP_NUM_THREADS").reason == f"CPU {cores:.2f}{shared}"


# quota, MiB of the container, MiB of a worker -> workers, reason
WITH_LITTLE_MEMORY = [
    (1, 256, 80, 2, "memory 256 MiB holds 2 of 80 MiB"),
    (4, 1024, 80, 9, "CPU 4.00"),
    (1, 304, 80, 3, "CPU 1.00"),
    (4, 512, 80, 5, "memory 512 MiB holds 5 of 80 MiB"),
    (8, 512, 400, 1, "memory 512 MiB holds 1 of 400 MiB"),
    (0.5, 128, 20, 2, "CPU 0.50"),
    (0.5, 128, 40, 1, "memory 128 MiB holds 1 of 40 MiB"),
]


@pytest.mark.parametrize(("cores", "memory_mib", "worker_mib", "workers", "reason"), WITH_LITTLE_MEMORY)
def test_with_little_memory_what_fits_decides(
    cores: float, memory_mib: int, worker_mib: int, workers: int, reason: str
) -> None:
    """The smaller of the two, and the reason says which."""
    plan = plan_for(limits_of(cores, memory_mib), config=config_of(worker_memory=worker_mib * MIB))
    assert (plan.workers, setting(plan, "WEB_CONCURRENCY").reason) == (workers, reason)
    assert setting(plan, "WEB_CONCURRENCY").source == ("/cpu.max" if reason.startswith("CPU") else "/memory.max")
    assert plan.budget.worker_bytes_from == "user"
    assert codes(plan) == []


def test_where_not_even_one_fits_one_is_started_and_it_is_said() -> None:
    """With what is missing and the option that corrects the assumption."""
    plan = plan_for(limits_of(4, 128), config=config_of(worker_memory=100 * MIB))
    assert (plan.workers, codes(plan)) == (1, ["MEMORY_TOO_SMALL"])
    assert plan.notices[0].message == "one worker of 100 MiB needs 36 MiB more; starting one; see --worker-memory"
    assert setting(plan, "WEB_CONCURRENCY").reason == "memory 128 MiB"


@pytest.mark.parametrize(
    ("request_cores", "host_cpus", "workers"),
    [(None, 64, 4), (None, 2, 4), (None, 1, 3), (0.3, 64, 1), (1, 64, 2), (4, 64, 8), (1000, 64, 96)],
)
def test_without_a_cpu_limit_the_machine_does_not_decide(
    request_cores: float | None, host_cpus: int, workers: int
) -> None:
    """At most four workers, or twice what was requested, never more than the machine itself suggests; it is said."""
    limits = limits_of(None, host_cpus=host_cpus, declared=Declared(cpu_request_cores=request_cores))
    plan = plan_for(limits)
    assert (plan.workers, codes(plan)) == (workers, ["CPU_UNLIMITED"])
    assert "--workers" in plan.notices[0].message
    assert "--cpu-request" in plan.notices[0].message


def test_without_a_cpu_limit_pools_are_set_only_where_they_multiply() -> None:
    """One worker may use the machine as it does by itself; several share it."""
    assert not set(POOLS) & set(set_by(plan_for(limits_of(None), config=config_of(workers=1))))
    assert set(POOLS) <= set(set_by(plan_for(limits_of(None), config=config_of(workers=2))))
    several = set_by(plan_for(limits_of(None, host_cpus=64)))
    assert (several["WEB_CONCURRENCY"], several["OMP_NUM_THREADS"]) == ("4", "16")


# One worker for all that is known, so its pools are as large as the two cores.
WAITING = ("OMP_WAIT_POLICY", "KMP_BLOCKTIME")


def unknown_cpu(limits: Limits) -> Limits:
    """The same with a CPU limit that cannot be told."""
    return limits.replace(cpu=Cpu(status=UNKNOWN, host_count=64, source="/cpu.max"))


def unknown_memory(limits: Limits) -> Limits:
    """The same with a memory limit that cannot be told."""
    return limits.replace(memory=Memory(status=UNKNOWN, host_bytes=2048 * GIB, available_bytes=GIB))


def test_an_unknown_cpu_limit_leaves_everything_alone() -> None:
    """Unknown is not unlimited: nothing is set, and it is said."""
    plan = plan_for(unknown_cpu(limits_of()))
    assert (set_by(plan), plan.workers, plan.native_threads, codes(plan)) == ({}, None, None, ["CPU_UNKNOWN"])
    assert [left.name for left in plan.not_set] == ["WEB_CONCURRENCY"]


def test_an_unknown_memory_limit_leaves_the_workers_alone() -> None:
    """The CPU's own settings need no memory; a declared limit is as good as a known one."""
    plan = plan_for(unknown_memory(limits_of(2)))
    assert (plan.workers, codes(plan)) == (None, ["MEMORY_UNKNOWN"])
    assert set(set_by(plan)) == {*POOLS, "LOKY_MAX_CPU_COUNT", "PYTHON_CPU_COUNT", "MALLOC_ARENA_MAX", *WAITING}
    assert [left.name for left in plan.not_set] == ["WEB_CONCURRENCY"]
    limits = unknown_memory(limits_of(2))
    declared = limits.replace(
        declared=Declared(memory_limit_bytes=GIB), memory=limits.memory.replace(effective_bytes=GIB)
    )
    assert (plan_for(declared).workers, codes(plan_for(declared))) == (5, [])


@pytest.mark.parametrize("unknown", [unknown_cpu, unknown_memory, lambda limits: unknown_cpu(unknown_memory(limits))])
def test_the_users_own_number_needs_no_limits(unknown: object) -> None:
    """`--workers N` is set also where nothing can be told."""
    plan = plan_for(unknown(limits_of(2)), config=config_of(workers=3))  # type: ignore[operator]
    assert plan.workers == 3
    assert set_by(plan)["WEB_CONCURRENCY"] == "3"
    assert setting(plan, "WEB_CONCURRENCY").provenance == "user"


def test_workers_of_the_command_line_are_a_constant() -> None:
    """With -w 8, native threads are shared among 8, nothing else is said about workers, and no variable is set."""
    plan = plan_for(limits_of(16), "gunicorn -w 8 app:app", config_of(workers=3))
    assert (plan.workers, plan.native_threads) == (8, 2)
    assert plan.budget.worker_bytes_from == "default"
    assert "WEB_CONCURRENCY" not in set_by(plan)
    assert setting(plan, "--workers").reason == "yours, command line"
    assert setting(plan, "OMP_NUM_THREADS").reason == "CPU 16.00 shared by 8 workers"


@pytest.mark.parametrize(
    ("environment", "name", "value", "workers"),
    [
        ({"WEB_CONCURRENCY": "8"}, "WEB_CONCURRENCY", "8", 8),
        ({"WEB_CONCURRENCY": ""}, "WEB_CONCURRENCY", "", None),
        ({"WEB_CONCURRENCY": "auto"}, "WEB_CONCURRENCY", "auto", None),
        ({"GUNICORN_CMD_ARGS": "-w 8"}, "--workers", "8", 8),
    ],
)
def test_workers_of_the_environment_are_kept(
    environment: dict[str, str], name: str, value: str, workers: int | None
) -> None:
    """As they are, also where gunicorn itself will refuse them."""
    plan = plan_for(limits_of(16), environment=environment)
    assert plan.workers == workers
    assert (setting(plan, name).value, setting(plan, name).provenance) == (value, "user")
    is_variable = name == "WEB_CONCURRENCY"
    assert setting(plan, name).via == ("env" if is_variable else "argv")
    assert setting(plan, name).reason == ("yours" if is_variable else "yours, GUNICORN_CMD_ARGS")
    assert "WEB_CONCURRENCY" not in set_by(plan, environment)
    assert plan.native_threads == (2 if workers else 1)


def test_zero_workers_divide_nothing() -> None:
    """gunicorn takes -w 0: no worker until one is asked for by a signal."""
    plan = plan_for(limits_of(4), "gunicorn -w 0 app:app")
    assert (plan.workers, plan.native_threads) == (0, 4)


def test_keep_leaves_the_workers_to_the_program() -> None:
    """And says so; native threads are still bounded."""
    plan = plan_for(limits_of(2), config=config_of(workers="keep"))
    assert (plan.workers, "WEB_CONCURRENCY" in set_by(plan)) == (None, False)
    assert plan.not_set[0].reason == "--workers keep"
    assert set_by(plan)["OMP_NUM_THREADS"] == "2"


def test_the_users_pool_size_is_the_plans() -> None:
    """The counts are what the program will have."""
    environment = {"OMP_NUM_THREADS": "6"}
    plan = plan_for(limits_of(4), environment=environment)
    assert plan.native_threads == 6
    assert "OMP_NUM_THREADS" not in set_by(plan, environment)


@pytest.mark.parametrize(
    ("line", "threads"),
    [
        ("gunicorn app:app", 1),
        ("gunicorn --threads 4 app:app", 4),
        ("gunicorn --threads 0 app:app", 1),
        ("gunicorn --threads x app:app", None),
        ("uwsgi -w app", 1),
        ("uvicorn app:app", 1),
        ("uvicorn --interface wsgi app:app", 10),
        ("uvicorn --interface wsgi --workers 2 app:app", 10),
        ("granian app:app", 1),
        ("granian --interface wsgi app:app", None),
        ("granian --interface wsgi --blocking-threads 5 app:app", 5),
        ("dramatiq tasks", 8),
        ("dramatiq-gevent tasks", 8),
        ("dramatiq -t 3 tasks", 3),
        ("celery -A app worker", 1),
        ("celery -A app worker -P threads", None),
        ("celery -A app worker -P gevent", None),
        ("celery -A app worker -P gevent -c 100", 100),
        ("celery -A app worker -P solo", 1),
        ("rq worker", 1),
        ("python app.py", 1),
    ],
)
def test_threads_are_the_users_or_the_servers_own(line: str, threads: int | None) -> None:
    """None where they go by the machine, or cannot be read; `{threads}` has a value only where they are known."""
    env = (("POOL", parse_template("{threads}")),)
    plan = plan_for(limits_of(1), line, config_of(env=env))
    assert plan.threads == threads
    assert set_by(plan).get("POOL") == (None if threads is None else str(threads))
    assert apply_to_environment(plan, {}).get("CGTUNE_PLAN_THREADS") == (None if threads is None else str(threads))


def test_a_stronger_variable_of_glibc_is_left_to_decide() -> None:
    """GLIBC_TUNABLES says arena_max: nothing is set, with the reason."""
    plan = plan_for(limits_of(1), environment={"GLIBC_TUNABLES": "glibc.malloc.arena_max=5"})
    assert "MALLOC_ARENA_MAX" not in set_by(plan)
    assert [left.name for left in plan.not_set] == ["MALLOC_ARENA_MAX"]


def test_nothing_is_planned_for_a_program_that_is_not_known() -> None:
    """No setting, no notice: whatever it is, it runs as it would; it is told what there is, for whoever asks."""
    plan = plan_for(limits_of(2, 512), "postgres -D /data")
    assert (plan.settings, plan.not_set, plan.notices) == ((), (), ())
    assert (plan.cpus, plan.memory_bytes, plan.workers, plan.threads) == (2, 512 * MIB, 2, 1)


def test_workers_of_the_users_that_may_not_fit_are_kept_and_doubted() -> None:
    """Eight workers of 80 MiB in 128 MiB stay eight, with a word about it; in 4 GiB there is nothing to say."""
    for line, config in (("gunicorn -w 8 app:app", config_of()), ("gunicorn app:app", config_of(workers=8))):
        tight = plan_for(limits_of(1, 128), line, config)
        assert (tight.workers, codes(tight)) == (8, ["WORKERS_MAY_NOT_FIT"])
        assert codes(plan_for(limits_of(1, 4096), line, config)) == []


def test_a_memory_high_that_cannot_be_read_leaves_workers_alone() -> None:
    """It might be the tightest bound of all."""
    limits = limits_of(8, 8192).replace(unknown=("memory.high_bytes",))
    plan = plan_for(limits)
    assert (plan.workers, codes(plan)) == (None, ["MEMORY_UNKNOWN"])


def test_without_a_figure_for_what_is_left_the_machine_bounds_the_workers() -> None:
    """No limit and no MemAvailable: 256 MiB of machine hold two workers of 80, whatever the CPU would take."""
    limits = limits_of(4, None, available_mib=None)
    limits = limits.replace(memory=limits.memory.replace(effective_bytes=256 * MIB))
    assert plan_for(limits).workers == 2


@pytest.mark.parametrize(
    ("request_cores", "workers", "reason", "source"),
    [
        (None, 4, "no CPU limit", "/cpu.max"),
        (1.0, 2, "twice the CPU request", "--cpu-request"),
        (100.0, 96, "no CPU limit, 64 CPUs", None),
    ],
)
def test_the_reason_without_a_limit_is_what_decided(
    request_cores: float | None, workers: int, reason: str, source: str | None
) -> None:
    """The cap, the request, or the machine's CPUs: the one that gave the number is named."""
    found = plan_for(limits_of(None, declared=Declared(cpu_request_cores=request_cores)))
    said = setting(found, "WEB_CONCURRENCY")
    assert (found.workers, said.reason, said.source) == (workers, reason, source)
