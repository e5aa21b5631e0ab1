"""What the supervisor is told, and how it travels: as bytes through an inherited descriptor, in marshal's format.

Text travels as the bytes that the kernel gave us: the supervisor's Python may take another encoding for names.
"""

from __future__ import annotations

import marshal
import os

from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Job(Record):
    """The program, and how to look after it. Times in seconds, signals as numbers.

    `pid` is the program, which runs already. `blocked` is the signal mask that it inherits. `rewrites` gives the
    signal to forward for the one that came, 0 for none. `exit_codes` gives our exit code for the program's.
    `has_terminal`: its group is in the terminal's foreground in place of ours. `has_left`: our session has given
    the terminal away, for which the kernel sends us SIGHUP and SIGCONT.
    """

    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    pid: int = 0
    has_terminal: bool = False
    has_left: bool = False
    blocked: tuple[int, ...] = ()
    rewrites: tuple[tuple[int, int], ...] = ()
    exit_codes: tuple[tuple[int, int], ...] = ()
    is_group: bool = False
    stop_timeout_seconds: float | None = None
    orphan_grace_seconds: float = 1.0
    pre_stop_delay_seconds: float = 0.0
    is_verbose: bool = False


def pack(job: Job) -> bytes:
    """As bytes."""
    values: dict[str, Any] = {field: getattr(job, field) for field in job._fields}
    values["argv"] = tuple(map(os.fsencode, job.argv))
    values["environment"] = tuple((os.fsencode(name), os.fsencode(value)) for name, value in job.environment)
    return marshal.dumps(values)


def unpack(data: bytes) -> Job:
    """From bytes that `pack` made."""
    values: dict[str, Any] = marshal.loads(data)
    values["argv"] = tuple(map(os.fsdecode, values["argv"]))
    values["environment"] = tuple((os.fsdecode(name), os.fsdecode(value)) for name, value in values["environment"])
    return Job(**values)
