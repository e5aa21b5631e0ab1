"""A process that is limited, moved and robbed of its cgroup while `LimitsReader` follows. Run as a script, as root.

It makes cgroups of its own (v1: in the cpu and memory hierarchies; v2: in the one tree), enters them, changes
them, and prints one JSON line with what went otherwise than it must. The kernel is real: a removed cgroup's
descriptor answers ENODEV here, which no folder of files does.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from cgtune.follow import LimitsReader
from cgtune.host import Host
from cgtune.limits import Limits

MIB = 1 << 20
TOP = Path("/sys/fs/cgroup")
IS_V2 = (TOP / "cgroup.controllers").exists()
NAME = f"cgtune-live-{os.getpid()}"


class Group:
    """One cgroup below `cgtune-live`, in every hierarchy that matters."""

    def __init__(self, path: str) -> None:
        tops = [TOP] if IS_V2 else [TOP / "cpu", TOP / "memory"]
        self.folders = [top / NAME / path for top in tops]
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)

    def set_cores(self, cores: float | None) -> None:
        if IS_V2:
            text = "max" if cores is None else str(int(cores * 100_000))
            (self.folders[0] / "cpu.max").write_text(f"{text} 100000")
        else:
            text = "-1" if cores is None else str(int(cores * 100_000))
            (self.folders[0] / "cpu.cfs_quota_us").write_text(text)

    def set_bytes(self, size_bytes: int | None) -> None:
        name = "memory.max" if IS_V2 else "memory.limit_in_bytes"
        none = "max" if IS_V2 else "-1"
        (self.folders[-1] / name).write_text(none if size_bytes is None else str(size_bytes))

    def enter(self) -> None:
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self) -> None:
        for folder in self.folders:
            folder.rmdir()


class Check:
    """Collects what is not as it must be."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def same(self, what: str, want: object, got: object) -> None:
        if want != got:
            self.faults.append(f"{what}: want {want!r}, got {got!r}")


def figures(limits: Limits) -> tuple[float | None, int | None]:
    """The two figures that the steps change."""
    return limits.cpu.quota_cores, limits.memory.limit_bytes


def enable_controllers() -> None:
    """v2: let `cgtune-live` hand cpu and memory on; v1 has nothing to enable."""
    top = TOP / NAME
    if IS_V2:
        (TOP / "cgroup.subtree_control").write_text("+cpu +memory +pids")
        top.mkdir(exist_ok=True)
        (top / "cgroup.subtree_control").write_text("+cpu +memory +pids")


def follow(check: Check) -> None:
    """The steps."""
    enable_controllers()
    parent, first, second = Group(""), Group("first"), Group("second")
    first.set_cores(0.5)
    first.set_bytes(256 * MIB)
    first.enter()
    reader = LimitsReader(Host())
    before = reader.refresh()
    check.same("first", (0.5, 256 * MIB), figures(before))
    check.same("nothing changed: the same object", True, reader.refresh() is before)
    first.set_cores(1.5)
    check.same("quota raised", (1.5, 256 * MIB), figures(reader.refresh()))
    first.set_bytes(128 * MIB)
    check.same("memory lowered", (1.5, 128 * MIB), figures(reader.refresh()))
    if IS_V2:
        parent.set_cores(0.25)
        check.same("parent tightened", 0.25, reader.refresh().cpu.quota_cores)
        parent.set_cores(None)
    parent.set_bytes(96 * MIB)
    check.same("parent's memory tightened", 96 * MIB, reader.refresh().memory.limit_bytes)
    parent.set_bytes(None)
    second.set_cores(0.75)
    second.enter()
    check.same("moved", (0.75, None), figures(reader.refresh()))
    first.enter()
    check.same("moved back", (1.5, 128 * MIB), figures(reader.refresh()))
    second.enter()
    first.remove()
    check.same("the old cgroup is gone", (0.75, None), figures(reader.refresh()))
    again = Group("first")
    again.set_cores(1)
    again.enter()
    check.same("another cgroup of the same name", (1.0, None), figures(reader.refresh()))
    in_child(check, reader, second)
    reader.close()
    leave(again, second, parent)


def in_child(check: Check, reader: LimitsReader, group: Group) -> None:
    """A fork that is moved must not see its parent's cgroup through the inherited reader."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        group.enter()
        os.write(send, repr(reader.refresh().cpu.quota_cores).encode())
        os._exit(0)
    os.close(send)
    seen = os.read(receive, 100).decode()
    os.close(receive)
    os.waitpid(child, 0)
    check.same("a moved fork", "0.75", seen)
    check.same("its parent", 1.0, reader.refresh().cpu.quota_cores)


def leave(*groups: Group) -> None:
    """Up into the top of each hierarchy, and remove all."""
    for top in {folder.parent if folder.name != NAME else folder for group in groups for folder in group.folders}:
        (top.parent / "cgroup.procs").write_text(str(os.getpid()))
    for group in groups:
        group.remove()


def main() -> int:
    """Print the faults as one JSON line; 1 if there are any."""
    check = Check()
    follow(check)
    print(json.dumps({"version": 2 if IS_V2 else 1, "faults": check.faults}))
    return 1 if check.faults else 0


if __name__ == "__main__":
    sys.exit(main())
