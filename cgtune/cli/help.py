"""The help of `run` and `inspect`, made from the option table; needs nothing but that."""

from __future__ import annotations

from cgtune.cli.output import write
from cgtune.options import COMMAND_LINE_ONLY, OPTIONS

_COLUMNS = 80
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
    own = [option for option in OPTIONS if command in option.commands]
    for option in own:
        name = f"--{option.name}" + (f" {option.metavar}" if option.metavar else "")
        lines.append("  " + (f"-{option.short}, {name}" if option.short else name))
        lines.extend(_wrap(option.help))
    flags_only = ", ".join(f"--{option.name}" for option in own if option.name in COMMAND_LINE_ONLY)
    lines += ["", "An option is also a variable: --cpu-limit is CGTUNE_CPU_LIMIT."]
    lines += [f"Flags only: {flags_only}."]
    lines += ["With CGTUNE=off, run reads nothing and sets nothing."]
    return write("\n".join(lines) + "\n")


def _wrap(text: str) -> list[str]:
    """Indented lines of at most 80 columns."""
    lines = [" " * 9]
    for word in text.split():
        if len(lines[-1]) + 1 + len(word) > _COLUMNS:
            lines.append(" " * 9)
        lines[-1] += " " + word
    return lines
