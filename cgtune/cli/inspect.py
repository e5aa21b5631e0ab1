"""`cgtune inspect`: what this container gives, each figure with the file that says so."""

from __future__ import annotations

import os

from cgtune.arguments import parse_arguments
from cgtune.cli.output import printable, say, write
from cgtune.config import is_switched_off
from cgtune.config_file import load_config
from cgtune.container import find_container
from cgtune.detect import read_limits
from cgtune.errors import UsageError
from cgtune.host import Host
from cgtune.limits import Limits
from cgtune.units import format_bytes, format_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cgtune.arguments import Value

_MOST_COLUMNS = 80


def main(words: Sequence[str]) -> int:
    """Print the table, or JSON."""
    flags, rest = parse_arguments("inspect", words)
    if flags.get("help"):
        from cgtune.cli.help import show_help

        return show_help("inspect")
    if rest:
        raise UsageError(f"inspect takes no arguments: {rest[0]}")
    host, is_recorded = open_host(flags)
    # A recording speaks for itself: the caller's variables are not its.
    environment = {} if is_recorded else os.environ
    config = load_config("inspect", flags, environment, is_recorded=is_recorded)
    if is_switched_off(environment):
        say("CGTUNE=off: run would set nothing")
    limits = read_limits(host, config.declared).replace(container=find_container(host))
    return write(to_json({"schema": 1, **limits.as_dict()}) if flags.get("json") else format_table(limits))


def open_host(flags: Mapping[str, Value]) -> tuple[Host, bool]:
    """This machine, or the tree that --root names; whether it is a tree. UsageError: there is none."""
    root = str(flags.get("root", "/"))
    if not os.path.isdir(root):
        problem = "not a directory" if os.path.exists(root) else "no such directory"
        raise UsageError(f"--root {root}: {problem}")
    is_recorded = "root" in flags
    return Host(root, is_recorded=is_recorded), is_recorded


def to_json(document: Mapping[str, object]) -> str:
    """A document of the contract, as text that strict readers take."""
    from json import dumps

    text = dumps(document, indent=2) + "\n"
    if "\\udc" in text:
        # Bytes of a path that are no text. Half a surrogate pair is no JSON to strict readers: show the byte.
        for byte in range(0x80, 0x100):
            text = text.replace(f"\\udc{byte:02x}", f"\\\\x{byte:02x}")
    return text


def format_table(limits: Limits) -> str:
    """The same for people, at most 80 columns wide; a path that would not fit goes to the next line."""
    rows: list[tuple[str, str, str | None]] = [("container", _container(limits), None)]
    rows.extend(_cpu_rows(limits))
    rows.extend(_memory_rows(limits))
    pids = limits.pids
    if "pids" in limits.unknown:
        rows.append(("pids", "unknown", pids.source))
    elif pids.limit is None:
        rows.append(("pids", "no limit", None))
    else:
        current = "" if pids.current is None else f"   {pids.current} now"
        rows.append(("pids", f"{pids.limit}{current}", pids.source))
    rows.extend(("note", message, None) for message in dict.fromkeys(notice.message for notice in limits.notices))
    return "".join(line + "\n" for row in rows for line in _lines(*row))


def _lines(label: str, text: str, path: str | None) -> list[str]:
    head = f"{label:<11}{printable(text)}"
    if path is None:
        return _wrap(head)
    path = printable(path)
    if len(head) <= 44 and 47 + len(path) <= _MOST_COLUMNS:
        return [f"{head:<47}{path}"]
    if len(head) + 3 + len(path) <= _MOST_COLUMNS:
        return [f"{head}   {path}"]
    return [*_wrap(head), *_wrap(" " * 11 + path)]


def _wrap(text: str) -> list[str]:
    """Lines of at most 80 columns, broken between words, or inside one that is longer (a path)."""
    lines = []
    while len(text) > _MOST_COLUMNS:
        cut = text.rfind(" ", 12, _MOST_COLUMNS + 1)
        if cut < 0:
            cut = text.rfind("/", 12, _MOST_COLUMNS)
        if cut < 0:
            cut = _MOST_COLUMNS
        lines.append(text[:cut].rstrip())
        text = " " * 11 + text[cut:].lstrip(" ")
    return [*lines, text]


def _container(limits: Limits) -> str:
    container = limits.container
    names = []
    if container is not None:
        if container.runtime:
            names.append(container.runtime + (f" {container.id[:12]}" if container.id else ""))
        names.extend(name for name in (container.orchestrator, container.platform) if name)
    mode = limits.cgroup.mode
    cgroup = {"none": "no cgroup", "hybrid": "cgroup v1 and v2 (hybrid)"}.get(mode, f"cgroup {mode}")
    return ", ".join([*names, cgroup] if names else ["none found", cgroup])


def _cpu_rows(limits: Limits) -> list[tuple[str, str, str | None]]:
    cpu = limits.cpu
    if cpu.effective_cores is None:
        first = ("CPU", "unknown", cpu.source)
    elif cpu.quota_cores is not None:
        first = ("CPU", f"{format_cores(cpu.quota_cores)} cores   quota", cpu.source)
    elif cpu.status == "unknown":
        first = ("CPU", f"{format_cores(cpu.effective_cores)} cores   declared; quota unknown", cpu.source)
    else:
        first = ("CPU", f"{format_cores(cpu.effective_cores)} cores   no quota", cpu.source)
    rows = [first]
    if cpu.effective_cores is not None and cpu.quota_cores is not None and cpu.effective_cores < cpu.quota_cores:
        rows.append(("", f"{format_cores(cpu.effective_cores)} cores are left of it by what follows", None))
    counts = []
    if cpu.cpuset_count is not None:
        counts.append(f"{cpu.cpuset_count} in the CPU set")
    if cpu.affinity_count is not None:
        counts.append(f"{cpu.affinity_count} in the affinity mask")
    if cpu.host_count is not None:
        counts.append(f"{cpu.host_count} in the machine")
    if counts:
        rows.append(("", "CPUs: " + ", ".join(counts), None))
    if limits.declared.cpu_limit_cores is not None:
        rows.append(("", f"{format_cores(limits.declared.cpu_limit_cores)} cores declared", None))
    return rows


def _memory_rows(limits: Limits) -> list[tuple[str, str, str | None]]:
    memory, declared_bytes = limits.memory, limits.declared.memory_limit_bytes
    parts = []
    if memory.limit_bytes is not None:
        text = format_bytes(memory.limit_bytes)
    elif declared_bytes is not None and memory.effective_bytes is not None:
        text = format_bytes(memory.effective_bytes)
        parts.append("no limit" if memory.status == "unlimited" else "declared; limit unknown")
    else:
        text = "no limit" if memory.status == "unlimited" else "unknown"
    if memory.working_set_bytes is not None:
        parts.append(f"{format_bytes(memory.working_set_bytes)} used")
    if memory.available_bytes is not None:
        parts.append(f"{format_bytes(_left_bytes(memory.available_bytes, limits))} to go")
    rows = [("memory", f"{text:<10}   {', '.join(parts)}".rstrip(), memory.source)]
    if declared_bytes is not None and memory.limit_bytes is not None and declared_bytes < memory.limit_bytes:
        rows.append(("", f"{format_bytes(declared_bytes)} are left of it by what follows", None))
    extras = []
    if memory.host_bytes is not None:
        extras.append(f"{format_bytes(memory.host_bytes)} in the machine")
    if memory.high_bytes is not None:
        extras.append(f"throttled from {format_bytes(memory.high_bytes)}")
    if memory.swap_limit_bytes is not None:
        extras.append(f"swap {format_bytes(memory.swap_limit_bytes)}" if memory.swap_limit_bytes else "no swap")
    if extras:
        rows.append(("", ", ".join(extras), None))
    if declared_bytes is not None:
        rows.append(("", f"{format_bytes(declared_bytes)} declared", None))
    return rows


def _left_bytes(available_bytes: int, limits: Limits) -> int:
    """What the kernel would give, or less where a limit is declared that it knows nothing of."""
    declared_bytes, used_bytes = limits.declared.memory_limit_bytes, limits.memory.working_set_bytes
    if declared_bytes is None:
        return available_bytes
    return min(available_bytes, max(0, declared_bytes - (used_bytes or 0)))
