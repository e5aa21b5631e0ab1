"""The table of sizes that the design was agreed on, for the kinds of program a Python family has.

Where memory decides (m), the figures follow from the measured sizes in budget.py; a worker that does not fit (!) is
started nevertheless, and it is said.
"""

from __future__ import annotations

import pytest

from tests.unit.planning import codes, config_of, limits_of, plan_for

# quota, MiB -> sync-web, async-web, queue-cpu, queue-io, native threads of data
TABLE = {
    (0.25, 128): ("1m!", "1m!", "1m!", "1m!", 1),
    (0.5, 256): ("2", "1", "1", "2", 1),
    (0.5, 512): ("2", "1", "1", "2", 1),
    (1, 512): ("3", "1", "1", "4", 1),
    (1, 1024): ("3", "1", "1", "4", 1),
    (1.5, 1024): ("4", "2", "2", "6", 1),
    (2, 2048): ("5", "2", "2", "8", 2),
    (3.8, 4096): ("9", "4", "4", "16", 4),
    (4, 400): ("4m", "4", "3m", "4m", 4),
    (4, 2048): ("9", "4", "4", "16", 4),
    (8, 16384): ("12", "8", "8", "32", 8),
    (16, 32768): ("24", "16", "16", "32", 16),
}
KINDS = {
    "sync-web": "gunicorn app:app",
    "async-web": "gunicorn -k uvicorn.workers.UvicornWorker app:app",
    "queue-cpu": "celery -A app worker",
    "queue-io": "rq worker-pool",
}


@pytest.mark.parametrize(("cores", "memory_mib"), TABLE)
def test_each_kind_gets_its_workers(cores: float, memory_mib: int) -> None:
    """By the server that is of that kind by itself, and by --kind; one native thread each."""
    *counts, threads = TABLE[cores, memory_mib]
    for (kind, line), expected in zip(KINDS.items(), counts, strict=True):
        plan = plan_for(limits_of(cores, memory_mib), line)
        assert f"{plan.workers}{how(codes(plan), plan.settings[0].reason)}" == expected
        assert plan.native_threads == (1 if plan.workers != 1 else max(1, int(cores + 0.25)))
        told = plan_for(limits_of(cores, memory_mib), "myserver", config_of(kind=kind))
        assert told.workers == plan.workers
    data = plan_for(limits_of(cores, memory_mib), "python train.py", config_of(kind="data"))
    assert (data.workers, data.native_threads) == (1, threads)


def how(said: list[str], reason: str) -> str:
    """What decided: nothing for the CPU, m for the memory, m! where not even one fits."""
    if "MEMORY_TOO_SMALL" in said:
        return "m!"
    return "m" if reason.startswith("memory") else ""
