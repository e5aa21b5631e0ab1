"""The text of the files under /proc that tell of processes, their memory and their sockets. Pure.

Written as proc(5) has them. A line that is malformed raises ValueError or IndexError in `parse_stat`, and is passed
over elsewhere: the kernel does not write it, and one of many makes little difference.
"""

from __future__ import annotations

from dataclasses import dataclass

_LISTENING = "0A"  # TCP_LISTEN of include/net/tcp_states.h
_ACCEPTS = 1 << 16  # __SO_ACCEPTCON of include/linux/net.h
_PAGE_BYTES = 4096
# gVisor and old kernels do not tell of anonymous memory.
_NEEDED = {"Pss", "Private_Dirty"}


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc/PID/stat tells of a process. `started_ticks` and the id together name it for good."""

    pid: int
    parent: int
    session: int
    started_ticks: int
    is_dead: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process has written, its part of what it shares or could share, and what it has in common with others
    by fork only.

    `is_estimate`: the part shared is not divided among those that share it, and what is inherited counts as its own.
    """

    private_bytes: int
    shared_part_bytes: int
    inherited_bytes: int = 0
    is_estimate: bool = False


def parse_stat(text: str) -> Stat:
    """`4242 (a name) S 1 4242 4242 0 -1 …`: id, name, state, parent, group, session, …, field 22 is the start.

    The name is the program's own choice, and may hold spaces and parentheses.
    """
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return Stat(
        pid=int(head.partition(" ")[0]),
        parent=int(fields[1]),
        session=int(fields[3]),
        started_ticks=int(fields[19]),
        is_dead=fields[0] in ("Z", "X", "x"),
    )


def parse_smaps(text: str) -> Memory | None:
    """`Private_Dirty:   116 kB` and its like: once in smaps_rollup, once a mapping in smaps. None: not a line.

    Private_Clean is what a file says and nobody else has mapped: a library that one worker alone has loaded. The
    next worker maps the same pages, so it counts as shared. Anonymous memory that is not private is a page of the
    parent's that neither has written to since the fork.

    MiB of one worker with its clean pages, without them, and of each of two with them (CPython 3.11, 2026-11-21):
    gunicorn with Flask + SQLAlchemy 48.1, 43.5, 43.4; uvicorn with FastAPI 64.4, 53.5, 53.8.
    """
    sums_kib = {"Pss": 0, "Private_Dirty": 0, "Anonymous": 0}
    found = set()
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        if name in sums_kib:
            number = rest.strip().partition(" ")[0]
            if number.isdigit():
                sums_kib[name] += int(number)
                found.add(name)
    if not found >= _NEEDED:
        return None
    private_kib = sums_kib["Private_Dirty"]
    return Memory(
        private_bytes=private_kib << 10,
        shared_part_bytes=max(0, sums_kib["Pss"] - private_kib) << 10,
        inherited_bytes=max(0, sums_kib["Anonymous"] - private_kib) << 10,
    )


def parse_statm(text: str, page_bytes: int = _PAGE_BYTES) -> Memory | None:
    """`2250 1021 700 …` pages: size, resident, resident of files and shared memory. None: something else."""
    fields = text.split()
    if len(fields) < 3 or not all(field.isdigit() for field in fields[:3]):
        return None
    resident, shared = int(fields[1]), int(fields[2])
    return Memory(
        private_bytes=max(0, resident - shared) * page_bytes, shared_part_bytes=shared * page_bytes, is_estimate=True
    )


def parse_listening_tcp(text: str) -> set[str]:
    """The inodes of the listening sockets in /proc/PID/net/tcp or tcp6.

    sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode …
     0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1482 …
    """
    lines = [line.split() for line in text.splitlines()[1:]]
    return {fields[9] for fields in lines if len(fields) > 9 and fields[3] == _LISTENING}


def parse_listening_unix(text: str) -> set[str]:
    """The inodes of the listening sockets in /proc/PID/net/unix.

    Num       RefCount Protocol Flags    Type St Inode Path
    8e5b4080: 00000002 00000000 00010000 0001 01  1479 /run/app.sock
    """
    inodes = set()
    for line in text.splitlines()[1:]:
        fields = line.split()
        try:
            if int(fields[3], 16) & _ACCEPTS:
                inodes.add(fields[6])
        except (IndexError, ValueError):
            continue
    return inodes
