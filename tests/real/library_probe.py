"""What libraries believe they may use: run or imported by their own interpreter, inside a container.

python library_probe.py numpy polars     one JSON line: each library's number of threads
gunicorn library_probe:wsgi              one JSON line a worker, on stderr
celery -A library_probe worker           one JSON line a child, on stderr
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

#: Before each line, among all else that a server says.
MARK = "probe: "


def numpy() -> int:
    """Threads of the BLAS that came with NumPy."""
    import_module("numpy")
    pools = import_module("threadpoolctl").threadpool_info()
    return max(int(pool["num_threads"]) for pool in pools if pool["user_api"] == "blas")


def numexpr() -> int:
    """Threads of NumExpr."""
    return int(import_module("numexpr").nthreads)


def polars() -> int:
    """Threads of Polars."""
    return int(import_module("polars").thread_pool_size())


def duckdb() -> int:
    """Threads of DuckDB."""
    return int(import_module("duckdb").sql("select current_setting('threads')").fetchall()[0][0])


def pyarrow() -> int:
    """Threads of Arrow's pool for computing."""
    return int(import_module("pyarrow").cpu_count())


def joblib() -> int:
    """Processes that joblib would start for n_jobs=-1."""
    return int(import_module("joblib").effective_n_jobs(-1))


def torch() -> int:
    """Threads that one operation of torch uses."""
    return int(import_module("torch").get_num_threads())


LIBRARIES: dict[str, Callable[[], int]] = {
    function.__name__: function for function in (numpy, numexpr, polars, duckdb, pyarrow, joblib, torch)
}


def interpreter() -> dict[str, Any]:
    """What this Python believes, and how its collector is set."""
    return {
        "version": sys.version_info[:2],
        "threshold": gc.get_threshold(),
        "frozen": gc.get_freeze_count() > 10_000,
        "cpus": multiprocessing.cpu_count(),
        "executor": ThreadPoolExecutor()._max_workers,
    }


def say() -> None:
    """One line for the test."""
    sys.stderr.write(f"{MARK}{json.dumps(interpreter())}\n")
    sys.stderr.flush()


def wsgi(
    _environ: dict[str, object], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """An application: asked or not, its import says what it finds."""
    start_response("200 OK", [])
    return [b""]


async def asgi(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """The same for ASGI."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def _say_as_child(**_: object) -> None:
    say()


def _celery() -> Any:
    app = import_module("celery").Celery("library_probe", broker="memory://")
    import_module("celery.signals").worker_process_init.connect(_say_as_child)
    return app


if __name__ == "__main__":
    found = {name: LIBRARIES[name]() for name in sys.argv[1:]}
    sys.stdout.write(json.dumps({**found, "python": interpreter()}))
elif "celery" in sys.modules:
    app = _celery()
else:
    say()
