"""What a detection costs beside the bare open, read and close of the same files.

    python -m bench.detection          the table, as root: makes cgroups and mounts of its own, and removes them
    python -m bench.detection --here   one row, for this process as it is

Each row is measured in a process of its own, in a cgroup `depth` levels deep and a mount namespace with about
`mounts` mounts. Bare reading and detection take turns in one loop, the smallest of many rounds counts, and what
is promised is their ratio: at most 5, and a refresh under 50 microseconds.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cgtune.detect import read_limits
from cgtune.follow import LimitsReader
from cgtune.host import Host

ROUNDS = 40
REPEATS = 25
LEAST_MOUNTS = ("/", "/proc", "/sys", "/dev", "/sys/fs/cgroup")
_MS_REC, _MS_PRIVATE, _MS_BIND, _MNT_DETACH = 0x4000, 0x40000, 0x1000, 2


class _CountingHost(Host):
    """The live host, noting each path that is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    def open(self, path: str) -> int | None:
        self.paths.append(path)
        return super().open(path)


def read_bare(paths: list[str]) -> None:
    """Open, read and close each file, and nothing else."""
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        while os.read(descriptor, 65536):
            pass
        os.close(descriptor)


def measure() -> dict[str, float]:
    """Microseconds of bare reading, detection and refresh for this process as it is."""
    counting = _CountingHost()
    read_limits(counting)
    host = Host()
    reader = LimitsReader(host)
    reader.refresh()
    steps: dict[str, Callable[[], object]] = {
        "bare_us": lambda: read_bare(counting.paths),
        "detection_us": lambda: read_limits(host),
        "refresh_us": reader.refresh,
    }
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(ROUNDS):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(REPEATS):
                step()
            best[name] = min(best[name], (time.perf_counter() - start) / REPEATS * 1e6)
    reader.close()
    with open("/proc/self/mountinfo", "rb") as file:
        mounts = len(file.readlines())
    return {**best, "files": len(counting.paths), "mounts": mounts}


def measure_at(depth: int, mounts: int) -> dict[str, Any]:
    """One row, measured in a child that is moved to its own cgroup and mount namespace."""
    folders = _make_cgroups(depth)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bench.detection", "--child", json.dumps(folders), "--mounts", str(mounts)],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        return {"depth": depth, **json.loads(done.stdout)}
    finally:
        for folder in folders:
            for path in sorted(Path(folder).rglob("*"), key=lambda found: -len(found.parts)):
                if path.is_dir():
                    path.rmdir()
            os.rmdir(folder)


def _make_cgroups(depth: int) -> list[str]:
    """A chain of cgroups with limits in each hierarchy; the topmost folders."""
    tops = []
    for name in ("cpu", "memory", "pids", "cpuset"):
        hierarchy = Path("/sys/fs/cgroup") / name
        if not (hierarchy / "cgroup.procs").exists():
            continue
        top = Path(tempfile.mkdtemp(prefix="cgtune-bench-", dir=hierarchy))
        tops.append(str(top))
        level = top
        for number in range(depth):
            if number:
                level = level / "deeper"
                level.mkdir()
            if name == "cpuset":
                for key in ("cpuset.cpus", "cpuset.mems"):
                    (level / key).write_text((level.parent / key).read_text())
            if name == "memory":
                (level / "memory.limit_in_bytes").write_text(str((900 - number) << 20))
            if name == "cpu":
                (level / "cpu.cfs_quota_us").write_text(str(190_000 - 1000 * number))
    if not tops:
        raise SystemExit("bench.detection: no cgroup v1 hierarchy here to make cgroups in; try --here")
    return tops


def _become_child(folders: list[str], mounts: int) -> None:
    """Enter the deepest cgroup below each folder, and a mount namespace with about `mounts` mounts."""
    for folder in folders:
        deepest = max([Path(folder), *(path for path in Path(folder).rglob("*") if path.is_dir())], key=str)
        (deepest / "cgroup.procs").write_text(str(os.getpid()))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x00020000) or libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None):
        raise SystemExit("bench.detection: cannot make a mount namespace")
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        present = [line.split(" ")[4] for line in file]
    for point in reversed(present):
        if point not in LEAST_MOUNTS and not point.startswith("/sys/fs/cgroup/"):
            libc.umount2(point.encode(), _MNT_DETACH)
    if mounts > len(present):
        folder = tempfile.mkdtemp()
        libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, None)
        for number in range(mounts - 15):
            target = f"{folder}/overlay2-{number:04}-0123456789abcdef0123456789abcdef"
            os.mkdir(target)
            libc.mount(folder.encode(), target.encode(), None, _MS_BIND, None)


def main() -> int:
    """Print the table; 1 where a promise is not held."""
    parser = argparse.ArgumentParser(prog="bench.detection")
    parser.add_argument("--here", action="store_true")
    parser.add_argument("--child")
    parser.add_argument("--mounts", type=int, default=10)
    options = parser.parse_args()
    if options.child:
        _become_child(json.loads(options.child), options.mounts)
        print(json.dumps(measure()))
        return 0
    rows = [measure()] if options.here else [measure_at(depth, mounts) for depth in (1, 8) for mounts in (10, 1000)]
    print("depth  mounts  files   bare us   detection us   ratio   refresh us")
    kept = True
    for row in rows:
        ratio = row["detection_us"] / row["bare_us"]
        kept = kept and ratio <= 5 and row["refresh_us"] < 50
        print(
            f"{row.get('depth', '-')!s:>5}  {row['mounts']:6.0f}  {row['files']:5.0f}  {row['bare_us']:8.0f}"
            f"  {row['detection_us']:13.0f}  {ratio:6.2f}  {row['refresh_us']:11.1f}"
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
