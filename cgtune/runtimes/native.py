"""Native thread pools under Python: each process makes one as large as the machine, workers multiply it.

| variable | is | who follows it |
|---|---|---|
| OMP_NUM_THREADS | N | OpenMP, OpenBLAS, MKL, BLIS, numexpr, pyarrow, torch, scikit-learn, XGBoost, LightGBM |
| NUMBA_NUM_THREADS | N | Numba |
| RAYON_NUM_THREADS | N | tokenizers and other Rust extensions |
| POLARS_MAX_THREADS | N | Polars; only with several workers, or a limit that it does not find by itself |
| LOKY_MAX_CPU_COUNT | max(1, ceil(q - 0.25) // W) | joblib's processes |
| TOKENIZERS_PARALLELISM | false | tokenizers, with several workers: a fork must not have its threads |
| OMP_WAIT_POLICY | PASSIVE | OpenMP under a quota with N > 1: who waits by spinning burns the quota of the others |
| KMP_BLOCKTIME | 0 | the same for Intel's OpenMP |

N = max(1, floor(floor(q + 0.25) / W)). Where one process may have all CPUs of its affinity mask, nothing is said: it
finds them by itself; only numexpr, which counts the machine's, gets NUMEXPR_MAX_THREADS.

What is exported is inherited. joblib gives its processes one thread each, unless OMP_NUM_THREADS says otherwise: with
2 said on 2 CPUs, HistGradientBoosting in 2 processes took 8.9 s instead of 0.38 (1.8 s with PASSIVE). So a number
above 1 is only said where a quota is below the mask; --kind batch, which makes it 1, is for such programs.
PASSIVE on 2 free CPUs costs (0.66 s -> 1.96 s); under a quota of 1.9 spinning took 0.6 to 18 s, PASSIVE 2 to 7.

OMP_NUM_THREADS is the weak slot of its family: OPENBLAS_NUM_THREADS and MKL_NUM_THREADS are stronger, so that
whoever sets one of those, or sets OMP_NUM_THREADS in code before the import, wins. Why it matters (numpy, 256 x
256 products, a quota of 1 core on 2 CPUs): 1 thread 1.09 s, p99 0.7 ms; 2 threads 2.30 s, p99 50 ms.
"""

from __future__ import annotations

from cgtune.settings import Setting, make_variable
from cgtune.words import parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

OPENMP_VARIABLE = "OMP_NUM_THREADS"
POOL_VARIABLES = (OPENMP_VARIABLE, "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")
NUMEXPR_VARIABLE = "NUMEXPR_MAX_THREADS"
POLARS_VARIABLE = "POLARS_MAX_THREADS"
LOKY_VARIABLE = "LOKY_MAX_CPU_COUNT"
TOKENIZERS_VARIABLE = "TOKENIZERS_PARALLELISM"
#: All that this module sets: the group `native` of --disable.
VARIABLES = (
    *(*POOL_VARIABLES, NUMEXPR_VARIABLE, POLARS_VARIABLE, LOKY_VARIABLE, TOKENIZERS_VARIABLE),
    *("OMP_WAIT_POLICY", "KMP_BLOCKTIME"),
)


def pool_size(environment: Mapping[str, str]) -> int | None:
    """The user's own number of threads a pool; None where it is not given, or is not one plain number."""
    return parse_count(environment.get(OPENMP_VARIABLE)) or None


def plan_pools(
    threads: int,
    processes: int,
    workers: int,
    *,
    seen_count: int | None,
    host_count: int | None,
    is_hidden: bool,
    reason: str,
    source: str | None,
    environment: Mapping[str, str],
) -> list[Setting]:
    """Each pool's setting; the user's own variables are listed as theirs.

    `threads` a pool, `processes` that loky may start in each of the `workers`; `is_hidden`: the limit is none that
    Polars would find by itself. `seen_count` CPUs are in the affinity mask, `host_count` in the machine.
    """
    values = {}
    # What a pool finds by itself is not said again: each child would inherit it, joblib's processes among them.
    is_found = seen_count is not None and threads >= seen_count
    if not is_found or workers > 1 or threads == 1:
        values.update(dict.fromkeys(POOL_VARIABLES, str(threads)))
    elif host_count is not None and threads < host_count:
        values[NUMEXPR_VARIABLE] = str(threads)
    if workers > 1 or is_hidden:
        values[POLARS_VARIABLE] = str(threads)
    if not is_found or workers > 1:
        values[LOKY_VARIABLE] = str(processes)
    if workers > 1:
        values[TOKENIZERS_VARIABLE] = "false"
    if not is_found and threads > 1:
        values["OMP_WAIT_POLICY"] = "PASSIVE"
        values["KMP_BLOCKTIME"] = "0"
    return [make_variable(name, value, reason, source, environment) for name, value in values.items()]
