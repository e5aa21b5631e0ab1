"""Which folder of this machine holds the cgroup of a process: the host's view, whatever the container sees.

/proc/PID/cgroup has lines `id:controllers:path` (v2: `0::path`), cgroups(7). /proc/self/mountinfo has
`id parent major:minor root point options [tags] - fstype source super-options`, proc(5).
"""

from __future__ import annotations

import os
from pathlib import Path

from lab.errors import Unavailable


def cgroup_dir(pid: int | str, controller: str) -> Path:
    """The folder with `controller`'s files for `pid`. Unavailable where this machine does not show it."""
    try:
        membership = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError as error:
        raise Unavailable(f"process {pid} has ended, or its engine runs on another machine") from error
    found = find(membership, Path("/proc/self/mountinfo").read_text(), controller)
    if found is None or not found.is_dir():
        raise Unavailable(f"no folder of the {controller} controller for process {pid} here")
    return found


def find(membership: str, mountinfo: str, controller: str) -> Path | None:
    """The same from the texts. A v1 hierarchy that has the controller goes before v2, as in the kernel."""
    unified = None
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return _mounted(mountinfo, "cgroup", controller, path)
        if not controllers:
            unified = path
    return None if unified is None else _mounted(mountinfo, "cgroup2", "", unified)


def _mounted(mountinfo: str, fstype: str, controller: str, path: str) -> Path | None:
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        root, point = before.split()[3:5]
        if kind == fstype and (not controller or controller in options.split(",")):
            relative = os.path.relpath(path, root)
            # A mount of another branch does not show this cgroup.
            if not relative.startswith(".."):
                return Path(point, relative)
    return None
