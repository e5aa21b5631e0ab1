"""The text of one kernel file -> values. Pure: bytes in, values out, ValueError where the kernel would not write it.

Numbers are taken only as the kernel prints them, ASCII digits: `int()` alone would also take "+5", "1_000" and
other scripts' digits. Paths are decoded as file names are (surrogateescape), so that every byte survives.
"""

from __future__ import annotations

from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The kernel's numbers are 64 bits wide: 20 digits. Longer ones are noise.
_MOST_DIGITS = 20
# cpu.max may be written with one field; the kernel's default period applies (cgroup-v2.rst).
DEFAULT_PERIOD_US = 100_000
# 10,000 cores; Linux takes 8,192 CPUs at most. Beyond this two numbers have lost the space between them.
_LARGEST_LONE_QUOTA_US = 10_000 * DEFAULT_PERIOD_US


class Membership(Record):
    """Where one process is: a path per v1 controller, and one in the unified (v2) hierarchy."""

    v1_paths: dict[str, str]
    v2_path: str | None
    malformed_lines: int


class Mount(Record):
    """One mount of a cgroup hierarchy."""

    device: str
    root: str
    mount_point: str
    is_v2: bool
    controllers: frozenset[str]


class Pressure(Record):
    """One PSI file: share of time (percent) in the last 10 s, and stalled time in all (microseconds)."""

    some_avg10: float | None = None
    some_total_us: int | None = None
    full_avg10: float | None = None
    full_total_us: int | None = None


def parse_integer(data: bytes) -> int:
    """A number >= 0, alone, as in `pids.current`."""
    text = data.strip()
    if not text.isdigit() or len(text) > _MOST_DIGITS:
        raise ValueError("not a number")
    return int(text)


def parse_limit(data: bytes) -> int | None:
    """A limit as v2 writes it, a number or "max" (no limit: None): memory.max, memory.high, pids.max."""
    return None if data.strip() == b"max" else parse_integer(data)


def parse_signed_limit(data: bytes) -> int | None:
    """A limit as v1 writes it: a number, or -1 for no limit (None)."""
    return None if data.strip() == b"-1" else parse_integer(data)


# cpu.max (cgroup-v2.rst): "$MAX $PERIOD", microseconds; $MAX is a number or "max"; one field is the quota.
#
#     50000 100000    half a core
#     max 100000      no limit


def parse_cpu_max(data: bytes) -> tuple[int, int] | None:
    """(quota, period) in microseconds, None for no limit; ValueError for any other text, 0 among it."""
    fields = data.split()
    if not 1 <= len(fields) <= 2:
        raise ValueError("not a quota and a period")
    period_us = parse_integer(fields[1]) if len(fields) == 2 else DEFAULT_PERIOD_US
    if period_us == 0:
        raise ValueError("a period of 0")
    if fields[0] == b"max":
        return None
    quota_us = parse_integer(fields[0])
    if quota_us == 0:
        raise ValueError("a quota of 0")
    if len(fields) == 1 and quota_us > _LARGEST_LONE_QUOTA_US:
        raise ValueError("a quota and a period in one")
    return quota_us, period_us


# cpu.cfs_quota_us, cpu.cfs_period_us (v1, sched-bwc.rst): one number each; a quota of -1 is no limit.


def parse_cfs(quota: bytes, period: bytes | None) -> tuple[int, int] | None:
    """(quota, period) in microseconds, None for no limit; a quota without its period is a ValueError."""
    quota_us = parse_signed_limit(quota)
    if quota_us is None:
        return None
    if period is None:
        raise ValueError("a quota without a period")
    period_us = parse_integer(period)
    if quota_us == 0 or period_us == 0:
        raise ValueError("a quota or a period of 0")
    return quota_us, period_us


# CPU lists (cpuset(7), "List format"): "0-4,9", in any order; empty: none.


def parse_cpu_list(data: bytes) -> int:
    """How many CPUs a list names; ValueError for a backward range, an overlap or anything else."""
    text = data.strip()
    if not text:
        return 0
    count = 0
    seen: list[tuple[int, int]] = []
    for part in text.split(b","):
        first_text, dash, last_text = part.partition(b"-")
        first = parse_integer(first_text)
        last = parse_integer(last_text) if dash else first
        if last < first or first_text != first_text.strip() or last_text != last_text.strip():
            raise ValueError("not a CPU list")
        seen.append((first, last))
        count += last - first + 1
    if len(seen) > 1:
        seen.sort()
        for (_, before), (after, _) in zip(seen, seen[1:], strict=False):  # noqa: RUF007  # itertools is not on the hot path
            if after <= before:
                raise ValueError("a CPU twice in a list")
    return count


# memory.stat and its like ("flat keyed" in cgroup-v2.rst): "key value" a line, in no promised order.


def parse_key(data: bytes, key: bytes) -> int | None:
    """The number of one key; None where the key is not there; ValueError where it has no number."""
    position = 0
    while (position := data.find(key, position)) >= 0:
        end = position + len(key)
        starts_line = position == 0 or data[position - 1] == 10
        if starts_line and data[end : end + 1] in (b" ", b"\t"):
            newline = data.find(b"\n", end)
            return parse_integer(data[end : newline if newline >= 0 else len(data)])
        position = end
    return None


def is_flat_keyed(data: bytes) -> bool:
    """Whether all of a text is "key number" lines: only then is a key that was not found not there."""
    *lines, rest = data.split(b"\n")
    pairs = [line.split(b" ") for line in lines]
    return (
        bool(lines) and not rest and all(len(pair) == 2 and pair[1].isdigit() and _is_key(pair[0]) for pair in pairs)
    )


def _is_key(text: bytes) -> bool:
    return text.replace(b"_", b"").isalnum()


# /proc/meminfo (proc(5)): "MemTotal:       24684092 kB", always kB.


def parse_meminfo(data: bytes, key: bytes) -> int | None:
    """The bytes of one line of /proc/meminfo, such as b"MemAvailable"; None where it is not there.

    Every kernel writes MemTotal: without it the text is no meminfo.
    """
    for line in data.split(b"\n"):
        if line.startswith(key + b":"):
            fields = line[len(key) + 1 :].split()
            if len(fields) != 2 or fields[1] != b"kB":
                raise ValueError("not a size in kB")
            return parse_integer(fields[0]) * 1024
    if key == b"MemTotal":
        raise ValueError("no MemTotal")
    return None


# Pressure stall information (psi.rst):
#
#     some avg10=0.00 avg60=0.00 avg300=0.00 total=0
#     full avg10=0.00 avg60=0.00 avg300=0.00 total=0      (cpu.pressure has it since 5.13)


def parse_pressure(data: bytes) -> Pressure:
    """One PSI file; ValueError where a line has no avg10 or total."""
    found: dict[str, Any] = {}
    for line in data.split(b"\n"):
        kind, _, rest = line.partition(b" ")
        if kind not in (b"some", b"full"):
            continue
        values = dict(field.split(b"=", 1) for field in rest.split() if b"=" in field)
        if b"avg10" not in values or b"total" not in values:
            raise ValueError("no avg10 or total")
        name = kind.decode()
        found[name + "_avg10"] = _parse_percent(values[b"avg10"])
        found[name + "_total_us"] = parse_integer(values[b"total"])
    if "some_avg10" not in found:
        raise ValueError("no pressure")
    return Pressure(**found)


def _parse_percent(text: bytes) -> float:
    whole, _, fraction = text.partition(b".")
    if not whole.isdigit() or (fraction and not fraction.isdigit()) or len(text) > _MOST_DIGITS:
        raise ValueError("not a percentage")
    return float(text)


# /proc/PID/cgroup (cgroups(7)): "hierarchy-ID:controller-list:cgroup-path" a line. The path may hold colons
# (cri-containerd's do). v2 is "0::/path"; " (deleted)" follows a path whose cgroup was removed.


def parse_membership(data: bytes) -> Membership:
    """Where the process is. Malformed lines are counted and passed over; an empty controller list needs id 0.

    A malformed line may be the rest of the one before it, whose path is then only an ancestor of the true one:
    that line does not count either.
    """
    paths: dict[str, str] = {}
    malformed_lines = 0
    names: list[str] = []
    for line in data.split(b"\n"):
        if not line:
            continue
        fields = line.split(b":", 2)
        if len(fields) < 3 or not fields[0].isdigit() or fields[2][:1] != b"/" or b"\0" in line:
            malformed_lines += 1
            for name in names:
                paths.pop(name, None)
            continue
        # The unified hierarchy has id 0, and the name "" here.
        names = decode(fields[1]).split(",")
        if "" in names and (fields[0] != b"0" or len(names) > 1):
            names = [name for name in names if name]
        path = decode(fields[2])
        for name in names:
            paths[name] = path
    v2_path = paths.pop("", None)
    return Membership(v1_paths=paths, v2_path=v2_path, malformed_lines=malformed_lines)


# /proc/PID/mountinfo (proc_pid_mountinfo(5)):
#
#     36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
#     id parent major:minor root mount-point options [optional fields] - type source super-options
#
# Space, tab, newline and backslash are written as \040 \011 \012 \134 in root, mount point and source; super
# options are not escaped everywhere (WSL's 9p lines hold spaces).


def parse_mounts(data: bytes) -> list[Mount]:
    """The cgroup mounts, in the file's order. Malformed lines are passed over, and mounts under a later one."""
    mounts: dict[str, Mount] = {}
    # A container host has thousands of mounts and a handful of cgroup ones: look for those, split only them.
    position = 0
    while (position := data.find(b" - cgroup", position)) >= 0:
        start = data.rfind(b"\n", 0, position) + 1
        end = data.find(b"\n", position)
        if end < 0:
            end = len(data)
        mount = _parse_mount(data[start:end])
        if mount is not None:
            mounts[mount.mount_point] = mount
        position = end
    return list(mounts.values())


def _parse_mount(line: bytes) -> Mount | None:
    left_text, _, right_text = line.partition(b" - ")
    left = left_text.split(b" ")
    # Only other file systems have spaces in their options: a cgroup line with more fields is two lines in one.
    right = right_text.split(b" ")
    if len(left) < 6 or len(right) != 3 or right[0] not in (b"cgroup", b"cgroup2"):
        return None
    root = unescape(left[3])
    mount_point = unescape(left[4])
    if root is None or mount_point is None or root[:1] != "/" or mount_point[:1] != "/":
        return None
    is_v2 = right[0] == b"cgroup2"
    return Mount(
        device=decode(left[2]),
        root=root,
        mount_point=mount_point,
        is_v2=is_v2,
        controllers=frozenset() if is_v2 else frozenset(decode(right[2]).split(",")),
    )


def unescape(field: bytes) -> str | None:
    r"""A mountinfo field with its octal escapes (`\040`) undone, once; None for a broken escape or a NUL."""
    if b"\0" in field:
        return None
    if b"\\" not in field:
        return decode(field)
    pieces = field.split(b"\\")
    plain = [pieces[0]]
    for piece in pieces[1:]:
        digits = piece[:3]
        if len(digits) < 3 or not all(48 <= digit <= 55 for digit in digits):
            return None
        code = int(digits, 8)
        if not 0 < code < 256:
            return None
        plain.append(bytes([code]) + piece[3:])
    return decode(b"".join(plain))


# /proc/PID/environ (proc_pid_environ(5)): "NAME=value" entries, each ended by a NUL byte.


def parse_environ(data: bytes) -> dict[str, str]:
    """The variables; entries without "=" are passed over."""
    pairs = (entry.partition(b"=") for entry in data.split(b"\0") if b"=" in entry)
    return {decode(name): decode(value) for name, _, value in pairs}


# /proc/PID/status (proc_pid_status(5)): "Cpus_allowed_list:\t0-1".


def parse_allowed_cpus(data: bytes) -> int | None:
    """How many CPUs the affinity mask allows; None where the line is not there."""
    for line in data.split(b"\n"):
        if line.startswith(b"Cpus_allowed_list:"):
            return parse_cpu_list(line[len(b"Cpus_allowed_list:") :]) or None
    return None


def decode(data: bytes) -> str:
    """Text of any bytes, as file names are decoded: nothing is lost, nothing raises."""
    return data.decode("utf-8", "surrogateescape")


# /proc/version. gVisor always claims this one build (pkg/sentry/syscalls/linux/linux64.go).


def is_gvisor_kernel(data: bytes) -> bool:
    """Whether the "kernel" is gVisor's."""
    return data.startswith(b"Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016")
