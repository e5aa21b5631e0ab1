"""The help of each command, made from the option table; needs nothing but that."""

from __future__ import annotations

from cgtune.cli.output import write
from cgtune.options import COMMAND_LINE_ONLY, OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.options import Option

_MOST_COLUMNS = 80
_INDENT = 27
_HEADS = {
    "run": (
        "cgtune run [OPTIONS] [--] COMMAND…",
        """Start COMMAND with what its container really has: sets workers, thread pools and
the like where you have not, says each figure and its reason. Then it becomes
COMMAND; as PID 1 it stays, forwards signals and reaps.""",
    ),
    "inspect": (
        "cgtune inspect [OPTIONS]",
        "Show what this container gives, each figure with the file that says so.",
    ),
    "plan": (
        "cgtune plan [OPTIONS] [--] [COMMAND…]",
        "Show what run would set for COMMAND, and why; nothing is started or changed.",
    ),
    "measure": (
        "cgtune measure [OPTIONS] [--] COMMAND…",
        "Start COMMAND with one worker, and measure the memory that a worker needs.",
    ),
}


def show_help(command: str) -> int:
    """Print it; the exit code."""
    return write(format_help(command))


def format_help(command: str) -> str:
    """Usage, purpose, and the command's options under their headings."""
    usage, purpose = _HEADS[command]
    lines = [f"usage: {usage}", "", purpose]
    own = [option for option in OPTIONS if command in option.commands]
    for group in dict.fromkeys(option.group for option in own):
        lines += ["", f"{group}:"]
        for option in own:
            if option.group == group:
                lines += _format_option(option)
    flags_only = ", ".join(f"--{option.name}" for option in own if option.name in COMMAND_LINE_ONLY)
    end = "An option is also a variable and a key of the config file: --cpu-limit is CGTUNE_CPU_LIMIT and cpu_limit. "
    lines += ["", *_wrap("", f"{end}On the command line only: {flags_only}.")]
    if command == "run":
        lines += ["With CGTUNE=off, run reads nothing and sets nothing."]
    return "\n".join(lines) + "\n"


def _format_option(option: Option) -> list[str]:
    """Its name, and its help beside it."""
    name = f"--{option.name} {option.metavar}" if option.metavar else f"--{option.name}"
    name = f"  -{option.short}, {name}" if option.short else f"  {name}"
    return _wrap(f"{name:<{_INDENT}}", option.help)


def _wrap(head: str, text: str) -> list[str]:
    """Lines of at most 80 columns, the first behind the head, the others below it."""
    lines = [head]
    for word in text.split():
        if lines[-1].endswith(" ") or not lines[-1]:
            lines[-1] += word
        elif len(lines[-1]) + 1 + len(word) <= _MOST_COLUMNS:
            lines[-1] += " " + word
        else:
            lines.append(" " * len(head) + word)
    return lines
