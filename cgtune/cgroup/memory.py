"""Memory limits of one process's cgroups, as the kernel states them.

| | v1 | v2 |
|---|---|---|
| limit | memory.limit_in_bytes, and memory.stat: hierarchical_memory_limit | memory.max |
| throttled from | | memory.high |
| protected | memory.soft_limit_in_bytes (a wish, not a limit) | memory.low |
| swap | memory.memsw.limit_in_bytes - limit | memory.swap.max |
| killed as one | | memory.oom.group |

v1 writes "no limit" as the largest page-aligned number, which differs with the page size: 9223372036854771712
with 4 KiB pages, 9223372036854759424 with 16, 9223372036854710272 with 64. So anything from 2**62 on is none.
"""

from __future__ import annotations

from cgtune import parse
from cgtune.cgroup.levels import Tightest, Unreadable, read_tightest, read_value
from cgtune.limits import LIMITED, UNKNOWN, UNLIMITED
from cgtune.notices import Notice
from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cgtune.cgroup.files import Files
    from cgtune.cgroup.locate import Chain

NO_LIMIT_FROM_BYTES = 1 << 62
_LIMIT_FILE = {1: ("memory.limit_in_bytes", parse.parse_signed_limit), 2: ("memory.max", parse.parse_limit)}
_SOFT_FILE = "/memory.soft_limit_in_bytes"


class MemoryLimits(Record):
    """What binds, in bytes. `levels` are the limited directories with their limits, for the headroom.

    `unknown` names the figures that could not be read, each with the notice that says why.
    """

    tightest: Tightest
    levels: tuple[tuple[str, int], ...] = ()
    high_bytes: int | None = None
    unknown: tuple[tuple[str, Notice], ...] = ()


class MemoryWishes(Record):
    """What was set beside the limit, in bytes; none of it is a limit on memory."""

    low_bytes: int | None = None
    soft_limit_bytes: int | None = None
    swap_limit_bytes: int | None = None
    oom_group: bool | None = None
    unknown: tuple[tuple[str, Notice], ...] = ()


def read_memory_limits(files: Files, chain: Chain) -> MemoryLimits:
    """The tightest limit over the chain, and the lowest memory.high."""
    levels: list[tuple[str, int]] = []
    name, parse_limit = _LIMIT_FILE[chain.version or 2]

    def read_level(directory: str) -> tuple[float | None, str]:
        path = f"{directory}/{name}"
        limit_bytes = _finite(read_value(files, path, parse_limit))
        if limit_bytes is not None:
            levels.append((directory, limit_bytes))
        return limit_bytes, path

    tightest = read_tightest(chain, read_level)
    if chain.version == 1:
        tightest = _with_invisible_levels(files, chain, levels, tightest)
        return MemoryLimits(tightest=tightest, levels=tuple(levels))
    try:
        high_bytes = _smallest(files, chain, "memory.high")
    except Unreadable as error:
        unknown = (("memory.high_bytes", error.notice),)
        return MemoryLimits(tightest=tightest, levels=tuple(levels), unknown=unknown)
    return MemoryLimits(tightest=tightest, levels=tuple(levels), high_bytes=high_bytes)


def read_memory_wishes(files: Files, chain: Chain, limit_bytes: int | None) -> MemoryWishes:
    """Protection, soft limit, swap and group kill. A figure that cannot be read is named in `unknown`."""
    if not chain.directories:
        return MemoryWishes()
    leaf = chain.directories[0]
    found: dict[str, Any] = {}
    unknown = []

    def note(figure: str, read: Callable[[], int | None]) -> None:
        try:
            found[figure] = read()
        except Unreadable as error:
            unknown.append(("memory." + figure, error.notice))

    if chain.version == 1:
        note(
            "soft_limit_bytes",
            lambda: _finite(read_value(files, leaf + _SOFT_FILE, parse.parse_signed_limit)),
        )
        # memsw counts memory and swap together.
        note("swap_limit_bytes", lambda: _smallest(files, chain, "memory.memsw.limit_in_bytes"))
        both_bytes = found.get("swap_limit_bytes")
        if both_bytes is not None:
            # The kernel holds memory's limit at or below memsw's: without one, it could not be read.
            found["swap_limit_bytes"] = None if limit_bytes is None else max(0, both_bytes - limit_bytes)
        return MemoryWishes(**found, unknown=tuple(unknown))
    note("low_bytes", lambda: _finite(read_value(files, leaf + "/memory.low", parse.parse_limit)))
    note("swap_limit_bytes", lambda: _smallest(files, chain, "memory.swap.max"))
    note("oom_group", lambda: read_value(files, leaf + "/memory.oom.group", parse.parse_integer))
    oom_group = found.pop("oom_group", None)
    return MemoryWishes(**found, oom_group=None if oom_group is None else bool(oom_group), unknown=tuple(unknown))


def _smallest(files: Files, chain: Chain, name: str) -> int | None:
    """The smallest number of one file over the chain; None where none is set. Raises Unreadable."""
    parse_limit = _LIMIT_FILE[chain.version or 2][1]
    values = [_finite(read_value(files, f"{directory}/{name}", parse_limit)) for directory in chain.directories]
    return min((value for value in values if value is not None), default=None)


def _with_invisible_levels(files: Files, chain: Chain, levels: list[tuple[str, int]], tightest: Tightest) -> Tightest:
    """v1's two corrections of the walk: ancestors that do not count, and ancestors that cannot be seen."""
    if not chain.directories or (tightest.status == UNKNOWN and chain.is_certain):
        return tightest
    leaf = chain.directories[0]
    if tightest.directory not in (None, leaf):
        tightest = _without_hierarchy(files, leaf, levels) or tightest
    return _with_hidden_ancestor(files, leaf, levels, tightest)


def _parse_hierarchical_limit(data: bytes) -> int | None:
    limit_bytes = parse.parse_key(data, b"hierarchical_memory_limit")
    if limit_bytes is None and not parse.is_flat_keyed(data):
        raise ValueError("not keys and numbers")
    return limit_bytes


def _without_hierarchy(files: Files, leaf: str, levels: list[tuple[str, int]]) -> Tightest | None:
    """The leaf's own limit, where the leaf says that ancestors do not count for it (before Linux 5.11)."""
    try:
        if read_value(files, leaf + "/memory.use_hierarchy", parse.parse_integer) != 0:
            return None
        own = _finite(read_value(files, f"{leaf}/memory.limit_in_bytes", parse.parse_signed_limit))
    except Unreadable:
        return None
    levels[:] = [(leaf, own)] if own is not None else []
    source = f"{leaf}/memory.limit_in_bytes"
    if own is None:
        return Tightest(status=UNLIMITED, source=source)
    return Tightest(status=LIMITED, value=own, source=source, directory=leaf)


def _with_hidden_ancestor(files: Files, leaf: str, levels: list[tuple[str, int]], tightest: Tightest) -> Tightest:
    """The kernel's own minimum over all ancestors, where it is below every limit that can be seen from here.

    A container under `--cgroup-parent`, or an ECS task, has its limit on an ancestor that is not mounted.
    """
    path = leaf + "/memory.stat"
    try:
        hidden = _finite(read_value(files, path, _parse_hierarchical_limit))
    except Unreadable as error:
        notices = (*tightest.notices, error.notice)
        return Tightest(status=UNKNOWN, source=path, directory=leaf, notices=notices)
    if hidden is None or (tightest.value is not None and hidden >= tightest.value):
        return tightest
    levels.append((leaf, hidden))
    message = f"{path}: hierarchical_memory_limit is below every limit visible here; an ancestor sets it"
    note = Notice(code="HIDDEN_ANCESTOR", message=message, path=path)
    notices = (*tightest.notices, note)
    return Tightest(status=LIMITED, value=hidden, source=path, directory=leaf, notices=notices)


def _finite(limit_bytes: int | None) -> int | None:
    return None if limit_bytes is None or limit_bytes >= NO_LIMIT_FROM_BYTES else limit_bytes
