"""CPython: what it takes for the number of CPUs, and its garbage collector.

| setting | via | when |
|---|---|---|
| PYTHON_CPU_COUNT = ceil(q - 0.25) | env | read by 3.13 and later, where an invalid one is fatal |
| os.cpu_count | inject | before 3.13, where no variable reaches it |
| gc.set_threshold = 10000, or 50000 | inject | servers and queues; 10000 where a worker has less than 256 MiB |
| gc.freeze | inject | before the first fork of a master that has imported the application |

The thresholds (400,000 live dicts, a loop of JSON parsing): 3.12 with its 700 took 0.72 s and paused for up to 121
ms; with freeze and 10000 0.47 s and 0.4 ms. On 3.13 the gain is small. The freeze: a child's private memory after
one collection, 78 MB without, 0 MB with it (3.12, 1.3 million objects, imported before the fork).

3.14.0 to 3.14.4 have another collector, which keeps more garbage the higher the threshold: left alone.
"""

from __future__ import annotations

from cgtune.settings import Command, NotSet, Setting, make_variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

COUNT_VARIABLE = "PYTHON_CPU_COUNT"
CPU_COUNT = "os.cpu_count"
THRESHOLD = "gc.set_threshold"
FREEZE = "gc.freeze"
#: The groups `python` and `gc` of --disable.
VARIABLES = (COUNT_VARIABLE, CPU_COUNT)
COLLECTOR = (THRESHOLD, FREEZE)
_TIGHT_BYTES = 256 << 20
_TIGHT_THRESHOLD = 10_000
_ROOMY_THRESHOLD = 50_000


def plan_cpu_count(
    count: int, reason: str, source: str | None, command: Command, environment: Mapping[str, str]
) -> list[Setting]:
    """How many CPUs Python says there are: executors and pools are sized by it."""
    setting = make_variable(COUNT_VARIABLE, str(count), reason, source, environment)
    version = command.interpreter.version
    if setting.is_kept or (version is not None and version >= (3, 13)):
        return [setting]
    return [setting, Setting(name=CPU_COUNT, value=str(count), via="inject", reason=reason, source=source)]


def plan_collector(share_bytes: int, command: Command) -> list[Setting | NotSet]:
    """The collector of a server's or a queue's workers; `share_bytes` is what each of them may use."""
    decisions: list[Setting | NotSet] = []
    version = command.interpreter.version
    if version is not None and (3, 14, 0) <= version < (3, 14, 5):
        decisions.append(NotSet(name=THRESHOLD, reason="Python 3.14 before 3.14.5 keeps more garbage; upgrade"))
    else:
        is_tight = share_bytes < _TIGHT_BYTES
        threshold = _TIGHT_THRESHOLD if is_tight else _ROOMY_THRESHOLD
        reason = "what lives on is searched less often" + ("; less than 256 MiB a worker" if is_tight else "")
        decisions.append(Setting(name=THRESHOLD, value=str(threshold), via="inject", reason=reason))
    if command.is_preloading:
        reason = "the application stays shared by its forks"
        decisions.append(Setting(name=FREEZE, value="before fork", via="inject", reason=reason))
    return decisions
