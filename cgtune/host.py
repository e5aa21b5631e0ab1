"""The one door to the machine: /proc, /sys, the environment, CPU affinity.

Everything above reads through a `Host`, so that a tree of recorded kernel files (`--root`) is read by the same
code as the machine itself. Under a root nothing comes from outside it: symbolic links are resolved inside it,
and what would be a system call is read from the tree (affinity from `proc/self/status`) or is unknown.
"""

from __future__ import annotations

import os
import sys

from cgtune import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# A FIFO in a recorded tree must not block. (That no descriptor reaches the hosted program is Python's own habit.)
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
# The largest kernel file read here is mountinfo; 5,000 mounts are about 1 MB.
_LARGEST_FILE_BYTES = 16 << 20
_CHUNK_BYTES = 1 << 16
_MOST_LINKS = 40


class Host:
    """This machine as process `pid` sees it, or a recorded tree of it under `root`.

    `is_recorded` says that "/" is to be read as a tree too, without system calls or the caller's variables.
    A `pid` of another process is looked up in the mounts of this one: both must share their cgroup namespace.
    """

    def __init__(self, root: str = "/", pid: int | None = None, *, is_recorded: bool = False) -> None:
        self.root = root.rstrip("/")
        self.pid = "self" if pid is None else str(pid)
        self.is_live = not self.root and not is_recorded
        self._folders: dict[str, str] = {}
        # Only Linux has what is read here; elsewhere every answer is "none" and nothing is opened.
        self.has_kernel_files = not self.is_live or sys.platform == "linux"

    def read(self, path: str) -> bytes | None:
        """The content of a file; None where there is none. OSError: it is there and cannot be read."""
        descriptor = self.open(path)
        if descriptor is None:
            return None
        try:
            return _read_descriptor(descriptor)
        finally:
            os.close(descriptor)

    def open(self, path: str) -> int | None:
        """A descriptor to read from, for the caller to close; None where there is no such file."""
        if not self.has_kernel_files:
            return None
        try:
            return os.open(self.locate(path), _FLAGS)
        except (FileNotFoundError, NotADirectoryError):
            if not self.is_live and os.path.lexists(self.root + path):
                raise OSError("a symbolic link that leads nowhere in the tree") from None
            return None

    def exists(self, path: str) -> bool:
        """Whether there is anything at a path that this process may see."""
        if not self.has_kernel_files:
            return False
        try:
            return os.access(self.locate(path), os.F_OK)
        except OSError:
            return False

    def has_folders(self, directory: str) -> bool:
        """Whether a directory holds other directories; a fault in looking counts as yes."""
        try:
            with os.scandir(self.locate(directory)) as entries:
                return any(entry.is_dir() for entry in entries)
        except OSError:
            return True

    def device_of(self, directory: str) -> str | None:
        """The "major:minor" of the file system that answers at a directory, as mountinfo writes it.

        None where that cannot be told: under a root, or when the directory does not answer.
        """
        if not self.is_live:
            return None
        try:
            device = os.stat(directory).st_dev
        except OSError:
            return None
        return f"{os.major(device)}:{os.minor(device)}"

    def environment(self) -> Mapping[str, str]:
        """The variables of this process; under a root those recorded in `proc/self/environ`."""
        if self.is_live and self.pid == "self":
            return os.environ
        return self.environment_of(self.pid)

    def environment_of(self, pid: str) -> Mapping[str, str]:
        """The variables another process was started with; empty where they may not be read."""
        try:
            return parse.parse_environ(self.read(f"/proc/{pid}/environ") or b"")
        except OSError:
            return {}

    def affinity_count(self) -> int | None:
        """How many CPUs the scheduler may use for this process (sched_setaffinity(2) and cpuset together)."""
        if self.is_live:
            try:
                return len(os.sched_getaffinity(0 if self.pid == "self" else int(self.pid)))
            except (AttributeError, OSError, ValueError):
                # Not Linux, or a sandbox that refuses the call.
                pass
        try:
            return parse.parse_allowed_cpus(self.read(f"/proc/{self.pid}/status") or b"")
        except (OSError, ValueError):
            return None

    def online_count(self) -> int | None:
        """How many CPUs the machine has switched on.

        From sysfs and not from `os.cpu_count()`: that one follows PYTHON_CPU_COUNT, and on musl the affinity.
        """
        try:
            data = self.read("/sys/devices/system/cpu/online")
            count = parse.parse_cpu_list(data) if data is not None else 0
        except (OSError, ValueError):
            count = 0
        if not count and self.is_live:
            count = os.cpu_count() or 0
        return count or None

    def physical_bytes(self) -> int | None:
        """The machine's memory as the system call has it (sysinfo(2)); None under a root."""
        if not self.is_live:
            return None
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            return None

    def locate(self, path: str) -> str:
        """The real path of a path of this host. OSError: symbolic links without end."""
        return path if self.is_live else self._resolve(path)

    def _resolve(self, path: str) -> str:
        """Follow symbolic links as a chroot would; each folder once, because many files share it."""
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = self._follow(self.root, folder, 0)
        return self._follow(self._folders[folder], name, 0)

    def _follow(self, base: str, path: str, links: int) -> str:
        """The real place of `path` below `base`: an absolute target starts at the root, ".." stops there."""
        for part in path.split("/"):
            if part in ("", "."):
                continue
            if part == "..":
                base = base.rpartition("/")[0] if len(base) > len(self.root) else base
                continue
            here = f"{base}/{part}"
            try:
                target = os.readlink(here)
            except OSError:
                base = here
                continue
            if links >= _MOST_LINKS:
                raise OSError(f"too many symbolic links: {path}")
            links += 1
            base = self._follow(self.root if target.startswith("/") else base, target, links)
        return base


def _read_descriptor(descriptor: int) -> bytes:
    """All of an open file from where it stands. OSError: it cannot be read, or is far too large."""
    data = os.read(descriptor, _CHUNK_BYTES)
    if not data:
        return data
    # A short read is no end of file: the kernel hands out mountinfo in pieces of about a page.
    parts = [data]
    size = len(data)
    while data := os.read(descriptor, _CHUNK_BYTES):
        parts.append(data)
        size += len(data)
        if size > _LARGEST_FILE_BYTES:
            raise OSError("file too large")
    return parts[0] if len(parts) == 1 else b"".join(parts)
