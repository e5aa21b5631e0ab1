"""The CPU and the memory as a plan sees them: which of several bounds counts, what it is called, what is told."""

from __future__ import annotations

import pytest

from cgtune.apply import apply_to_environment
from cgtune.cli.plan import imagine
from cgtune.limits import UNLIMITED, Declared
from cgtune.resources import look_at_cpu, look_at_memory
from tests.unit.planning import GIB, MIB, codes, config_of, limits_of, plan_for, set_by, setting


def test_a_cpu_set_is_a_limit() -> None:
    """Two of 64 CPUs to run on: sized for two, without a notice, and the CPU set named where it is what cuts."""
    limits = limits_of(None)
    cpu = limits.cpu.replace(effective_cores=2.0, cpuset_count=2, cpuset_dir="/cpuset")
    plan = plan_for(limits.replace(cpu=cpu))
    assert (plan.workers, plan.notices) == (5, ())
    assert setting(plan, "OMP_NUM_THREADS").reason == "2 CPUs to run on shared by 5 workers"
    assert setting(plan, "OMP_NUM_THREADS").source == "/cpuset"
    by_affinity = plan_for(limits.replace(cpu=cpu.replace(cpuset_count=64)))
    assert (by_affinity.workers, setting(by_affinity, "OMP_NUM_THREADS").source) == (5, None)


def test_a_quota_beyond_the_machine_is_not_the_reason() -> None:
    """64 cores of quota on 2 CPUs: sized for the 2, still as one who was given a limit."""
    plan = plan_for(limits_of(64, host_cpus=2))
    assert (plan.workers, plan.notices) == (5, ())
    assert setting(plan, "OMP_NUM_THREADS").reason == "2 CPUs to run on shared by 5 workers"


def test_a_declared_limit_is_the_reason_where_it_is_the_tightest() -> None:
    """The user's word for what cannot be seen, and only then."""
    declared = Declared(cpu_limit_cores=1, memory_limit_bytes=256 * MIB)
    config = config_of(worker_memory=80 * MIB)
    plan = plan_for(limits_of(4, 1024, declared=declared), config=config)
    assert (plan.workers, setting(plan, "WEB_CONCURRENCY").source) == (2, "--memory-limit")
    assert setting(plan, "OMP_NUM_THREADS").source == "--cpu-limit"
    alone = plan_for(limits_of(None, declared=declared), config=config)
    assert (alone.workers, codes(alone), set_by(alone)["OMP_NUM_THREADS"]) == (2, [], "1")
    looser = plan_for(limits_of(0.5, 256, declared=declared), config=config)
    assert (looser.workers, setting(looser, "OMP_NUM_THREADS").source) == (2, "/cpu.max")


def test_without_a_memory_limit_what_is_available_bounds_the_workers() -> None:
    """The machine's free memory is no limit, but more than that there is not; unknown, nothing bounds them."""
    config = config_of(worker_memory=100 * MIB)
    plan = plan_for(limits_of(8, None, available_mib=400), config=config)
    assert plan.workers == 3
    assert setting(plan, "WEB_CONCURRENCY").reason == "available memory 400 MiB holds 3 of 100 MiB"
    assert setting(plan, "WEB_CONCURRENCY").source == "/proc/meminfo"
    assert plan_for(limits_of(8, None, available_mib=None), config=config).workers == 12


def test_memory_high_below_the_limit_decides() -> None:
    """The kernel throttles from there on, long before it kills; above what binds it means nothing."""
    config = config_of(worker_memory=100 * MIB)
    plan = plan_for(limits_of(8, 4096, high_bytes=512 * MIB), config=config)
    assert plan.workers == 4
    assert setting(plan, "WEB_CONCURRENCY").reason == "memory.high of 512 MiB holds 4 of 100 MiB"
    assert plan_for(limits_of(8, None, high_bytes=512 * MIB), config=config).workers == 4
    assert plan_for(limits_of(8, None, available_mib=None, high_bytes=512 * MIB), config=config).workers == 4
    above = plan_for(limits_of(8, 512, high_bytes=8192 * MIB), config=config)
    assert setting(above, "WEB_CONCURRENCY").reason == "memory 512 MiB holds 4 of 100 MiB"


def test_a_declared_limit_stands_in_for_none() -> None:
    """Without a limit of the kernel's, the user's word counts, not what the machine has left."""
    limits = limits_of(8, None, available_mib=100_000, declared=Declared(memory_limit_bytes=512 * MIB))
    plan = plan_for(limits, config=config_of(worker_memory=100 * MIB))
    assert (plan.workers, setting(plan, "WEB_CONCURRENCY").source) == (4, "--memory-limit")


def test_a_declared_limit_beyond_the_machine_is_one() -> None:
    """4 cores declared on 2 CPUs: sized for the 2 without a notice, as with a quota of 4."""
    declared = plan_for(limits_of(None, host_cpus=2, declared=Declared(cpu_limit_cores=4)))
    quota = plan_for(limits_of(4, host_cpus=2))
    assert (declared.workers, declared.notices) == (quota.workers, quota.notices) == (5, ())
    assert setting(declared, "OMP_NUM_THREADS").reason == "2 CPUs to run on shared by 5 workers"
    # The control: a request says nothing of the kind.
    assert codes(plan_for(limits_of(None, host_cpus=2, declared=Declared(cpu_request_cores=4)))) == ["CPU_UNLIMITED"]


def test_sizing_by_a_request_that_nobody_has_said_is_noticed() -> None:
    """Then the limit counts; the option is named."""
    config = config_of(cpu_from="request")
    plan = plan_for(limits_of(2), config=config)
    assert (plan.workers, codes(plan)) == (5, ["CPU_REQUEST_UNKNOWN"])
    assert "--cpu-request" in plan.notices[0].message
    said = plan_for(limits_of(2, declared=Declared(cpu_request_cores=0.5)), config=config)
    assert (said.workers, said.notices, said.cpus) == (3, (), 1)


def test_a_request_that_was_said_is_not_asked_for() -> None:
    """The notice of a missing limit names what bounds the workers, and what else could."""
    (silent,) = plan_for(limits_of(None)).notices
    (said,) = plan_for(limits_of(None, declared=Declared(cpu_request_cores=0.5))).notices
    assert silent.message.endswith("at most 4; say --workers or --cpu-request for another number")
    assert said.message.endswith("at most 1, twice --cpu-request; say --workers for another number")


Bounds = tuple[int | None, int | None, int | None, float]
# limit, available, high in MiB, share -> MiB that workers must fit into, MiB that a program is told
MEMORY: list[tuple[Bounds, int, int]] = [
    ((512, 100, None, 1.0), 512, 512),
    ((512, 100, None, 0.5), 256, 256),
    ((512, 100, 128, 1.0), 128, 128),
    ((512, 100, 1024, 1.0), 512, 512),
    ((None, 100, None, 1.0), 100, 2 << 20),
    ((None, 100, None, 0.5), 50, 1 << 20),
    ((None, 100, 400, 1.0), 100, 400),
    ((None, 100, 400, 0.5), 50, 200),
    ((None, 100, 50, 1.0), 50, 50),
    ((None, None, None, 1.0), 2 << 20, 2 << 20),
]


@pytest.mark.parametrize(("bounds", "size", "told"), MEMORY)
def test_workers_fit_what_is_left_and_a_program_is_told_what_there_is(bounds: Bounds, size: int, told: int) -> None:
    """They differ only without a limit: what happens to be free at the start is no measure for a cache."""
    limit, available, high, share = bounds
    limits = limits_of(1, limit, available_mib=available, high_bytes=None if high is None else high * MIB)
    config = config_of(memory_share=share)
    view = look_at_memory(limits, config)
    assert view is not None
    assert (view.size_bytes, view.told_bytes) == (size * MIB, told * MIB)
    given = apply_to_environment(plan_for(limits, config=config), {})
    assert given["CGTUNE_PLAN_MEMORY_BYTES"] == str(told * MIB)


def test_an_imagined_limit_leaves_the_callers_machine_out() -> None:
    """--what-if-cpus is the same whether it is asked on 2 CPUs or on 64, bound to one or free."""
    config = config_of()
    flags = {"what-if-cpus": 4.0, "what-if-memory": 2 * GIB}
    plans: list[dict[str, str]] = []
    for host_cpus, bound, memory_mib in ((2, None, 512), (4, 1, 512), (64, None, None)):
        limits = limits_of(None, memory_mib, host_cpus=host_cpus)
        limits = limits.replace(cpu=limits.cpu.replace(affinity_count=bound, cpuset_count=bound))
        imagined = imagine(limits, flags)
        view = look_at_cpu(imagined, config)
        assert view is not None
        assert (view.cores, view.is_limited, view.seen_count, view.host_count) == (4, True, None, None)
        for line in ("gunicorn a:b", "python a.py", "celery -A a worker", "dramatiq a"):
            plans.append(set_by(plan_for(imagined, line, config)))
    assert plans[:4] == plans[4:8] == plans[8:]
    assert plans[1]["OMP_NUM_THREADS"] == "4"
    assert imagine(limits, {}) == limits
    assert limits.memory.status == UNLIMITED
