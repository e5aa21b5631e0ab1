"""Who is below us, and how to end them all.

As PID 1, all of its PID namespace is ours to end: when PID 1 ends, the kernel kills the rest (pid_namespaces(7)).
Elsewhere kill(-1) would reach strangers, so there it is done process by process, by the parents in /proc/PID/stat:

    1234 (a name) with brackets) S 1 …     pid (name) state parent                                   proc_pid_stat(5)
"""

from __future__ import annotations

import os

_MOST_LOOKS = 5

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def kill_all(number: int, program: int = 0) -> None:
    """Signal everything below us; also where /proc tells nothing the program itself, as long as it is there."""
    if os.getpid() == 1:
        _kill(-1, number)
        return
    told = {0}
    # Again for those that were started while we looked.
    for _ in range(_MOST_LOOKS):
        found = {program, *find_descendants(os.getpid(), _read_parents())} - told
        if not found:
            break
        for pid in found:
            _kill(pid, number)
        told |= found


def describe_all(program: int = 0, most: int = 10) -> str:
    """The processes below us by id and name: "7 gunicorn, 9 gunicorn"."""
    found = find_descendants(os.getpid(), _read_parents())
    if not found:
        return str(program) if program else "whoever that is"
    names = [f"{pid} {_name_of(pid)}".rstrip() for pid in found[:most]]
    return ", ".join(names) + (f" and {len(found) - most} more" if len(found) > most else "")


def find_descendants(root: int, parents: Iterable[tuple[int, int]]) -> list[int]:
    """The processes below `root`, nearest first, from pairs of process and parent."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents:
        children.setdefault(parent, []).append(pid)
    found = []
    queue = [root]
    for above in queue:
        below = children.pop(above, [])
        queue += below
        found += below
    return found


def parse_parent(stat: bytes) -> int | None:
    """The parent in a stat file; None where that cannot be told. A zombie has one: its other threads may live on."""
    fields = stat.rpartition(b")")[2].split()
    if len(fields) < 2 or not fields[1].isdigit():
        return None
    return int(fields[1])


def _read_parents() -> list[tuple[int, int]]:
    """Nothing where /proc belongs to another PID namespace: its numbers are strangers here."""
    try:
        if os.readlink("/proc/self") != str(os.getpid()):
            return []
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    pairs = [(pid, parse_parent(_read(f"/proc/{pid}/stat"))) for pid in pids]
    return [(pid, parent) for pid, parent in pairs if parent is not None]


def _name_of(pid: int) -> str:
    return _read(f"/proc/{pid}/comm").decode("utf-8", "replace").strip()


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:  # it has ended, or is another user's
        pass
