"""The help of `run` and `inspect`, made from the option table; needs nothing but that."""

from __future__ import annotations

from cgtune.cli.output import write
from cgtune.options import COMMAND_LINE_ONLY, OPTIONS

_HEADS = {
    "run": (
        "cgtune run [OPTIONS] [--] COMMAND…",
        """Start COMMAND with what its container really has: sets workers, thread pools and
allocator arenas where you have not, says each figure and its reason, and execs.""",
    ),
    "inspect": (
        "cgtune inspect [OPTIONS]",
        "Show what this container gives, each figure with the file that says so.",
    ),
}


def show_help(command: str) -> int:
    """Print it; the exit code."""
    usage, purpose = _HEADS[command]
    lines = [f"usage: {usage}", "", purpose, "", "options:"]
    for option in OPTIONS:
        if command not in option.commands:
            continue
        name = f"--{option.name}" + (f" {option.metavar}" if option.metavar else "")
        if option.short:
            name = f"-{option.short}, {name}"
        if len(name) > 24:
            lines.append(f"  {name}")
            name = ""
        lines.append(f"  {name:<24}  {option.help}")
    if any(option.name not in COMMAND_LINE_ONLY for option in OPTIONS if command in option.commands):
        lines += ["", "Each but --json, --root, --help is also a variable: --cpu-limit is CGTUNE_CPU_LIMIT."]
        lines += ["CGTUNE=off makes run read nothing and set nothing."]
    return write("\n".join(lines) + "\n")
