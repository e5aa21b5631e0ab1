"""What the kernel says of processes: those below one, their state, their signals. Read from outside of them.

/proc/PID/stat     pid (name) state ppid pgrp session tty_nr tpgid ...   the name may hold blanks and brackets
/proc/PID/status   `NSpid:` the pid in each PID namespace, innermost last; `SigBlk:` and its like are masks in
                   hexadecimal whose lowest bit is signal 1                                        see proc(5)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

#: Between two looks at what cannot be waited for.
_LOOK_SECONDS = 0.002


@dataclass(frozen=True)
class Process:
    """One process, as it was when looked at."""

    pid: int
    name: str
    state: str
    parent: int
    group: int
    session: int
    foreground_group: int


def read_process(pid: int) -> Process | None:
    """The process, None when there is none."""
    try:
        text = Path("/proc", str(pid), "stat").read_text(errors="replace")
    except OSError:
        return None
    start, _, rest = text.rpartition(")")
    state, parent, group, session, _, foreground_group = rest.split()[:6]
    name = start.partition("(")[2]
    return Process(pid, name, state, int(parent), int(group), int(session), int(foreground_group))


def descendants(top: int) -> list[Process]:
    """All processes below `top`, zombies too, the oldest first."""
    children: dict[int, list[Process]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (process := read_process(int(entry))) is not None:
            children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = [top]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += [process.pid for process in below]
    return sorted(found, key=lambda process: process.pid)


def status_lines(pid: int) -> dict[str, str]:
    """The lines of /proc/PID/status; none when it is gone."""
    try:
        return parse_status(Path("/proc", str(pid), "status").read_text(errors="replace"))
    except OSError:
        return {}


def parse_status(text: str) -> dict[str, str]:
    """`Name:\tvalue` lines."""
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def signals_of(mask: str) -> frozenset[int]:
    """The signals of a mask, but for the C library's own: what posix_spawn(3) starts, as make does, ignores them."""
    bits = int(mask, 16)
    return frozenset(number for number in range(1, 65) if bits >> (number - 1) & 1 and number not in (32, 33))


def pid_inside(pid: int) -> int | None:
    """The pid that the process has in its own PID namespace."""
    numbers = status_lines(pid).get("NSpid", "").split()
    return int(numbers[-1]) if numbers else None


def has_nothing_to_do(pid: int) -> bool:
    """Whether it has taken every signal it will take: it sleeps, is stopped or gone, and none is pending."""
    status = status_lines(pid)
    if not status or status["State"][0] in "ZX":
        return True
    pending = signals_of(status["SigPnd"]) | signals_of(status["ShdPnd"])
    return status["State"][0] == "T" or (status["State"][0] == "S" and not pending)


def wait_until(condition: Callable[[], object], seconds: float = 5) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def ranges(numbers: Iterable[int]) -> str:
    """1, 2, 3, 5 as "1-3 5"."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return " ".join("-".join(map(str, part)) for part in parts)
