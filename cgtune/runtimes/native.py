"""Native thread pools under Python: each process makes one as large as the machine, workers multiply it.

| variable | who follows it |
|---|---|
| OMP_NUM_THREADS | OpenMP, OpenBLAS, MKL, BLIS, numexpr, pyarrow, torch, scikit-learn, XGBoost, LightGBM |
| NUMBA_NUM_THREADS | Numba |
| RAYON_NUM_THREADS | tokenizers and other Rust extensions |

OMP_NUM_THREADS is the weak slot of its family: OPENBLAS_NUM_THREADS and MKL_NUM_THREADS are stronger, so that
whoever sets one of those, or sets OMP_NUM_THREADS in code before the import, wins. Why it matters (numpy, 256 x
256 products, a quota of 1 core on 2 CPUs): 1 thread 1.09 s, p99 0.7 ms; 2 threads 2.30 s, p99 50 ms.

glibc makes up to 8 arenas a CPU of the machine, whatever the quota; each is memory that one thread freed and
no other may have. MALLOC_ARENA_MAX = max(2, min(pool_threads, 8)); GLIBC_TUNABLES wins over it.
"""

from __future__ import annotations

from cgtune.settings import NotSet, Setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

POOL_VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")
ARENAS_VARIABLE = "MALLOC_ARENA_MAX"
MOST_ARENAS = 8


def plan_pools(threads: int, reason: str, source: str | None, environment: Mapping[str, str]) -> tuple[Setting, ...]:
    """One setting a pool variable; the user's own are listed as theirs."""
    return tuple(_setting(name, threads, reason, source, environment) for name in POOL_VARIABLES)


def pool_size(environment: Mapping[str, str]) -> int | None:
    """The user's own number of threads a pool; None where it is not given, or is not one plain number."""
    text = environment.get(POOL_VARIABLES[0], "").strip()
    return int(text) if text.isascii() and text.isdigit() and int(text[:6]) > 0 and len(text) <= 6 else None


def plan_arenas(
    pool_threads: int, reason: str, source: str | None, environment: Mapping[str, str]
) -> Setting | NotSet:
    """How many arenas glibc may make."""
    if "arena_max" in environment.get("GLIBC_TUNABLES", ""):
        return NotSet(name=ARENAS_VARIABLE, reason="GLIBC_TUNABLES says arena_max, and wins")
    return _setting(ARENAS_VARIABLE, max(2, min(pool_threads, MOST_ARENAS)), reason, source, environment)


def _setting(name: str, value: int, reason: str, source: str | None, environment: Mapping[str, str]) -> Setting:
    # Also an empty variable is somebody's decision.
    if name in environment:
        return Setting(name=name, value=environment[name], via="env", reason="yours", provenance="user")
    return Setting(name=name, value=str(value), via="env", reason=reason, source=source)
