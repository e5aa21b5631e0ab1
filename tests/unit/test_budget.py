"""The arithmetic: three roundings of a quota, and how many workers fit into a size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune import budget
from cgtune.budget import (
    WorkerSize,
    assume_size,
    fit_workers,
    pool_threads,
    processes,
    share_threads,
    waiting_workers,
    web_threads,
    web_workers,
    workers_by_cpu,
)
from cgtune.settings import ASYNC_WEB, BATCH, DATA, QUEUE_CPU, QUEUE_IO, SYNC_WEB

MIB = 1 << 20
SHARED = 26 * MIB
CORES = st.floats(min_value=0.001, max_value=100_000)


def size_of(worker_bytes: int) -> WorkerSize:
    """A worker of that size beside 26 MiB that all share."""
    return WorkerSize(worker_bytes=worker_bytes, shared_bytes=SHARED, worker_bytes_from="user")


SIZES = st.integers(min_value=0, max_value=1 << 50)

# quota -> pool_threads, processes, web_workers
TABLE = {
    0.001: (1, 1, 2),
    0.1: (1, 1, 2),
    0.25: (1, 1, 2),
    0.5: (1, 1, 2),
    0.74: (1, 1, 2),
    0.75: (1, 1, 3),
    1: (1, 1, 3),
    1.1: (1, 1, 3),
    1.25: (1, 1, 4),
    1.26: (1, 2, 4),
    1.5: (1, 2, 4),
    1.75: (2, 2, 5),
    2: (2, 2, 5),
    3.8: (4, 4, 9),
    4: (4, 4, 9),
    5.5: (5, 6, 12),
    8: (8, 8, 12),
    16: (16, 16, 24),
    64: (64, 64, 96),
}


@pytest.mark.parametrize("cores", TABLE)
def test_a_quota_is_rounded_for_what_it_is_for(cores: float) -> None:
    """Pools wait for each other, processes do not, and web workers also wait for others."""
    assert (pool_threads(cores), processes(cores), web_workers(cores)) == TABLE[cores]


@given(CORES)
def test_every_rounding_is_within_reach_of_the_quota(cores: float) -> None:
    """At least one of each; never more of what computes than a quarter of a core above the quota."""
    assert 1 <= pool_threads(cores) <= max(1, cores + 0.25)
    assert max(1, cores - 0.25) <= processes(cores) < cores + 0.75 + 1e-6 or processes(cores) == 1
    assert 2 <= web_workers(cores) <= max(2, 2 * cores + 1.5)
    assert web_workers(cores) <= max(12, 1.5 * cores + 1)


@given(CORES, CORES)
def test_more_cores_never_give_fewer(one: float, other: float) -> None:
    """Each rounding rises with the quota."""
    low, high = sorted((one, other))
    for rounding in (pool_threads, processes, web_workers, waiting_workers):
        assert rounding(low) <= rounding(high)


@given(CORES, st.integers(min_value=1, max_value=10_000))
def test_native_threads_stay_within_the_cores(cores: float, workers: int) -> None:
    """workers x threads is at most what the cores can run, or one thread each."""
    threads = share_threads(cores, workers)
    assert threads >= 1
    assert workers * threads <= max(workers, pool_threads(cores))


# MiB of memory, MiB of one worker -> how many fit
ROOMS = {
    (128, 80): 0,
    (256, 80): 2,
    (512, 80): 5,
    (1024, 80): 11,
    (128, 20): 3,
    (138, 80): 1,
    (137, 80): 0,
    (0, 80): 0,
    (16, 1): 0,
    (100_000, 1000): 98,
}


@pytest.mark.parametrize(("memory_mib", "worker_mib"), ROOMS)
def test_workers_fit_beside_the_reserve_and_the_shared_part(memory_mib: int, worker_mib: int) -> None:
    """floor((limit - reserve - shared) / worker), with what one lacks where none fits."""
    room = fit_workers(memory_mib * MIB, size_of(worker_mib * MIB))
    assert room.workers == ROOMS[memory_mib, worker_mib]
    assert (room.missing_bytes > 0) is (room.workers == 0)


@pytest.mark.parametrize(("memory_mib", "reserve_mib"), [(0, 32), (128, 32), (320, 32), (1000, 100), (100_000, 1024)])
def test_the_reserve_is_a_tenth_within_bounds(memory_mib: int, reserve_mib: int) -> None:
    """At least 32 MiB, at most 1 GiB."""
    assert fit_workers(memory_mib * MIB, size_of(1)).budget.reserve_bytes == reserve_mib * MIB


def test_the_budget_says_whose_figure_it_is() -> None:
    """The assumed size is "default", a given one "user"."""
    assumed = fit_workers(MIB, assume_size(SYNC_WEB)).budget
    assert (assumed.worker_bytes_from, assumed.worker_bytes) == ("default", budget.DEFAULT_WORKER_BYTES)
    given_size = fit_workers(MIB, size_of(5)).budget
    assert (given_size.worker_bytes_from, given_size.worker_bytes) == ("user", 5)


def test_each_kind_has_its_own_assumed_size() -> None:
    """In MiB, of one worker and of what they share; an unknown kind is taken for a web server."""
    kinds = {None: (80, 32), SYNC_WEB: (80, 32), ASYNC_WEB: (80, 32), QUEUE_IO: (80, 32), QUEUE_CPU: (80, 96)}
    for kind, (worker_mib, shared_mib) in kinds.items():
        size = assume_size(kind)
        assert (size.worker_bytes, size.shared_bytes) == (worker_mib * MIB, shared_mib * MIB)
    assert assume_size(DATA).worker_bytes == assume_size(BATCH).worker_bytes == 256 * MIB


# quota -> processes of each kind: sync-web, async-web, queue-cpu, queue-io, batch, data, not known
KINDS = {
    0.25: (2, 1, 1, 2, 1, 1, 1),
    0.5: (2, 1, 1, 2, 1, 1, 1),
    1: (3, 1, 1, 4, 1, 1, 1),
    1.5: (4, 2, 2, 6, 2, 1, 2),
    2: (5, 2, 2, 8, 2, 1, 2),
    3.8: (9, 4, 4, 16, 4, 1, 4),
    8: (12, 8, 8, 32, 8, 1, 8),
    16: (24, 16, 16, 32, 16, 1, 16),
}


@pytest.mark.parametrize("cores", KINDS)
def test_each_kind_has_its_own_number_of_processes(cores: float) -> None:
    """What computes gets as many as there are cores, what waits gets more, and data is one."""
    kinds = (SYNC_WEB, ASYNC_WEB, QUEUE_CPU, QUEUE_IO, BATCH, DATA, None)
    assert tuple(workers_by_cpu(kind, cores) for kind in kinds) == KINDS[cores]


@pytest.mark.parametrize(("cores", "workers", "threads"), [(0.5, 2, 2), (1, 1, 6), (1, 3, 2), (4, 1, 8), (8, 12, 3)])
def test_threads_make_up_for_few_workers(cores: float, workers: int, threads: int) -> None:
    """Twice as many threads in all as the rule has workers; from 2 to 8 each."""
    assert web_threads(cores, workers) == threads


@given(SIZES, st.integers(min_value=1, max_value=1 << 40))
def test_what_is_said_to_fit_fits(memory_bytes: int, worker_bytes: int) -> None:
    """And one more would not; the missing bytes are what makes room for the first."""
    room = fit_workers(memory_bytes, size_of(worker_bytes))
    reserve_bytes = room.budget.reserve_bytes or 0
    left_bytes = memory_bytes - reserve_bytes - SHARED
    if room.workers:
        assert room.workers * worker_bytes <= left_bytes < (room.workers + 1) * worker_bytes
    else:
        assert left_bytes + room.missing_bytes >= worker_bytes


@given(SIZES, SIZES)
def test_more_memory_never_holds_fewer(one: int, other: int) -> None:
    """The reserve grows more slowly than the limit."""
    low, high = sorted((one, other))
    assert fit_workers(low, size_of(50 * MIB)).workers <= fit_workers(high, size_of(50 * MIB)).workers
