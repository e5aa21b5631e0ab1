"""Become the program, or stay and look after it. Pure.

| situation | mode |
|---|---|
| PID 1 | supervise |
| not PID 1 | exec: nothing of cgtune stays in memory |
| --supervise, or a value that needs a supervisor | supervise |
| the program is cgtune again, without one of these | exec: that one decides |
| NOTIFY_SOCKET is set, without one of these | exec: systemd takes readiness from the main process |
| --exec | exec |
| the system, or this Python, has no way to supervise | exec, with a notice where it was asked for |

The lowest row that applies decides.
"""

from __future__ import annotations

from cgtune.options import NEED_SUPERVISOR
from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.config import Config

EXEC, SUPERVISE = "exec", "supervise"


class Mode(Record):
    """What to do and why. `problem`: it is not what was asked for."""

    name: str
    reason: str
    problem: str | None = None


def choose_mode(
    config: Config, *, is_first: bool, has_notify_socket: bool, is_ours: bool, obstacle: str | None
) -> Mode:
    """`is_first`: we are PID 1. `is_ours`: the program is cgtune again. `obstacle`: why nobody can supervise."""
    wish = next((name for name in NEED_SUPERVISOR if is_wanted(getattr(config, name.replace("-", "_")))), None)
    if config.exec:
        return Mode(name=EXEC, reason="--exec")
    if wish is None and has_notify_socket:
        return Mode(name=EXEC, reason="NOTIFY_SOCKET: systemd takes readiness from the main process")
    if wish is None and is_ours:
        return Mode(name=EXEC, reason="the program is cgtune, which decides for itself")
    if wish is None and not is_first:
        return Mode(name=EXEC, reason="not PID 1")
    reason = "PID 1" if wish is None else f"--{wish}"
    if obstacle is not None:
        return Mode(name=EXEC, reason=obstacle, problem=f"cannot supervise ({reason}): {obstacle}")
    return Mode(name=SUPERVISE, reason=reason)


def is_wanted(value: object) -> bool:
    """Whether an option's value asks for anything; 0 does."""
    return value is not None and value is not False and value != ()
