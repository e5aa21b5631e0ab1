"""What holds for every plan, whatever the limits, the settings, the command and the variables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cgtune.budget import pool_threads
from cgtune.config import Config
from cgtune.limits import LIMITED, UNKNOWN, UNLIMITED, Cgroup, Cpu, Declared, Limits, Memory, Pids
from tests.unit.planning import POOLS, plan_for, set_by

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
ANY_CONFIG = st.builds(
    Config,
    workers=st.sampled_from(["auto", "keep"]) | st.integers(min_value=1, max_value=10_000),
    worker_memory=st.none() | st.integers(min_value=1, max_value=1 << 60),
)
NAMES = ("WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES", *POOLS)
ANY_ENVIRONMENT = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "3", "x", "-w 5"]))
ANY_LINE = st.sampled_from(["gunicorn a:b", "gunicorn -w 8 a:b", "gunicorn -k gevent a:b", "gunicorn -w x", "true"])


@given(ANY_LIMITS, ANY_CONFIG, ANY_LINE, ANY_ENVIRONMENT)
def test_every_plan_is_safe(limits: Limits, config: Config, line: str, environment: dict[str, str]) -> None:
    """Planning never raises, adds plain positive numbers only, and leaves every variable of the user's alone.

    Native threads never multiply with the workers to more than what the cores can run.
    """
    plan = plan_for(limits, line, config, environment)
    added = set_by(plan, environment)
    assert not set(added) & set(environment)
    assert all(value.isascii() and value.isdigit() and int(value) > 0 for value in added.values())
    names = [setting.name for setting in plan.settings] + [left.name for left in plan.not_set]
    assert len(names) == len(set(names))
    if "OMP_NUM_THREADS" in added:
        workers, cores = plan.workers or 1, limits.cpu.effective_cores
        assert cores is not None
        assert workers * int(added["OMP_NUM_THREADS"]) <= max(workers, pool_threads(cores))
    if limits.cpu.effective_cores is None:
        assert set(added) <= {"WEB_CONCURRENCY"}


@given(ANY_LIMITS, ANY_LINE)
def test_what_cannot_be_told_is_never_made_up(limits: Limits, line: str) -> None:
    """Without a known CPU limit and a known memory limit, the number of workers is nobody's but the user's."""
    declared = Declared()
    memory = limits.memory
    for blind in (
        limits.replace(cpu=limits.cpu.replace(effective_cores=None)),
        limits.replace(memory=memory.replace(status=UNKNOWN, effective_bytes=None), declared=declared),
    ):
        assert "WEB_CONCURRENCY" not in set_by(plan_for(blind, line))
