"""/proc -> the processes of a tree, what memory they hold, whether they listen. Nothing here fails: what is gone, or
may not be seen, is left out."""

from __future__ import annotations

import os

from cgtune.measuring.kernel_files import (
    Memory,
    Stat,
    parse_listening_tcp,
    parse_listening_unix,
    parse_smaps,
    parse_stat,
    parse_statm,
)
from cgtune.measuring.tree import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def list_processes() -> list[Stat]:
    """All processes there are to be seen."""
    stats = []
    for name in os.listdir("/proc"):
        if name.isdigit() and (stat := read_stat(int(name))) is not None:
            stats.append(stat)
    return stats


def read_stat(pid: int) -> Stat | None:
    """One process; None where it is gone."""
    text = _read(pid, "stat")
    try:
        return parse_stat(text) if text else None
    except (ValueError, IndexError):
        return None


def describe(stat: Stat) -> Process:
    """The same process with its command line and its executable."""
    words = tuple((_read(stat.pid, "cmdline") or "").split("\0"))
    try:
        program = os.readlink(f"/proc/{stat.pid}/exe")
    except OSError:
        program = ""
    return Process(stat=stat, words=words, program=program)


def read_memory(pid: int) -> Memory | None:
    """What a process holds. Another user's may be closed to us: then an estimate, from what anybody may read."""
    for name in ("smaps_rollup", "smaps"):
        memory = parse_smaps(_read(pid, name) or "")
        if memory is not None:
            return memory
    memory = parse_statm(_read(pid, "statm") or "", os.sysconf("SC_PAGE_SIZE"))
    # A process that has just ended holds nothing.
    return memory if memory is not None and memory.private_bytes else None


def is_listening(pids: Iterable[int]) -> bool | None:
    """Whether one of them listens on a TCP or unix socket; None where their descriptors may not be seen."""
    pids = list(pids)
    inodes: set[str] = set()
    for pid in pids[:1]:
        for name, parse in (
            ("net/tcp", parse_listening_tcp),
            ("net/tcp6", parse_listening_tcp),
            ("net/unix", parse_listening_unix),
        ):
            inodes |= parse(_read(pid, name) or "")
    links = {f"socket:[{inode}]" for inode in inodes}
    seen = [_descriptors(pid) for pid in pids]
    if any(descriptors is not None and links & descriptors for descriptors in seen):
        return True
    return None if any(descriptors is None for descriptors in seen) else False


def _descriptors(pid: int) -> set[str] | None:
    """Where a process's descriptors lead; None where they may not be seen."""
    found: set[str] = set()
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        return None
    except OSError:
        return found
    for name in names:
        try:
            found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
        except OSError:
            continue
    return found


def _read(pid: int, name: str) -> str | None:
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return None
