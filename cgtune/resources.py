"""The CPU and the memory as a plan sees them. Pure.

cores    effective_cores x --cpu-share; with --cpu-from request, twice the request
memory   effective_bytes x --memory-share; memory.high where it is less; without a limit, what is available, while
         the program is told the machine's: what happens to be free at its start is no measure for its caches
"""

from __future__ import annotations

from cgtune.limits import UNKNOWN, UNLIMITED, Limits
from cgtune.records import Record
from cgtune.units import format_bytes, format_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.config import Config


class CpuView(Record):
    """`phrase` names it in reasons; `is_hidden` says that a runtime that reads the kernel would not find it.

    `seen_count` is how many CPUs a program finds that looks at its affinity mask, `host_count` one that does not.
    """

    cores: float
    is_limited: bool
    phrase: str
    source: str | None
    is_hidden: bool = False
    seen_count: int | None = None
    host_count: int | None = None


class MemoryView(Record):
    """The memory: workers must fit into `size_bytes`, a program is told `told_bytes`; `name` is for reasons."""

    size_bytes: int
    told_bytes: int
    name: str
    source: str | None


def look_at_cpu(limits: Limits, config: Config) -> CpuView | None:
    """What there is to run on; None where that cannot be told."""
    view = _whole_cpu(limits, config)
    if view is None:
        return None
    cpu = limits.cpu
    counts = [count for count in (cpu.affinity_count, cpu.cpuset_count, cpu.host_count) if count is not None]
    view = view.replace(seen_count=min(counts, default=None), host_count=cpu.host_count)
    if config.cpu_share == 1:
        return view
    cores = view.cores * config.cpu_share
    phrase = f"CPU {format_cores(cores)}, {config.cpu_share:.6g} of {format_cores(view.cores)}"
    return view.replace(cores=cores, is_limited=True, phrase=phrase, is_hidden=True)


def _whole_cpu(limits: Limits, config: Config) -> CpuView | None:
    cpu = limits.cpu
    cores = cpu.effective_cores
    request = limits.declared.cpu_request_cores
    if config.cpu_from == "request" and request is not None:
        bound = 2 * request if cores is None else min(cores, 2 * request)
        if bound != cores:
            source = said_by(config, "cpu_request")
            phrase = "twice the CPU request"
            return CpuView(cores=bound, is_limited=True, phrase=phrase, source=source, is_hidden=True)
    if cores is None:
        return None
    declared = limits.declared.cpu_limit_cores
    phrase = f"CPU {format_cores(cores)}"
    if declared is not None and declared <= cores:
        source = said_by(config, "cpu_limit")
        return CpuView(cores=cores, is_limited=True, phrase=phrase, source=source, is_hidden=True)
    if cpu.quota_cores is not None and cpu.quota_cores <= cores:
        return CpuView(cores=cores, is_limited=True, phrase=phrase, source=cpu.source)
    # A CPU set or an affinity mask is a limit where it leaves out some of the machine.
    is_cut = cpu.host_count is not None and cores < cpu.host_count
    folder = cpu.cpuset_dir if is_cut and cpu.cpuset_count == cores else None
    if is_cut or cpu.quota_cores is not None or declared is not None:
        return CpuView(cores=cores, is_limited=True, phrase=f"{cores:.6g} CPUs to run on", source=folder)
    return CpuView(cores=cores, is_limited=False, phrase="no CPU limit", source=cpu.source)


def said_by(config: Config, name: str) -> str:
    """Where a declared figure comes from; a caller of the library's has no flag, and the option's name says it."""
    return config.origin_of(name) if config.is_said(name) else "--" + name.replace("_", "-")


def look_at_memory(limits: Limits, config: Config) -> MemoryView | None:
    """None where nothing bounds it, or nothing can be told."""
    view = _whole_memory(limits, config)
    share = config.memory_share
    if view is None or share == 1:
        return view
    name = f"{share:.6g} of {view.name} {format_bytes(view.size_bytes)}:"
    return view.replace(size_bytes=int(view.size_bytes * share), told_bytes=int(view.told_bytes * share), name=name)


def _whole_memory(limits: Limits, config: Config) -> MemoryView | None:
    memory = limits.memory
    declared_bytes = limits.declared.memory_limit_bytes
    size_bytes = told_bytes = memory.effective_bytes
    name, source = "memory", memory.source
    if memory.status == UNLIMITED and declared_bytes is None:
        # Without a limit, what the machine has left is all there is.
        name, size_bytes, source = "available memory", memory.available_bytes, "/proc/meminfo"
        if size_bytes is None:
            # An old kernel does not say what it has left; it can never be more than the machine has.
            name, size_bytes = "the machine's memory", memory.effective_bytes
        told_bytes = size_bytes if told_bytes is None else told_bytes
    elif size_bytes is not None and size_bytes == declared_bytes:
        source = said_by(config, "memory_limit")
    elif size_bytes != memory.limit_bytes:
        source = "/proc/meminfo"
    if "memory.high_bytes" in limits.unknown:
        return None
    high_bytes = memory.high_bytes if memory.status != UNKNOWN else None
    if high_bytes is not None and (size_bytes is None or high_bytes < size_bytes):
        # From there on the kernel takes pages away and lets the program wait, long before anything is killed.
        return MemoryView(size_bytes=high_bytes, told_bytes=high_bytes, name="memory.high of", source=None)
    if size_bytes is None or told_bytes is None:
        return None
    told_bytes = told_bytes if high_bytes is None else min(told_bytes, high_bytes)
    return MemoryView(size_bytes=size_bytes, told_bytes=told_bytes, name=name, source=source)
