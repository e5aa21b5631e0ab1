"""Trees that look like a container from inside, marker by marker."""

from __future__ import annotations

from pathlib import Path

from cgtune.container import Container, find_container
from cgtune.host import Host
from tests.unit.trees import Content, lay_out

ID = "3f2a9c1b4e5d" + "0123456789abcdef" * 3 + "0123"
OTHER_ID = "f" * 64
POD = "pod0a1b2c3d-0000-1111-2222-333344445555"
GVISOR = "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016\n"

Tree = dict[str, Content]


def at(*paths: str) -> Tree:
    """A process at these cgroup paths: one is v2's, several are v1's."""
    if len(paths) == 1:
        return {"/proc/self/cgroup": f"0::{paths[0]}\n"}
    return {"/proc/self/cgroup": [f"{index}:c{index}:{path}" for index, path in enumerate(paths, 1)]}


def mounted(*mounts: str) -> Tree:
    """Mounts as "TYPE ROOT MOUNT-POINT"."""
    lines = []
    for index, mount in enumerate(mounts):
        kind, root, mount_point = mount.split(" ")
        lines.append(f"{index + 30} 22 0:{index + 40} {root} {mount_point} rw,relatime - {kind} source rw")
    return {"/proc/self/mountinfo": lines}


def variables(*entries: str, pid: str = "self") -> Tree:
    """A process's recorded environment."""
    return {f"/proc/{pid}/environ": "".join(f"{entry}\0" for entry in entries)}


def file(path: str, content: str = "") -> Tree:
    """One file."""
    return {path: content}


def found(root: Path, *parts: Tree) -> Container:
    """What is found in a tree of these parts."""
    tree: Tree = {}
    for part in parts:
        tree.update(part)
    lay_out(root, tree)
    return find_container(Host(str(root)))
