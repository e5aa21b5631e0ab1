"""What holds for every plan, whatever the limits, the settings, the command and the variables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cgtune.apply import apply_to_environment
from cgtune.budget import pool_threads, processes
from cgtune.config import Config
from cgtune.limits import LIMITED, UNKNOWN, UNLIMITED, Cgroup, Cpu, Declared, Limits, Memory, Pids
from cgtune.marker import strip
from cgtune.templates import parse_template
from tests.unit.planning import POOLS, config_of, plan_for, set_by

CORES = st.none() | st.floats(min_value=1e-6, max_value=1e6)
SIZES = st.none() | st.integers(min_value=0, max_value=1 << 62)
COUNTS = st.none() | st.integers(min_value=1, max_value=10_000)
STATUSES = st.sampled_from([LIMITED, UNLIMITED, UNKNOWN])
PATHS = st.none() | st.just("/some/file")
ANY_LIMITS = st.builds(
    Limits,
    cgroup=st.just(Cgroup(version=2, mode="v2")),
    cpu=st.builds(
        Cpu,
        status=STATUSES,
        quota_cores=CORES,
        effective_cores=CORES,
        cpuset_count=COUNTS,
        host_count=COUNTS,
        source=PATHS,
        cpuset_dir=PATHS,
    ),
    memory=st.builds(
        Memory,
        status=STATUSES,
        limit_bytes=SIZES,
        effective_bytes=SIZES,
        high_bytes=SIZES,
        available_bytes=SIZES,
        source=PATHS,
    ),
    pids=st.just(Pids()),
    declared=st.builds(Declared, cpu_limit_cores=CORES, memory_limit_bytes=SIZES, cpu_request_cores=CORES),
)
SHARES = st.sampled_from([1.0, 0.5, 0.01])
VALUES: dict[str, st.SearchStrategy[object]] = {
    "workers": st.sampled_from(["auto", "keep"]) | st.integers(min_value=1, max_value=10_000),
    "threads": st.sampled_from(["auto", "keep"]) | st.integers(min_value=1, max_value=1000),
    "max_workers": st.integers(min_value=1, max_value=100),
    "worker_memory": st.integers(min_value=1, max_value=1 << 60),
    "cpu_share": SHARES,
    "memory_share": SHARES,
    "cpu_from": st.sampled_from(["limit", "request"]),
    "kind": st.sampled_from(["sync-web", "async-web", "queue-cpu", "queue-io", "batch", "data"]),
    "disable": st.sampled_from([(), ("native",), ("inject",), ("MALLOC_ARENA_MAX", "gc")]),
    "env": st.sampled_from([(("POOL", parse_template("{workers * 4}")), ("X", parse_template("{1 // memory_mib}")))]),
}
ANY_CONFIG = st.fixed_dictionaries({}, optional=VALUES).map(lambda values: config_of(**values))
NAMES = (
    *("WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "PYTHON_CPU_COUNT", "POOL"),
    *("PYTHONPATH", "CELERY_WORKER_CONCURRENCY", "GRANIAN_WORKERS", *POOLS),
)
ANY_ENVIRONMENT = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "3", "x", "-w 5", "a b&c=%"]))
LINES = (
    *(
        "gunicorn a:b",
        "gunicorn -w 8 a:b",
        "gunicorn -k gevent --preload a:b",
        "gunicorn -w x",
        "true",
        "python a.py",
    ),
    *("uvicorn a:b", "hypercorn a:b", "granian --interface wsgi a:b", "uwsgi a.ini", "celery -A a worker"),
    *("celery -A a worker -P gevent", "rq worker-pool", "dramatiq a", "python -I -m gunicorn a:b", "sh -c gunicorn"),
    *("x $(CGTUNE_PLAN_WORKERS)", "gunicorn -w $(CGTUNE_PLAN_WORKERS) a:b"),
)
ANY_LINE = st.sampled_from(LINES)
# What the variables below hold is a count; the others name modes or folders.
NOT_COUNTS = {"TOKENIZERS_PARALLELISM", "OMP_WAIT_POLICY", "KMP_BLOCKTIME", "GUNICORN_CMD_ARGS", "POOL", "X"}


@given(ANY_LIMITS, ANY_CONFIG, ANY_LINE, ANY_ENVIRONMENT)
def test_every_plan_is_safe(limits: Limits, config: Config, line: str, environment: dict[str, str]) -> None:
    """Planning never raises, adds plain positive numbers only, and changes no variable of the user's.

    What it adds to stands in front of what the user has.
    """
    plan = plan_for(limits, line, config, environment)
    added = set_by(plan, environment)
    assert set(added) & set(environment) <= {"GUNICORN_CMD_ARGS"}
    assert all(added[name].endswith(environment[name]) for name in set(added) & set(environment))
    counts = [value for name, value in added.items() if name not in NOT_COUNTS]
    assert all(value.isascii() and value.isdigit() and int(value) > 0 for value in counts)
    assert "" not in added.values()
    names = [setting.name for setting in plan.settings] + [left.name for left in plan.not_set]
    assert len(names) == len(set(names))


@given(ANY_LIMITS, ANY_CONFIG, ANY_LINE, ANY_ENVIRONMENT)
def test_native_threads_never_multiply_beyond_the_cores(
    limits: Limits, config: Config, line: str, environment: dict[str, str]
) -> None:
    """workers x native threads is at most what the cores can run, or one thread each."""
    plan = plan_for(limits, line, config, environment)
    added = set_by(plan, environment)
    if "OMP_NUM_THREADS" in added:
        assert plan.cpus is not None
        workers = plan.workers or 1
        assert workers * int(added["OMP_NUM_THREADS"]) <= max(workers, pool_threads(plan.cpus))
        assert int(added.get("LOKY_MAX_CPU_COUNT", 1)) * workers <= max(workers, processes(plan.cpus))


@given(ANY_LIMITS, ANY_CONFIG, ANY_LINE, ANY_ENVIRONMENT)
def test_workers_fit_the_memory_or_it_is_said_by_how_much_not(
    limits: Limits, config: Config, line: str, environment: dict[str, str]
) -> None:
    """Reserve, shared part and workers together; the notice names what is missing."""
    plan = plan_for(limits, line, config, environment)
    spent = plan.budget
    if plan.memory_bytes is None or spent.worker_bytes is None or plan.workers is None or plan.command.server is None:
        return
    if limits.memory.status == UNLIMITED:
        return  # what happens to be available is another figure than the machine's, which the program is told
    needed = (spent.reserve_bytes or 0) + (spent.shared_bytes or 0) + plan.workers * spent.worker_bytes
    said = [notice for notice in plan.notices if notice.code in ("MEMORY_TOO_SMALL", "WORKERS_MAY_NOT_FIT")]
    if needed > plan.memory_bytes and plan.workers > 1:
        assert said
        assert "short" in said[0].message
    if any(notice.code == "MEMORY_TOO_SMALL" for notice in said):
        assert needed > plan.memory_bytes
        assert "more" in said[0].message


@given(ANY_LIMITS, ANY_CONFIG, ANY_LINE, ANY_ENVIRONMENT)
def test_planning_again_under_its_own_output_changes_nothing(
    limits: Limits, config: Config, line: str, environment: dict[str, str]
) -> None:
    """A cgtune in a program that a cgtune has started plans the same, and starts its program with the same."""
    once = apply_to_environment(plan_for(limits, line, config, environment), environment)
    assert strip(once) == environment
    again = apply_to_environment(plan_for(limits, line, config, strip(once)), strip(once))
    assert again == once


@given(ANY_LIMITS, ANY_LINE, ANY_ENVIRONMENT)
def test_what_a_script_changes_in_between_is_kept(limits: Limits, line: str, environment: dict[str, str]) -> None:
    """A value that no longer equals the marker's is the user's to the next cgtune."""
    once = apply_to_environment(plan_for(limits, line, environment=environment), environment)
    once["OMP_NUM_THREADS"] = "77"
    inner = strip(once)
    assert inner["OMP_NUM_THREADS"] == "77"
    assert apply_to_environment(plan_for(limits, line, environment=inner), inner)["OMP_NUM_THREADS"] == "77"


@given(ANY_LIMITS, ANY_LINE)
def test_unknown_limits_set_nothing(limits: Limits, line: str) -> None:
    """Where neither CPU nor memory can be told, not one variable is set, and nothing is injected."""
    blind = limits.replace(
        cpu=limits.cpu.replace(status=UNKNOWN, effective_cores=None, quota_cores=None),
        memory=Memory(status=UNKNOWN, limit_bytes=None, effective_bytes=None),
        declared=Declared(),
        unknown=("cpu", "memory"),
    )
    plan = plan_for(blind, line)
    assert [setting for setting in plan.settings if not setting.is_kept] == []
    assert set_by(plan) == {}


@given(ANY_LIMITS, ANY_LINE)
def test_what_cannot_be_told_is_never_made_up(limits: Limits, line: str) -> None:
    """Without a known CPU limit and a known memory limit, the number of workers is nobody's but the user's."""
    memory = limits.memory
    for blind in (
        limits.replace(cpu=limits.cpu.replace(effective_cores=None)),
        limits.replace(memory=memory.replace(status=UNKNOWN, effective_bytes=None), declared=Declared()),
    ):
        plan = plan_for(blind, line)
        assert not {"WEB_CONCURRENCY", "UWSGI_PROCESSES", "GRANIAN_WORKERS"} & set(set_by(plan))


@given(ANY_LIMITS, ANY_CONFIG, st.sampled_from(LINES[:4]), ANY_ENVIRONMENT)
def test_the_users_number_of_workers_is_a_constant(
    limits: Limits, config: Config, line: str, environment: dict[str, str]
) -> None:
    """-w, or a variable of theirs, is what the plan counts with, whatever the limits and the options say."""
    given_number = {"gunicorn -w 8 a:b": 8}.get(line)
    if given_number is not None:
        assert plan_for(limits, line, config, environment).workers == given_number
    elif environment.get("WEB_CONCURRENCY") == "3" and "-w" not in environment.get("GUNICORN_CMD_ARGS", "") + line:
        assert plan_for(limits, line, config, environment).workers == 3
