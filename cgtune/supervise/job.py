"""What the supervisor is told, and how it travels: as bytes through an inherited descriptor, in marshal's format."""

from __future__ import annotations

import marshal

from cgtune.records import Record


class Job(Record):
    """How to look after a program. Times in seconds, signals as numbers.

    `pid` is the program, which runs already. `rewrites` gives the signal to forward for the one that came, 0 for
    none. `exit_codes` gives our exit code for the program's.
    `shares_group`: it is in our process group, for there is a terminal. `has_left_terminal`: our session has given it
    away, for which the kernel sends us SIGHUP and SIGCONT.
    """

    pid: int = 0
    rewrites: tuple[tuple[int, int], ...] = ()
    exit_codes: tuple[tuple[int, int], ...] = ()
    is_group: bool = False
    shares_group: bool = False
    has_left_terminal: bool = False
    stop_timeout_seconds: float | None = None
    orphan_grace_seconds: float = 1.0
    pre_stop_delay_seconds: float = 0.0
    is_verbose: bool = False


def pack(job: Job) -> bytes:
    """As bytes."""
    return marshal.dumps(tuple(getattr(job, field) for field in job._fields))


def unpack(data: bytes) -> Job:
    """From bytes that `pack` made."""
    return Job(**dict(zip(Job._fields, marshal.loads(data), strict=True)))
