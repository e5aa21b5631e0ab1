"""How many processes and threads the cgroup may have: pids.max and pids.current, the same in v1 and v2."""

from __future__ import annotations

from cgtune import parse
from cgtune.cgroup.levels import Tightest, Unreadable, read_tightest, read_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.cgroup.files import Files
    from cgtune.cgroup.locate import Chain


def read_pids_limit(files: Files, chain: Chain) -> Tightest:
    """The tightest pids.max over the chain."""

    def read_level(directory: str) -> tuple[float | None, str]:
        path = directory + "/pids.max"
        return read_value(files, path, parse.parse_limit), path

    return read_tightest(chain, read_level)


def read_pids_current(files: Files, chain: Chain, limit_directory: str | None) -> int | None:
    """How many there are now, at the level that limits, else at the closest one that counts."""
    for directory in (limit_directory,) if limit_directory else chain.directories:
        try:
            current = read_value(files, directory + "/pids.current", parse.parse_integer)
        except Unreadable:
            return None
        if current is not None:
            return current
    return None
