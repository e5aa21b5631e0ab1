"""Docker inside the cgroup v2 machine: for scripts that run in `lab.vm`.

    with vm_docker.engine() as docker:
        options = [*host_mount_options(PROJECT), "--cpus", "0.5", "--memory", "128m"]
        seen = docker.run(host_image.TAG, ["cat", "/sys/fs/cgroup/memory.max"], docker_options=options)

The machine's root is read-only, so the daemon lives in memory. It starts in 10-20 s there, a container in
2-4 s.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lab.engine import Engine, own_engine
from lab.errors import Unavailable
from lab.host_image import host_image
from lab.process import run

# Images are a few kB; this is for what containers write, and within the machine's memory.
_SIZE = "512m"
# Emulated programs take 10-20 times as long.
_PATIENCE = 6


@contextlib.contextmanager
def engine() -> Iterator[Engine]:
    """An engine of our own in this machine, with `host_image.TAG` in it."""
    if not Path("/sys/fs/cgroup/cgroup.controllers").exists():
        raise Unavailable("this machine has no cgroup v2 tree of its own")
    folder = Path(tempfile.mkdtemp(prefix="docker-", dir="/run"))
    run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=755", "lab", folder]).check()
    # Where the kernel has it built in there is nothing to load; dockerd says what it misses.
    run(["modprobe", "--dirname", os.environ.get("LAB_KERNEL_ROOT", "/"), "overlay"])
    _join_cgroup()
    # The machine has no systemd that could make cgroups for us.
    options = ["--exec-opt", "native.cgroupdriver=cgroupfs"]
    with own_engine(parent=folder, options=options, patience=_PATIENCE) as ours:
        host_image(ours)
        yield ours


def _join_cgroup() -> None:
    """Leave the root cgroup: it has no memory.swap.max, from which dockerd concludes that nothing has it."""
    top = Path("/sys/fs/cgroup")
    controllers = (top / "cgroup.controllers").read_text().split()
    (top / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
    ours = top / "lab"
    ours.mkdir(exist_ok=True)
    (ours / "cgroup.procs").write_text(str(os.getpid()))
