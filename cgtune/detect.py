"""Kernel files -> Limits: the kernel's figures, combined with what bounds them from outside.

Bounds from outside are the machine, the affinity mask, and limits that the user declares. Each step reads one
subject and notes what it could not read; nothing here decides what to do about it.
"""

from __future__ import annotations

from cgtune import parse
from cgtune.cgroup.cpu import read_cpu_set, read_quota, read_weight
from cgtune.cgroup.files import OnePass
from cgtune.cgroup.levels import Tightest, Unreadable, explain, read_value
from cgtune.cgroup.locate import Chain, locate
from cgtune.cgroup.memory import read_memory_limits, read_memory_wishes
from cgtune.cgroup.memory_use import MemoryUse, read_memory_use
from cgtune.cgroup.pids import read_pids_current, read_pids_limit
from cgtune.cgroup.pressure import read_pressure
from cgtune.limits import LIMITED, UNKNOWN, UNLIMITED, Cgroup, Cpu, Declared, Limits, Memory, Pids
from cgtune.notices import Notice
from cgtune.units import format_bytes, format_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from cgtune.cgroup.files import Files
    from cgtune.host import Host
    from cgtune.parse import Membership, Mount

    Bound = TypeVar("Bound", int, float)

_CONTROLLERS = ("cpu", "memory", "cpuset", "pids")
_DECIDING = ("cpu", "memory", "cpuset")


def read_limits(host: Host, declared: Declared | None = None) -> Limits:
    """One detection, from scratch. Never raises: what cannot be read is unknown and has a notice."""
    once = OnePass(host)
    return detect(host, once, once, declared or Declared())


def detect(host: Host, files: Files, samples: Files, declared: Declared) -> Limits:
    """`files` reads what decides limits, and may watch it; `samples` reads what changes all the time."""
    return _Detection(host, files, samples, declared).run()


class _Detection:
    """One detection: the steps share where to read, and collect notices and the names of unknown figures."""

    def __init__(self, host: Host, files: Files, samples: Files, declared: Declared) -> None:
        self.host = host
        self.files = files
        self.samples = samples
        self.declared = declared
        self.notices: list[Notice] = []
        self.unknown: list[str] = []

    def run(self) -> Limits:
        membership = self.read_membership()
        mounts = self.read_mounts(membership)
        chains = {controller: locate(controller, membership, mounts) for controller in _CONTROLLERS}
        self.drop_hidden(chains)
        cgroup = _identify(chains, membership, mounts)
        cpu = self.read_cpu(chains["cpu"], chains["cpuset"])
        memory = self.read_memory(chains["memory"])
        pids = self.read_pids(chains["pids"])
        pressure = read_pressure(self.samples, chains["memory"]) if cgroup.version == 2 else None
        return Limits(
            cgroup=cgroup,
            cpu=cpu,
            memory=memory,
            pids=pids,
            pressure=pressure,
            declared=self.declared,
            unknown=tuple(self.unknown),
            notices=tuple(self.notices),
        )

    def note(self, *notices: Notice) -> None:
        """Keep each notice once: cpu and memory often have the same to say."""
        self.notices.extend(notice for notice in notices if notice not in self.notices)

    def lose(self, figure: str, *notices: Notice) -> None:
        """Name a figure that is there and could not be read."""
        if figure not in self.unknown:
            self.unknown.append(figure)
        self.note(*notices)

    def read_membership(self) -> Membership:
        path = f"/proc/{self.host.pid}/cgroup"
        membership = None
        try:
            membership = read_value(self.files, path, parse.parse_membership)
        except Unreadable as error:
            self.note(error.notice.replace(code="MEMBERSHIP_UNREADABLE"))
            return parse.Membership(v1_paths={}, v2_path=None, malformed_lines=0)
        if membership is None:
            message = f"{path} is not there: no limit can be told"
            self.note(Notice(code="MEMBERSHIP_MISSING", message=message, path=path))
            return parse.Membership(v1_paths={}, v2_path=None, malformed_lines=0)
        if membership.malformed_lines:
            message = f"{path}: {membership.malformed_lines} malformed lines"
            self.note(Notice(code="MEMBERSHIP_MALFORMED", message=message, path=path))
        return membership

    def read_mounts(self, membership: Membership) -> list[Mount]:
        if not membership.v1_paths and membership.v2_path is None:
            return []
        path = "/proc/self/mountinfo"
        try:
            # Not watched: it is long, and a process that moves shows in the membership.
            data = self.host.read(path)
        except OSError as error:
            self.note(Notice(code="MOUNTS_UNREADABLE", message=f"{path}: {error.strerror or error}", path=path))
            return []
        return [] if data is None else parse.parse_mounts(data)

    def drop_hidden(self, chains: dict[str, Chain]) -> None:
        """Leave out chains whose files are another's or not there, although the mounts promise them."""
        seen: dict[tuple[str, ...], str | None] = {}
        for controller, chain in chains.items():
            if chain.directories not in seen:
                seen[chain.directories] = self.find_problem(chain)
            problem = seen[chain.directories]
            if problem is not None:
                chains[controller] = chain.replace(directories=(), mounts=(), problem=problem)

    def find_problem(self, chain: Chain) -> str | None:
        """Why the directories of a chain cannot be what they seem, as a notice code."""
        if not chain.directories:
            return None
        devices = {mount.mount_point: mount.device for mount in chain.mounts}
        if self.host.is_live and any(self.host.device_of(point) != device for point, device in devices.items()):
            return "MOUNT_SHADOWED"
        # A process is always in a cgroup that exists.
        if self.host.exists(chain.directories[0]) or self.is_left_out(chain):
            return None
        return "CGROUP_NOT_VISIBLE"

    def is_left_out(self, chain: Chain) -> bool:
        """Whether a recorded tree just does not hold the leaf: it has no files of its own, nor has any sibling.

        Where a sibling is recorded and the leaf is not, the path is more likely wrong than the leaf empty.
        """
        if self.host.is_live:
            return False
        above = next((directory for directory in chain.directories if self.host.exists(directory)), None)
        return above is None or not self.host.has_folders(above)

    def read_cpu(self, chain: Chain, cpuset_chain: Chain) -> Cpu:
        quota = read_quota(self.files, chain)
        self.note(*quota.notices)
        if quota.status == UNKNOWN:
            self.lose("cpu")
        cpuset_count = self.read_cpuset(cpuset_chain)
        affinity_count = self.host.affinity_count()
        host_count = self.host.online_count()
        if quota.value is not None and host_count is not None and quota.value >= host_count:
            message = f"the CPU quota of {format_cores(quota.value)} cores covers all {host_count} CPUs"
            self.note(Notice(code="LIMIT_COVERS_MACHINE", message=message, path=quota.source))
        if affinity_count is None and self.host.exists(f"/proc/{self.host.pid}/status"):
            self.lose("cpu.affinity_count")
        if host_count is None and self.host.exists("/sys/devices/system/cpu/online"):
            self.lose("cpu.host_count")
        # The affinity mask lies inside the CPU set and the machine; where it is known, those may be lost.
        is_mask_known = affinity_count is not None or not any(name.startswith("cpu.") for name in self.unknown)
        is_known = (quota.status != UNKNOWN and is_mask_known) or self.declared.cpu_limit_cores is not None
        bounds = [quota.value, cpuset_count, affinity_count, host_count, self.declared.cpu_limit_cores]
        weight = read_weight(self.samples, chain, quota.directory)
        return Cpu(
            status=quota.status,
            quota_cores=quota.value,
            effective_cores=_as_cores(_smallest(bounds)) if is_known else None,
            burst_us=weight.burst_us,
            shares=weight.shares,
            weight=weight.weight,
            cpuset_count=cpuset_count,
            affinity_count=affinity_count,
            host_count=host_count,
            source=quota.source,
            path=chain.path,
            dir=_leaf(chain),
            limit_dir=quota.directory if quota.status == LIMITED else None,
            cpuset_dir=_leaf(cpuset_chain),
        )

    def read_cpuset(self, chain: Chain) -> int | None:
        try:
            count = read_cpu_set(self.files, chain)
        except Unreadable as error:
            self.lose("cpu.cpuset_count", error.notice)
            return None
        if count is None and (chain.problem is not None or not chain.is_certain):
            self.lose("cpu.cpuset_count", *explain(chain))
        return count

    def read_memory(self, chain: Chain) -> Memory:
        limits = read_memory_limits(self.files, chain)
        tightest = limits.tightest
        host_bytes = self.read_host_bytes()
        if chain.version is None and host_bytes is not None and self.is_gvisor():
            tightest = _memory_of_gvisor(host_bytes)
        self.note(*tightest.notices)
        if tightest.status == UNKNOWN:
            self.lose("memory")
        limit_bytes = None if tightest.value is None else int(tightest.value)
        if limit_bytes is not None and tightest.directory and host_bytes and limit_bytes >= host_bytes:
            message = (
                f"the memory limit of {format_bytes(limit_bytes)} covers all of the "
                f"machine's {format_bytes(host_bytes)}"
            )
            self.note(Notice(code="LIMIT_COVERS_MACHINE", message=message, path=tightest.source))
        wishes = read_memory_wishes(self.samples, chain, limit_bytes)
        for figure, notice in (*limits.unknown, *wishes.unknown):
            self.lose(figure, notice)
        use = self.read_use(chain, limits.levels)
        declared_bytes = self.declared.memory_limit_bytes
        machine_available_bytes = self.read_meminfo("memory.available_bytes", b"MemAvailable")
        is_known = tightest.status != UNKNOWN and "memory.host_bytes" not in self.unknown
        is_use_known = not limits.levels or use.headroom_bytes is not None
        is_room_known = is_known and is_use_known and "memory.available_bytes" not in self.unknown
        return Memory(
            status=tightest.status,
            limit_bytes=limit_bytes,
            effective_bytes=_smallest([limit_bytes, host_bytes, declared_bytes])
            if is_known or declared_bytes is not None
            else None,
            host_bytes=host_bytes,
            high_bytes=limits.high_bytes,
            low_bytes=wishes.low_bytes,
            soft_limit_bytes=wishes.soft_limit_bytes,
            swap_limit_bytes=wishes.swap_limit_bytes,
            usage_bytes=use.usage_bytes,
            working_set_bytes=use.working_set_bytes,
            available_bytes=_smallest([use.headroom_bytes, machine_available_bytes]) if is_room_known else None,
            oom_group=wishes.oom_group,
            source=tightest.source,
            path=chain.path,
            dir=_leaf(chain),
            limit_dir=tightest.directory if tightest.status == LIMITED else None,
        )

    def read_use(self, chain: Chain, levels: tuple[tuple[str, int], ...]) -> MemoryUse:
        try:
            return read_memory_use(self.samples, chain, levels)
        except Unreadable as error:
            self.lose("memory.usage_bytes", error.notice)
            return MemoryUse()

    def read_host_bytes(self) -> int | None:
        host_bytes = self.read_meminfo("memory.host_bytes", b"MemTotal")
        if "memory.host_bytes" in self.unknown:
            # lxcfs, which stands in for /proc/meminfo in LXC, can be down.
            host_bytes = self.host.physical_bytes()
            if host_bytes is not None:
                self.unknown.remove("memory.host_bytes")
        return host_bytes

    def read_meminfo(self, figure: str, key: bytes) -> int | None:
        try:
            return read_value(self.samples, "/proc/meminfo", lambda data: parse.parse_meminfo(data, key))
        except Unreadable as error:
            self.lose(figure, error.notice)
            return None

    def is_gvisor(self) -> bool:
        try:
            return bool(read_value(self.samples, "/proc/version", parse.is_gvisor_kernel))
        except Unreadable:
            return False

    def read_pids(self, chain: Chain) -> Pids:
        pids = read_pids_limit(self.files, chain)
        if pids.status == UNKNOWN:
            self.lose("pids", *pids.notices)
        return Pids(
            limit=None if pids.value is None else int(pids.value),
            current=read_pids_current(self.samples, chain, pids.directory),
            source=pids.source if pids.status != UNLIMITED else None,
        )


def _identify(chains: dict[str, Chain], membership: Membership, mounts: list[Mount]) -> Cgroup:
    """Version 1 if any of cpu, memory, cpuset is in a v1 hierarchy, else 2; hybrid where both are in use."""
    versions = {chains[controller].version for controller in _DECIDING}
    has_v1 = any(not name.startswith("name=") for name in membership.v1_paths)
    has_v2 = membership.v2_path is not None and any(mount.is_v2 for mount in mounts)
    if 1 in versions:
        return Cgroup(version=1, mode="hybrid" if has_v2 else "v1")
    if has_v2:
        return Cgroup(version=2, mode="hybrid" if has_v1 else "v2")
    return Cgroup(version=None, mode="none")


def _smallest(bounds: list[Bound | None]) -> Bound | None:
    return min((bound for bound in bounds if bound is not None), default=None)


def _as_cores(count: float | None) -> float | None:
    return None if count is None else float(count)


def _memory_of_gvisor(host_bytes: int) -> Tightest:
    """gVisor has no cgroup files by default; its MemTotal is the sandbox's limit (measured, runsc 20221219)."""
    message = "gVisor shows no cgroup files; what it gives as the machine's memory is the sandbox's limit"
    note = Notice(code="MEMORY_FROM_MACHINE", message=message, path="/proc/meminfo")
    return Tightest(status=LIMITED, value=host_bytes, source="/proc/meminfo", notices=(note,))


def _leaf(chain: Chain) -> str | None:
    return chain.directories[0] if chain.directories else None
