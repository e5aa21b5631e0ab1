"""One figure over a chain of cgroups: the tightest limit any level sets, and whether it could be told.

Three answers, never mixed up: limited, unlimited, unknown. A level without the file sets no limit there (the
root of a tree, or a controller not enabled). A level whose file cannot be read, or holds what the kernel does
not write, makes the whole figure unknown: its ancestors' looser limits must not stand in for it.
"""

from __future__ import annotations

from cgtune.cgroup.locate import Chain
from cgtune.limits import LIMITED, UNKNOWN, UNLIMITED
from cgtune.notices import Notice
from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from cgtune.cgroup.files import Files

    Value = TypeVar("Value")

_PROBLEMS = {
    "CGROUP_REMOVED": "the cgroup of this process was removed: its limits cannot be read",
    "CGROUP_NOT_VISIBLE": "no cgroup mount shows the cgroup of this process: its limits cannot be read",
    "CGROUP_MOVED": "this process was moved out of the cgroup that is mounted: the mounted one's limit is taken",
    "MOUNT_SHADOWED": "something else is mounted over the cgroup files: its limits cannot be read",
}


def explain(chain: Chain) -> tuple[Notice, ...]:
    """The notice of a chain that is not the process's own, or not there; none for any other."""
    if chain.problem is None:
        return ()
    return (Notice(code=chain.problem, message=_PROBLEMS[chain.problem], path=chain.path),)


class Unreadable(Exception):
    """A kernel file that is there and gives no figure. `notice` says which and why."""

    def __init__(self, code: str, path: str, reason: str) -> None:
        super().__init__(reason)
        self.notice = Notice(code=code, message=f"{path}: {reason}", path=path)


class Tightest(Record):
    """The answer for one figure. `source` is the file that decided, or that could not be read."""

    status: str
    value: float | None = None
    source: str | None = None
    directory: str | None = None
    notices: tuple[Notice, ...] = ()


def read_value(files: Files, path: str, parse: Callable[[bytes], Value]) -> Value | None:
    """One parsed file; None where there is none. Unreadable: it is there and gives no figure."""
    try:
        return files.read(path, parse)
    except OSError as error:
        raise Unreadable("LEVEL_UNREADABLE", path, error.strerror or str(error)) from None
    except ValueError as error:
        raise Unreadable("LEVEL_MALFORMED", path, str(error)) from None


def read_tightest(chain: Chain, read_level: Callable[[str], tuple[float | None, str]]) -> Tightest:
    """The smallest value of `read_level(directory)` -> (value or None, its file) over the chain."""
    notices = explain(chain)
    if not chain.directories:
        return Tightest(status=UNKNOWN, notices=notices)
    value: float | None = None
    source = directory = first_source = None
    for level in chain.directories:
        try:
            found, path = read_level(level)
        except Unreadable as error:
            return Tightest(
                status=UNKNOWN, source=error.notice.path, directory=level, notices=(*notices, error.notice)
            )
        if first_source is None:
            first_source = path
        if found is not None and (value is None or found < value):
            value, source, directory = found, path, level
    if value is not None:
        return Tightest(status=LIMITED, value=value, source=source, directory=directory, notices=notices)
    if not chain.is_certain:
        return Tightest(status=UNKNOWN, source=first_source, notices=notices)
    return Tightest(status=UNLIMITED, source=first_source, notices=notices)
