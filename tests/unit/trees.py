"""Recorded machines: kernel files as a dict, laid out as a tree that a `Host` can read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from cgtune.follow import LimitsReader
from cgtune.host import Host

# Exact text, or lines that each end with a newline; a long line as {"before", "repeat", "times", "after"}.
Content = str | bytes | list[Any]
Files = Mapping[str, Content]
# What the fixture `follow` is: it lays a tree out and gives a reader over it.
Follow = Callable[[dict[str, Content]], LimitsReader]

CGROUP = "/sys/fs/cgroup"
MIB = 1 << 20
# What v1 writes for "no limit", where pages are 4 KiB.
V1_NO_LIMIT = "9223372036854771712\n"

_BASE_MOUNTS = [
    "22 1 8:1 / / rw,relatime - ext4 /dev/root rw",
    "20 22 0:19 / /proc rw,nosuid,nodev,noexec - proc proc rw",
    "21 22 0:20 / /sys rw,nosuid,nodev,noexec - sysfs sysfs rw",
]
_TMPFS_MOUNT = f"30 21 0:26 / {CGROUP} ro,nosuid,nodev,noexec - tmpfs tmpfs ro,mode=755"


def v2_mount(root: str = "/", mount_point: str = CGROUP) -> str:
    """One mountinfo line of the unified hierarchy."""
    return f"25 21 0:22 {root} {mount_point} rw,nosuid,nodev,noexec,relatime - cgroup2 cgroup2 rw,nsdelegate"


def v1_mount(controllers: str, root: str = "/", mount_point: str | None = None) -> str:
    """One mountinfo line of a v1 hierarchy, at the conventional place unless another is given."""
    place = mount_point or f"{CGROUP}/{controllers}"
    return f"31 30 0:31 {root} {place} ro,nosuid,nodev,noexec,relatime master:7 - cgroup cgroup rw,{controllers}"


def v2_tree(path: str, files: Files, *mounts: str) -> dict[str, Content]:
    """A v2 machine with a process in `path`; `files` are below the cgroup mount unless they start with "/proc"…"""
    return {
        "/proc/self/cgroup": f"0::{path}\n",
        "/proc/self/mountinfo": [*_BASE_MOUNTS, *(mounts or (v2_mount(),))],
        **_below_cgroup(files),
    }


def v1_tree(path: str, files: Files, *mounts: str) -> dict[str, Content]:
    """A v1 machine with a process in `path` of cpu, cpuset, memory and pids."""
    if not mounts:
        mounts = tuple(v1_mount(name) for name in ("cpu,cpuacct", "cpuset", "memory", "pids"))
    lines = [f"{4 - index}:{name}:{path}" for index, name in enumerate(("cpu,cpuacct", "cpuset", "memory", "pids"))]
    return {
        "/proc/self/cgroup": lines,
        "/proc/self/mountinfo": [*_BASE_MOUNTS, _TMPFS_MOUNT, *mounts],
        **_below_cgroup(files),
    }


def _below_cgroup(files: Files) -> dict[str, Content]:
    return {path if path.startswith("/") else f"{CGROUP}/{path}": content for path, content in files.items()}


def below(name: str) -> str:
    """A file below the cgroup mount."""
    return f"{CGROUP}/{name}"


def as_bytes(content: Content) -> bytes:
    """The file's bytes."""
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    return "".join(_line(item) + "\n" for item in content).encode()


def _line(item: str | dict[str, Any]) -> str:
    if isinstance(item, str):
        return item
    return f"{item['before']}{item['repeat'] * item['times']}{item['after']}"


def lay_out(root: Path, files: Files, unreadable: Iterable[str] = ()) -> None:
    """Write the files under `root`. An unreadable one is a folder in its place: reading that fails even for root."""
    for path, content in files.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(as_bytes(content))
    for path in unreadable:
        target = root / path.lstrip("/")
        target.unlink(missing_ok=True)
        target.mkdir(parents=True)


class MemoryHost(Host):
    """A recorded machine without a folder: path -> bytes, or the error that reading gives. Much faster."""

    def __init__(self, files: Mapping[str, Content | OSError]) -> None:
        super().__init__("/recorded")
        self.files = {path: data if isinstance(data, OSError) else as_bytes(data) for path, data in files.items()}
        self.folders = {path[:end] for path in files for end, char in enumerate(path) if char == "/"}

    def read(self, path: str) -> bytes | None:
        """As `Host.read`."""
        data = self.files.get(path)
        if isinstance(data, OSError):
            raise data
        return data

    def exists(self, path: str) -> bool:
        """As `Host.exists`."""
        return path in self.files or path.rstrip("/") in self.folders


class LiveMemoryHost(MemoryHost):
    """The same, taken for the machine itself: `devices` are the file systems that answer at the mount points."""

    def __init__(
        self, files: Mapping[str, Content | OSError], devices: Mapping[str, str], cpus: int | None = 64
    ) -> None:
        super().__init__(files)
        self.is_live = True
        self.devices = devices
        self.cpus = cpus

    def device_of(self, directory: str) -> str | None:
        """As `Host.device_of`."""
        return self.devices.get(directory)

    def affinity_count(self) -> int | None:
        """As `Host.affinity_count`."""
        return self.cpus
