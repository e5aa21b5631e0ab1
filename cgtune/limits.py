"""What this process may use, each figure with its status and source: the records. `detect` fills them.

    effective_cores   the smallest of quota, CPU set, affinity, machine, declared limit
    effective_bytes   the smallest of limit, machine, declared limit
    available_bytes   the room left at the tightest level; the machine's MemAvailable where that is less

An unknown limit leaves `effective_…` None: what cannot be told must not be replaced by something looser. A
declared limit is the user's word and holds also then. No limit is None, never a sentinel number.
"""

from __future__ import annotations

from cgtune.notices import Notice
from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.container import Container
    from cgtune.parse import Pressure

LIMITED = "limited"
UNLIMITED = "unlimited"
UNKNOWN = "unknown"


class PressureSet(Record):
    """Pressure stall information of the leaf cgroup; None for a file that is not there."""

    cpu: Pressure | None = None
    memory: Pressure | None = None
    io: Pressure | None = None


class Cgroup(Record):
    """Which cgroup interface this process lives under."""

    version: int | None
    mode: str


class Cpu(Record):
    """CPU: quotas in cores, counts in CPUs, burst in microseconds."""

    status: str
    quota_cores: float | None = None
    effective_cores: float | None = None
    burst_us: int | None = None
    shares: int | None = None
    weight: int | None = None
    cpuset_count: int | None = None
    affinity_count: int | None = None
    host_count: int | None = None
    source: str | None = None
    path: str | None = None
    dir: str | None = None
    limit_dir: str | None = None
    cpuset_dir: str | None = None


class Memory(Record):
    """Memory, in bytes."""

    status: str
    limit_bytes: int | None = None
    effective_bytes: int | None = None
    host_bytes: int | None = None
    high_bytes: int | None = None
    low_bytes: int | None = None
    soft_limit_bytes: int | None = None
    swap_limit_bytes: int | None = None
    usage_bytes: int | None = None
    working_set_bytes: int | None = None
    available_bytes: int | None = None
    oom_group: bool | None = None
    source: str | None = None
    path: str | None = None
    dir: str | None = None
    limit_dir: str | None = None


class Pids(Record):
    """Processes and threads: how many there may be, and are."""

    limit: int | None = None
    current: int | None = None
    source: str | None = None


class Declared(Record):
    """What the user says, in cores and bytes, for want or in place of what the kernel says."""

    cpu_limit_cores: float | None = None
    memory_limit_bytes: int | None = None
    cpu_request_cores: float | None = None
    memory_request_bytes: int | None = None


class Limits(Record):
    """All of it. `unknown` names what could not be read; `container` is where we are, when it was asked for."""

    cgroup: Cgroup
    cpu: Cpu
    memory: Memory
    pids: Pids
    pressure: PressureSet | None = None
    declared: Declared = Declared()
    container: Container | None = None
    unknown: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
