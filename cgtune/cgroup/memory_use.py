"""Memory in use by one process's cgroups, and the room left.

| | v1 | v2 |
|---|---|---|
| in use | memory.usage_in_bytes | memory.current |
| reclaimable (memory.stat) | total_inactive_file - total_dirty - total_writeback | the same as file_… |

The working set is what is in use less what the kernel can drop without writing it to disk first.

Headroom is counted level by level, limit - working set, with each level's own use, and the smallest counts: the
level with the tightest limit need not be the one with the least room (sysinfo 1651, dotnet/runtime 113193).
"""

from __future__ import annotations

from cgtune import parse
from cgtune.cgroup.levels import read_value
from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.cgroup.files import Files
    from cgtune.cgroup.locate import Chain


class _Names(Record):
    """The two interfaces differ in the names far more than in the meaning, so the names are tabled here."""

    usage: str
    inactive: bytes
    dirty: bytes
    writeback: bytes


_NAMES = {
    1: _Names(
        usage="/memory.usage_in_bytes",
        inactive=b"total_inactive_file",
        dirty=b"total_dirty",
        writeback=b"total_writeback",
    ),
    2: _Names(
        usage="/memory.current",
        inactive=b"inactive_file",
        dirty=b"file_dirty",
        writeback=b"file_writeback",
    ),
}


class MemoryUse(Record):
    """In bytes: use at the closest level that counts it, and the room left at the level with the least."""

    usage_bytes: int | None = None
    working_set_bytes: int | None = None
    headroom_bytes: int | None = None


def read_memory_use(files: Files, chain: Chain, levels: tuple[tuple[str, int], ...]) -> MemoryUse:
    """Usage and working set at the closest level that counts; headroom over `levels`. Raises Unreadable."""
    if chain.version is None:
        return MemoryUse()
    names = _NAMES[chain.version]
    seen: dict[str, tuple[int, int] | None] = {}

    def use_of(directory: str) -> tuple[int, int] | None:
        if directory not in seen:
            seen[directory] = _read_use(files, directory, names)
        return seen[directory]

    use = None
    for directory in chain.directories:
        use = use_of(directory)
        if use is not None:
            break
    headroom_bytes: int | None = None
    for directory, limit_bytes in levels:
        level_use = use_of(directory)
        if level_use is None:
            headroom_bytes = None
            break
        room_bytes = max(0, limit_bytes - level_use[1])
        if headroom_bytes is None or room_bytes < headroom_bytes:
            headroom_bytes = room_bytes
    return MemoryUse(
        usage_bytes=use[0] if use else None,
        working_set_bytes=use[1] if use else None,
        headroom_bytes=headroom_bytes,
    )


def _read_use(files: Files, directory: str, names: _Names) -> tuple[int, int] | None:
    """(usage, working set): the working set leaves out what the kernel can drop without writing it first."""
    usage_bytes = read_value(files, directory + names.usage, parse.parse_integer)
    if usage_bytes is None:
        return None

    def parse_reclaimable(data: bytes) -> int:
        clean = parse.parse_key(data, names.inactive) or 0
        unwritten = (parse.parse_key(data, names.dirty) or 0) + (parse.parse_key(data, names.writeback) or 0)
        return max(0, clean - unwritten)

    reclaimable_bytes = read_value(files, directory + "/memory.stat", parse_reclaimable) or 0
    return usage_bytes, max(0, usage_bytes - reclaimable_bytes)
