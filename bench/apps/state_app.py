"""A WSGI app that is heavy at rest and cheap per request, as many real ones are.

Every worker imports its own copy, so each costs STATE_MIB of private memory before the first request:
five workers of 20 MiB and an interpreter each do not fit into 128 MiB, two do.

    gunicorn bench.apps.state_app:app

STATE_MIB (20)  private memory a worker, touched at import
CPU_MS    (1)   CPU time a request burns
WAIT_MS   (0)   time a request sleeps, for an app that waits for a database

Under a cgroup v1 limit of 0.5 CPU and 128 MiB, 16 clients, 8 s, gunicorn 27.0 (2026-11-21, 2 cores):

    workers  requests/s  p99     OOM kills
    1        426         73 ms   0
    2        412         84 ms   0
    5        202         170 ms  126
"""

import os
import time
from collections.abc import Callable, Iterable

STATE_MIB = float(os.environ.get("STATE_MIB", "20"))
CPU_SECONDS = float(os.environ.get("CPU_MS", "1")) / 1000
WAIT_SECONDS = float(os.environ.get("WAIT_MS", "0")) / 1000

# Not bytearray(n): untouched zeros are one shared page. Written bytes are this process's own.
STATE = bytearray(b"\xa5") * int(STATE_MIB * 2**20)

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def burn(seconds: float) -> None:
    """Use that much CPU time, not wall time: under a quota the two differ, and only one is the work."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def app(_environ: dict[str, object], start_response: StartResponse) -> Iterable[bytes]:
    """Answer 200, after the work and the wait that were asked for."""
    if CPU_SECONDS:
        burn(CPU_SECONDS)
    if WAIT_SECONDS:
        time.sleep(WAIT_SECONDS)
    body = b"%d MiB\n" % (len(STATE) >> 20)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
