"""What a supervisor may not do here, said before it matters.

    /proc/PID/status   CapEff: 00000000a80425fb          capabilities in force, a bit each      capabilities(7)

Programs of our own user can be signalled and looked into without any capability; it is a program that changes its
user (gunicorn --user, nginx's workers, gosu behind us) that needs one.
"""

from __future__ import annotations

import os

from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.host import Host

_KILL, _SETUID, _PTRACE = 5, 7, 19


class Privileges(Record):
    """What there is; None where it cannot be told. `is_delegated`: our own cgroup is ours to change."""

    capabilities: int | None = None
    is_delegated: bool | None = None


def read_privileges(host: Host, cgroup_dir: str | None) -> Privileges:
    """Never raises."""
    try:
        status = host.read("/proc/self/status") or b""
    except OSError:
        status = b""
    is_delegated = None if cgroup_dir is None else os.access(f"{cgroup_dir}/cgroup.procs", os.W_OK)
    return parse_status(status).replace(is_delegated=is_delegated)


def parse_status(status: bytes) -> Privileges:
    """The line above."""
    fields = dict(line.split(b":", 1) for line in status.splitlines() if b":" in line)
    capabilities = fields.get(b"CapEff", b"").strip()
    try:
        return Privileges(capabilities=int(capabilities, 16) if capabilities else None)
    except ValueError:
        return Privileges()


def describe_limits(privileges: Privileges) -> list[str]:
    """A sentence for each thing that a supervisor could not do."""
    lines = []
    held = privileges.capabilities
    if held is None:
        lines.append("which capabilities there are cannot be told: /proc/self/status is not readable")
    elif held >> _SETUID & 1:
        # Without it the program cannot become another user, but by a set-uid file.
        if not held >> _KILL & 1:
            lines.append("a program that becomes another user cannot be signalled: no capability KILL")
        if not held >> _PTRACE & 1:
            lines.append("the memory of a program that becomes another user cannot be read: no capability SYS_PTRACE")
    if privileges.is_delegated is False:
        lines.append("the cgroup is not ours to change: no limits below it")
    return lines
