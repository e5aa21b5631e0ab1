"""CPU and memory shared out among workers, threads and native threads. Pure.

Three roundings of the cores q, because one cannot serve all (0.25 of slack, since platforms hand out quotas a
little below an integer, and since 1.1 cores must not double the number of workers):

    pool_threads(q)  max(1, floor(q + 0.25))   a pool whose threads wait for each other: OpenMP, BLAS
    processes(q)     max(1, ceil(q - 0.25))    independent single-threaded things: event loops
    web_workers(q)   min(max(2, round(2q) + 1), max(12, ceil(1.5q)))    workers that also wait

| q | pool_threads | processes | web_workers |
|---|---|---|---|
| 0.25 | 1 | 1 | 2 |
| 0.5  | 1 | 1 | 2 |
| 1    | 1 | 1 | 3 |
| 1.5  | 1 | 2 | 4 |
| 2    | 2 | 2 | 5 |
| 3.8  | 4 | 4 | 9 |
| 8    | 8 | 8 | 12 |

web_workers is gunicorn's 2n + 1 with a fractional n. Below one core it stays 2: with 4 ms of CPU and 10 ms of
waiting a request, q = 0.5 gave 70 requests/s with 1 worker, 116 with 2, 113 with 5 and 106 with 33.

Memory: a reserve of a tenth (32 MiB to 1 GiB) for page cache, sockets and helpers, the shared part once, then
as many workers as fit:

    floor((limit - reserve - shared) / worker)
"""

from __future__ import annotations

from cgtune.records import Record

_MIB = 1 << 20
RESERVE_FRACTION = 0.10
LEAST_RESERVE_BYTES = 32 * _MIB
MOST_RESERVE_BYTES = 1024 * _MIB
# A gunicorn 27 master without preload is 26 MiB resident (CPython 3.11, measured 2026-11-21).
SHARED_BYTES = 26 * _MIB
# Private memory of one worker. At rest, with no code of the application's own, it was 15 MiB with Flask, 28 with
# Django, 27 with FastAPI (same day); the rest is room for that code, its data and requests.
WORKER_BYTES = 80 * _MIB
# Without any CPU limit, the machine's size says nothing about what we should take.
MOST_WORKERS_WITHOUT_LIMIT = 4


def pool_threads(cores: float) -> int:
    """Threads for one pool whose threads wait for each other."""
    return max(1, int(cores + 0.25))


def processes(cores: float) -> int:
    """How many independent single-threaded processes."""
    return max(1, -int(-(cores - 0.25) // 1))


def web_workers(cores: float) -> int:
    """Worker processes that compute and wait, as a web server's do."""
    return min(max(2, int(2 * cores + 0.5) + 1), max(12, -int(-(1.5 * cores) // 1)))


class Budget(Record):
    """How the memory was shared out, in bytes. `worker_bytes_from` is "user" or "default"."""

    reserve_bytes: int | None = None
    shared_bytes: int | None = None
    worker_bytes: int | None = None
    worker_bytes_from: str | None = None


class MemoryRoom(Record):
    """How many workers fit; `missing_bytes` is what the first one lacks."""

    workers: int
    missing_bytes: int
    budget: Budget


def fit_workers(memory_bytes: int, worker_bytes: int | None) -> MemoryRoom:
    """How many workers fit into `memory_bytes`, for a given size of one or the assumed one."""
    one_bytes = WORKER_BYTES if worker_bytes is None else worker_bytes
    reserve_bytes = int(min(max(memory_bytes * RESERVE_FRACTION, LEAST_RESERVE_BYTES), MOST_RESERVE_BYTES))
    room_bytes = memory_bytes - reserve_bytes - SHARED_BYTES
    return MemoryRoom(
        workers=max(0, room_bytes // one_bytes),
        missing_bytes=max(0, one_bytes - room_bytes),
        budget=Budget(
            reserve_bytes=reserve_bytes,
            shared_bytes=SHARED_BYTES,
            worker_bytes=one_bytes,
            worker_bytes_from="default" if worker_bytes is None else "user",
        ),
    )


def share_threads(cores: float, workers: int) -> int:
    """Native threads of each worker, so that workers x threads stays within what the cores can run."""
    return max(1, pool_threads(cores) // workers)
