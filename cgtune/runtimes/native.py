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

N = max(1, floor(floor(q + 0.25) / W)).

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
POLARS_VARIABLE = "POLARS_MAX_THREADS"
LOKY_VARIABLE = "LOKY_MAX_CPU_COUNT"
TOKENIZERS_VARIABLE = "TOKENIZERS_PARALLELISM"
#: All that this module sets: the group `native` of --disable.
VARIABLES = (
    *(*POOL_VARIABLES, POLARS_VARIABLE, LOKY_VARIABLE, TOKENIZERS_VARIABLE),
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
    is_quota: bool,
    is_hidden: bool,
    reason: str,
    source: str | None,
    environment: Mapping[str, str],
) -> list[Setting]:
    """Each pool's setting; the user's own variables are listed as theirs.

    `threads` a pool, `processes` that loky may start in each of the `workers`; `is_hidden`: the limit is none that
    Polars would find by itself.
    """
    values = dict.fromkeys(POOL_VARIABLES, str(threads))
    if workers > 1 or is_hidden:
        values[POLARS_VARIABLE] = str(threads)
    values[LOKY_VARIABLE] = str(processes)
    if workers > 1:
        values[TOKENIZERS_VARIABLE] = "false"
    if is_quota and threads > 1:
        values["OMP_WAIT_POLICY"] = "PASSIVE"
        values["KMP_BLOCKTIME"] = "0"
    return [make_variable(name, value, reason, source, environment) for name, value in values.items()]
