"""glibc's malloc: arenas as many as 8 a CPU of the machine, whatever the quota.

An arena is memory that one thread freed and no other may have. MALLOC_ARENA_MAX = max(2, min(floor(q + 0.25), 8));
an `arena_max` in GLIBC_TUNABLES would win over it, so then it is left alone. musl and jemalloc know neither. Two
arenas held 28 MiB instead of 37 for 32 threads of JSON, about the same for 4 threads, and were never slower.

MALLOC_TRIM_THRESHOLD_ is left alone. Setting it freezes glibc's growing mmap threshold as well, so that each array of
a few hundred KiB is mapped anew: with 128 KiB numpy took 1.8 to 9.9 times as long, pandas 1.5, for 0 to 2 MiB less
(numpy 2.4, pandas 3.1, glibc 2.36, 2026-11-21).
"""

from __future__ import annotations

from cgtune.settings import NotSet, Setting, make_variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

ARENAS_VARIABLE = "MALLOC_ARENA_MAX"
#: The group `malloc` of --disable.
VARIABLES = (ARENAS_VARIABLE,)
MOST_ARENAS = 8


def plan_arenas(
    pool_threads: int, reason: str, source: str | None, environment: Mapping[str, str]
) -> Setting | NotSet:
    """How many arenas glibc may make."""
    if "arena_max" in environment.get("GLIBC_TUNABLES", ""):
        return NotSet(name=ARENAS_VARIABLE, reason="GLIBC_TUNABLES says arena_max, and wins")
    value = str(max(2, min(pool_threads, MOST_ARENAS)))
    return make_variable(ARENAS_VARIABLE, value, reason, source, environment)
