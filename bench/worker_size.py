"""How much memory one worker takes: typical applications, each under its server, at rest and after some work.

    python -m bench.worker_size [--python PATH] [--only WORD] [--requests 400]

Each stack is started with two workers, so that pages which workers share are not counted as one worker's own.

    worker     Private_Clean + Private_Dirty of /proc/PID/smaps_rollup, the mean of the workers: what one more costs
    shared     the Pss of all its processes less the workers' private memory: what is there once
    master     the master's own Pss

A Redis carries the tasks of the queues. Environment as `cgtune run` sets it: one native thread, two arenas.

MiB, 400 requests or tasks, CPython 3.11.7, glibc 2.36 (2026-11-21; CPython 3.13.0 was within 2 MiB, pandas 3 below):

                                               at rest   worked      rss   shared   master
    sync-web  gunicorn, Flask + SQLAlchemy        42.5     42.7     58.1     23.9     15.2
    sync-web  gunicorn, the same, 4 threads       42.8     44.2     59.6     24.1     15.3
    sync-web  gunicorn, Django + admin + REST     39.3     44.5     58.8     23.0     15.3
    sync-web  gunicorn, the same, 4 threads       39.5     48.9     63.4     23.3     15.4
    sync-web  gunicorn, Flask, numpy              48.3     48.5     69.9     29.3     15.1
    sync-web  gunicorn, Flask, pandas             74.1     74.3    104.0     37.7     15.2
    sync-web  granian WSGI, Flask                 43.9     46.0     67.3     29.6     16.0
    async-web gunicorn -k uvicorn_worker, FastAPI 51.0     52.3     71.6     28.7     16.7
    async-web uvicorn, FastAPI                    54.3     55.5     72.8     26.2     16.6
    async-web uvicorn, FastAPI, pandas            85.8     87.0    118.0     39.5     16.6
    async-web hypercorn, FastAPI                  54.3     57.9     75.3     27.5     18.0
    async-web granian ASGI, FastAPI               51.4     52.4     76.6     32.3     16.0
    queue     celery, SQLAlchemy + requests       20.6     29.8     66.6     70.5     44.1
    queue     celery, Django                      27.0     37.1     88.5     91.5     53.7
    queue     celery, pandas                      26.1     36.7     99.0    114.4     69.3
    queue     dramatiq, 8 threads                 41.0     55.8     70.1     21.6     13.8
    queue     rq, worker and its child            10.0     52.0    105.2     37.1     13.9

Celery's master imports the application and its children share that until they write to it: 4000 tasks later a child
of the first row had 39 MiB of its own, and 66 where every task raised an error.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.worker_stacks import REQUIREMENTS, STACKS, Stack
from lab.cache import made_once
from lab.engine import free_port
from lab.machine import apt_install
from lab.process import run
from lab.wheel import key_of, pip_of

PROJECT = Path(__file__).resolve().parent.parent
WORKERS = 2
_MIB = 1 << 20
_READY_SECONDS = 60
_BODY = b'{"tags": ["a", "b"], "order": {"id": 1, "name": "order", "total": 2.5}}'
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "PYTHONPATH": str(PROJECT)}


@dataclass(frozen=True)
class Size:
    """Memory in bytes: of one worker, of what is there once, of the master alone; and the workers' mean RSS."""

    worker: float
    shared: float
    master_pss: float
    worker_rss: float


def make_environment(python: Path) -> Path:
    """A virtual environment of `python` with what the applications need; made once. Its interpreter."""

    def make(folder: Path) -> None:
        run([python, "-m", "venv", folder]).check()
        run([*pip_of(folder), "install", "--quiet", *REQUIREMENTS], timeout=900).check()

    version = run([python, "-c", "import sys; print(sys.version)"]).check().stdout
    return made_once(f"worker-size-{key_of(version, *sorted(REQUIREMENTS))}", make) / "bin/python"


def measure(stack: Stack, python: Path, redis: str, requests: int) -> tuple[Size, Size]:
    """The size of `stack` at rest, and after `requests` requests or tasks."""
    port = free_port()
    words = [word.format(port=port, redis=redis) for word in stack.argv]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CGTUNE")},
        **_ENVIRONMENT,
        "APP_EXTRA": stack.extra,
        "APP_REDIS": redis,
        "APP_QUEUE": stack.queue,
    }
    with tempfile.TemporaryFile() as said, tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [python, "-m", *words], env=environment, cwd=folder, stdout=said, stderr=said, start_new_session=True
        )
        try:
            if stack.queue:
                _wait_for_workers(server)
                at_rest = _settled_size(server)
                # RQ's children live as long as their job: these stay until they are measured.
                _put_tasks(python, environment, WORKERS if stack.queue == "rq" else requests)
                _wait_until_done(redis)
                return at_rest, _settled_size(server)
            _wait_for_workers(server, port, stack.paths[0])
            at_rest = _settled_size(server)
            _ask(port, stack.paths, requests)
            return at_rest, _settled_size(server)
        except Exception as error:
            said.seek(0)
            raise RuntimeError(f"{stack.name}: {error}: {said.read()[-2000:].decode(errors='replace')}") from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def workers_of(master: int) -> list[int]:
    """The processes below `master`, without those that only watch over shared things."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [master]
    while queue:
        children = parents.get(queue.pop(), [])
        queue += children
        found += children
    return [pid for pid in found if b"resource_tracker" not in _read(f"/proc/{pid}/cmdline")]


def size_of(master: int) -> Size:
    """The size of a server and its workers now."""
    workers = [_rollup(pid) for pid in workers_of(master)]
    own = _rollup(master)
    private = [fields["Private_Clean"] + fields["Private_Dirty"] for fields in workers]
    everything = own["Pss"] + sum(fields["Pss"] for fields in workers)
    # A worker of RQ and the child that runs its job count as one.
    return Size(
        worker=sum(private) / WORKERS,
        shared=everything - sum(private),
        master_pss=own["Pss"],
        worker_rss=sum(fields["Rss"] for fields in workers) / WORKERS,
    )


def _rollup(pid: int) -> dict[str, int]:
    lines = _read(f"/proc/{pid}/smaps_rollup").decode().splitlines()[1:]
    return {name: int(rest.split()[0]) << 10 for name, _, rest in (line.partition(":") for line in lines)}


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _settled_size(server: subprocess.Popen[bytes]) -> Size:
    """The size once it holds still for a second."""
    last = 0.0
    for _ in range(30):
        time.sleep(1)
        size = size_of(server.pid)
        if abs(size.worker - last) < 0.01 * size.worker:
            break
        last = size.worker
    return size


def _wait_for_workers(server: subprocess.Popen[bytes], port: int | None = None, path: str = "/") -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"ended with {server.returncode}")
        if len(workers_of(server.pid)) >= WORKERS and (port is None or _answers(port, path)):
            return
        time.sleep(0.1)
    raise TimeoutError("not ready")


def _answers(port: int, path: str) -> bool:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def _ask(port: int, paths: Sequence[str], requests: int) -> None:
    """So many requests by four clients, a connection each, as a load balancer's."""

    def one(path: str) -> int:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            if path == "/json":
                connection.request("POST", path, _BODY, {"Content-Type": "application/json"})
            else:
                connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status

    with ThreadPoolExecutor(4) as clients:
        statuses = set(clients.map(one, itertools.islice(itertools.cycle(paths), requests)))
    if statuses != {200}:
        raise RuntimeError(f"answers {statuses}")


def _put_tasks(python: Path, environment: dict[str, str], tasks: int) -> None:
    run([python, "-m", "bench.apps.tasks_app", str(tasks)], env=environment).check()


def _wait_until_done(redis: str) -> None:
    """Until the lists that hold the tasks are empty."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        time.sleep(0.5)
        lengths = [
            run(["redis-cli", "-u", redis, "llen", name]).stdout.strip()
            for name in ("celery", "dramatiq:default", "rq:queue:default")
        ]
        if set(lengths) == {"0"}:
            return
    raise TimeoutError("the tasks were not done")


@contextlib.contextmanager
def _redis() -> Iterator[str]:
    """A Redis for as long as it is needed; its URL."""
    apt_install("redis-server", binaries=["redis-server", "redis-cli"])
    port = free_port()
    argv = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd="/tmp")
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def _row(kind: str, name: str, *sizes: float) -> str:
    return f"{kind:<10}{name:<36}" + "".join(f"{size / _MIB:>9.1f}" for size in sizes)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="bench.worker_size")
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--only", default="", help="stacks whose kind or name has this in it")
    parser.add_argument("--requests", type=int, default=400)
    options = parser.parse_args()
    python = make_environment(options.python)
    print(run([python, "-m", "pip", "list", "--format", "freeze"]).stdout.replace("\n", " "))
    print(f"{'MiB':<46}{'at rest':>9}{'worked':>9}{'rss':>9}{'shared':>9}{'master':>9}")
    sizes: dict[str, list[float]] = {}
    with _redis() as redis:
        for stack in STACKS:
            if options.only not in f"{stack.kind} {stack.name}":
                continue
            rest, worked = measure(stack, python, redis, options.requests)
            row = (rest.worker, worked.worker, worked.worker_rss, worked.shared, worked.master_pss)
            print(_row(stack.kind, stack.name, *row), flush=True)
            sizes.setdefault(stack.kind, []).append(worked.worker)
    for kind, worked_sizes in sizes.items():
        print(_row(kind, "median after work", statistics.median(worked_sizes)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
