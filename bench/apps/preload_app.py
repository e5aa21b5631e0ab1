"""An application with many objects, made at import; each request collects once and says what that cost in memory.

It runs on each Python that a hosted program may have, and needs nothing but it.
"""

import gc
import os

OBJECTS = int(os.environ.get("OBJECTS", "1300000"))
#: Tracked by the collector, each of them, as a real application's dicts, functions and classes are.
STATE = [[] for _ in range(OBJECTS)]  # type: ignore[var-annotated]  # they stay empty


def private_dirty_kib() -> int:
    """What this process has written to and shares with none: its own part of the bill."""
    with open("/proc/self/smaps_rollup", encoding="ascii") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))


def report() -> str:
    """Private memory before and after one collection, whether the collector is on, how much is frozen."""
    before = private_dirty_kib()
    gc.collect()
    return f"{before} {private_dirty_kib()} {int(gc.isenabled())} {gc.get_freeze_count()}"


def app(_environ, start_response):  # type: ignore[no-untyped-def]  # WSGI's types are not the point here
    """Answer any request with the report."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [report().encode()]
