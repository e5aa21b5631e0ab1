"""Membership x mounts -> the chain of directories that hold one controller's files. Pure.

A process is told its cgroup as a path (`/proc/self/cgroup`), and which part of that tree is mounted where
(`/proc/self/mountinfo`: root and mount point). The two meet per controller, because a hybrid machine has some
controllers in v1 hierarchies and the rest in the unified one:

    membership  4:memory:/docker/3f2a/app        mount  root /docker/3f2a at /sys/fs/cgroup/memory
    chain       /sys/fs/cgroup/memory/app, /sys/fs/cgroup/memory

A limit on any ancestor binds, so the chain goes from the leaf to the topmost ancestor that some mount shows.
Limitation: in a private cgroup namespace the levels above the container are not visible to anybody inside.
"""

from __future__ import annotations

from cgtune.parse import Membership, Mount
from cgtune.records import Record

_CONVENTIONAL = "/sys/fs/cgroup"
_DELETED = " (deleted)"


class Chain(Record):
    """Where one controller's files are.

    `directories` go from the leaf up; they are empty where the cgroup cannot be seen, and `problem` has the
    notice code that says why. `is_certain` is False where only a stand-in could be found.
    """

    version: int | None
    path: str | None
    directories: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    problem: str | None = None
    is_certain: bool = True


def locate(controller: str, membership: Membership, mounts: list[Mount]) -> Chain:
    """The chain of one controller ("cpu", "memory", "cpuset", "pids").

    A v1 line that names the controller decides; without one it is in the unified hierarchy, if there is a line
    for that. (`/proc/cgroups` is no help: new kernels leave controllers out of it.)
    """
    v1_path = membership.v1_paths.get(controller)
    if v1_path is not None:
        candidates = [mount for mount in mounts if not mount.is_v2 and controller in mount.controllers]
        return _chain(1, v1_path, candidates)
    # A line that could not be read may have been this controller's v1 line; where a v1 mount has the controller,
    # there must be one.
    is_certain = not membership.malformed_lines and not any(controller in mount.controllers for mount in mounts)
    if membership.v2_path is not None:
        return _chain(2, membership.v2_path, [mount for mount in mounts if mount.is_v2], is_certain)
    return Chain(version=None, path=None, is_certain=is_certain)


def _chain(version: int, path: str, candidates: list[Mount], is_certain: bool = True) -> Chain:
    if path.endswith(_DELETED):
        return Chain(version=version, path=path, problem="CGROUP_REMOVED")
    if not candidates:
        return Chain(version=version, path=path, problem="CGROUP_NOT_VISIBLE")
    preferred = sorted(candidates, key=_is_unconventional)
    directories = []
    used = []
    parts = _components(path)
    while True:
        # Each ancestor at the best mount that shows it: a second mount may show more ancestors than the first.
        for mount in preferred:
            below = _below(mount, parts)
            if below is not None:
                directories.append("/".join([mount.mount_point.rstrip("/"), *below]) or "/")
                used.append(mount)
                break
        else:
            break
        if not parts or parts[-1] == "..":
            break
        parts = parts[:-1]
    if directories:
        return Chain(
            version=version,
            path=path,
            directories=tuple(directories),
            mounts=tuple(used),
            is_certain=is_certain,
        )
    if version == 1:
        # Moved out of what is mounted (JDK-8343191): the mount point is the nearest that can be seen.
        mount = preferred[0]
        return Chain(
            version=1,
            path=path,
            directories=(mount.mount_point,),
            mounts=(mount,),
            problem="CGROUP_MOVED",
            is_certain=False,
        )
    return Chain(version=version, path=path, problem="CGROUP_NOT_VISIBLE")


def _below(mount: Mount, parts: list[str]) -> list[str] | None:
    """The path below a mount's root, component by component ("/foo" does not hold "/foobar"); None if outside."""
    root = _components(mount.root)
    if parts[: len(root)] != root:
        return None
    below = parts[len(root) :]
    return None if ".." in below else below


def _components(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _is_unconventional(mount: Mount) -> bool:
    return not (mount.mount_point + "/").startswith(_CONVENTIONAL + "/")
