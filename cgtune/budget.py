"""CPU and memory shared out among workers, threads and native threads. Pure.

Three roundings of the cores q, because one cannot serve all (0.25 of slack, since platforms hand out quotas a
little below an integer, and since 1.1 cores must not double the number of workers):

    pool_threads(q)  max(1, floor(q + 0.25))   a pool whose threads wait for each other: OpenMP, BLAS
    processes(q)     max(1, ceil(q - 0.25))    independent single-threaded things: event loops
    web_workers(q)   min(max(2, round(2q) + 1), max(12, ceil(1.5q)))    workers that also wait
    waiting_workers(q)  min(max(2, ceil(4q)), 32)                       workers that mostly wait

| q | pool_threads | processes | web_workers | waiting_workers |
|---|---|---|---|---|
| 0.25 | 1 | 1 | 2 | 2 |
| 0.5  | 1 | 1 | 2 | 2 |
| 1    | 1 | 1 | 3 | 4 |
| 1.5  | 1 | 2 | 4 | 6 |
| 2    | 2 | 2 | 5 | 8 |
| 3.8  | 4 | 4 | 9 | 16 |
| 8    | 8 | 8 | 12 | 32 |

| kind | processes |
|---|---|
| sync-web | web_workers |
| async-web, queue-cpu, batch, not known | processes |
| queue-io | waiting_workers |
| data | 1 |

web_workers is gunicorn's 2n + 1 with a fractional n. Below one core it stays 2: with 4 ms of CPU and 10 ms of
waiting a request, q = 0.5 gave 70 requests/s with 1 worker, 116 with 2, 113 with 5 and 106 with 33.

Memory: a reserve of a tenth (32 MiB to 1 GiB) for page cache, sockets and helpers, the shared part once, then
as many workers as fit:

    floor((limit - reserve - shared) / worker)
"""

from __future__ import annotations

from cgtune.records import Record
from cgtune.settings import BATCH, DATA, QUEUE_CPU, QUEUE_IO, SYNC_WEB

_MIB = 1 << 20
RESERVE_FRACTION = 0.10
LEAST_RESERVE_BYTES = 32 * _MIB
MOST_RESERVE_BYTES = 1024 * _MIB
# What a server and its workers share, and the private memory of one worker, by kind. Measured with
# bench/worker_size.py (two workers, 400 requests or tasks, CPython 3.11, 2026-11-21), in MiB:
#
#                                     private  shared
#   Flask + SQLAlchemy, gunicorn         43      24      pandas imported besides: 74, 39
#   Django + admin + REST, gunicorn      45      23      with 4 threads: 49, 24
#   FastAPI + SQLAlchemy, uvicorn        55      28      gunicorn 52, hypercorn 58, granian 52; with pandas 87, 41
#   Celery, SQLAlchemy + requests        39      71      Django 37, 92; pandas 37, 114; where tasks raise 66 to 88
#   Dramatiq, 8 threads                  56      22
#   RQ, a worker's child                 52      37
#
# On CPython 3.13 they are within 2 MiB of these. The default is the upper quarter with a fourth more for growth, and
# some 20 MiB for the application's own code. Celery's master imports the application too, and stays. What numeric
# programs hold is nobody's guess; theirs is what they begin with, several libraries imported.
SHARED_BYTES: dict[str | None, int] = {QUEUE_CPU: 96 * _MIB}
DEFAULT_SHARED_BYTES = 32 * _MIB
WORKER_BYTES: dict[str | None, int] = {BATCH: 256 * _MIB, DATA: 256 * _MIB}
DEFAULT_WORKER_BYTES = 80 * _MIB
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


def waiting_workers(cores: float) -> int:
    """Worker processes that mostly wait, as those of a queue of small tasks do."""
    return min(max(2, -int(-(4 * cores) // 1)), 32)


def workers_by_cpu(kind: str | None, cores: float) -> int:
    """How many processes of a kind the cores keep busy."""
    if kind == SYNC_WEB:
        return web_workers(cores)
    if kind == QUEUE_IO:
        return waiting_workers(cores)
    return 1 if kind == DATA else processes(cores)


def web_threads(cores: float, workers: int) -> int:
    """Threads of each worker, where the user wants some: in all twice the workers that the CPU keeps busy."""
    return min(max(2, -int(-2 * (2 * cores + 1) // workers)), 8)


class Budget(Record):
    """How the memory was shared out, in bytes. `worker_bytes_from` is "measured", "user" or "default"."""

    reserve_bytes: int | None = None
    shared_bytes: int | None = None
    worker_bytes: int | None = None
    worker_bytes_from: str | None = None


class WorkerSize(Record):
    """Private memory of one worker and what all share, in bytes, and who says so."""

    worker_bytes: int
    shared_bytes: int
    worker_bytes_from: str


class MemoryRoom(Record):
    """How many workers fit; `missing_bytes` is what the first one lacks, `share_bytes` what all of them may share."""

    workers: int
    missing_bytes: int
    share_bytes: int
    budget: Budget


def assume_size(kind: str | None) -> WorkerSize:
    """What a worker of a kind is taken to need, when nobody has measured or said it."""
    return WorkerSize(
        worker_bytes=WORKER_BYTES.get(kind, DEFAULT_WORKER_BYTES),
        shared_bytes=SHARED_BYTES.get(kind, DEFAULT_SHARED_BYTES),
        worker_bytes_from="default",
    )


def reserve(memory_bytes: int) -> int:
    """What is left to page cache, sockets and helpers."""
    return int(min(max(memory_bytes * RESERVE_FRACTION, LEAST_RESERVE_BYTES), MOST_RESERVE_BYTES))


def fit_workers(memory_bytes: int, size: WorkerSize) -> MemoryRoom:
    """How many workers of that size fit into `memory_bytes`."""
    reserve_bytes = reserve(memory_bytes)
    room_bytes = memory_bytes - reserve_bytes - size.shared_bytes
    return MemoryRoom(
        workers=max(0, room_bytes // size.worker_bytes),
        missing_bytes=max(0, size.worker_bytes - room_bytes),
        share_bytes=max(0, room_bytes),
        budget=Budget(
            reserve_bytes=reserve_bytes,
            shared_bytes=size.shared_bytes,
            worker_bytes=size.worker_bytes,
            worker_bytes_from=size.worker_bytes_from,
        ),
    )


def share_threads(cores: float, workers: int) -> int:
    """Native threads of each worker, so that workers x threads stays within what the cores can run."""
    return max(1, pool_threads(cores) // max(1, workers))
