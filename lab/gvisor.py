"""gVisor: a sandbox with a kernel of its own, where /sys/fs/cgroup is empty and the limit hides elsewhere.

Inside, MemTotal of /proc/meminfo is the memory limit, and the number of CPUs is the quota, rounded up but at
least 2. There is nothing else to read; /proc/self/cgroup is empty too. (Debian 12's gVisor also fails the
statx calls of `ls`, so look around with something else.)
"""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.errors import Unavailable
from lab.host_image import host_folders, make_root, search_path
from lab.machine import apt_install, require_root, which
from lab.process import Result, run, tail

_PERIOD_US = 100_000
# Debian's runsc predates the newer platforms; ptrace needs neither KVM nor a recent kernel.
_FLAGS = ("--platform=ptrace", "--network=none", "--cpu-num-from-quota")


def run_in_gvisor(
    argv: Sequence[str | Path],
    *,
    memory_bytes: int | None = None,
    cpu_quota: float | None = None,
    mounts: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> Result:
    """Run `argv` with this machine's programs, read-only, and `mounts`. `cpu_quota` is in cores."""
    require_root()
    apt_install("runsc", binaries=["runsc"])
    with _bundle(argv, memory_bytes, cpu_quota, mounts, environment or {}) as bundle:
        return _run(bundle, timeout)


def specification(
    argv: Sequence[str | Path],
    folders: Sequence[str],
    *,
    memory_bytes: int | None,
    cpu_quota: float | None,
    environment: Mapping[str, str],
    cgroup: str,
) -> dict[str, Any]:
    """The bundle's config.json, as the OCI runtime specification has it."""
    resources: dict[str, Any] = {}
    if memory_bytes is not None:
        resources["memory"] = {"limit": memory_bytes}
    if cpu_quota is not None:
        resources["cpu"] = {"quota": math.ceil(cpu_quota * _PERIOD_US), "period": _PERIOD_US}
    kernel_mounts = {"/proc": "proc", "/dev": "tmpfs", "/sys": "sysfs", "/tmp": "tmpfs"}
    return {
        "ociVersion": "1.0.0",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": [str(word) for word in argv],
            "env": [f"{name}={value}" for name, value in {"PATH": search_path(), **environment}.items()],
            "cwd": "/",
        },
        "root": {"path": "root", "readonly": True},
        "hostname": "gvisor",
        "mounts": [
            *({"destination": path, "type": kind, "source": kind} for path, kind in kernel_mounts.items()),
            *(
                {"destination": folder, "type": "bind", "source": folder, "options": ["rbind", "ro"]}
                for folder in folders
            ),
        ],
        "linux": {
            "namespaces": [{"type": name} for name in ("pid", "ipc", "uts", "mount", "network")],
            "cgroupsPath": cgroup,
            "resources": resources,
        },
    }


@contextlib.contextmanager
def _bundle(
    argv: Sequence[str | Path],
    memory_bytes: int | None,
    cpu_quota: float | None,
    mounts: Sequence[Path],
    environment: Mapping[str, str],
) -> Iterator[Path]:
    bundle = Path(tempfile.mkdtemp(prefix="lab-gvisor-"))
    try:
        make_root(bundle / "root")
        folders = host_folders(*mounts)
        for folder in folders:
            (bundle / "root" / folder[1:]).mkdir(parents=True, exist_ok=True)
        config = specification(
            argv,
            folders,
            memory_bytes=memory_bytes,
            cpu_quota=cpu_quota,
            environment=environment,
            cgroup=f"/{bundle.name}",
        )
        (bundle / "config.json").write_text(json.dumps(config))
        yield bundle
    finally:
        shutil.rmtree(bundle, ignore_errors=True)


def _run(bundle: Path, timeout: float) -> Result:
    runsc = [which("runsc") or "runsc", "--root", str(bundle / "state"), *_FLAGS]
    name = f"lab-{uuid.uuid4().hex[:12]}"
    try:
        result = run([*runsc, "run", "--bundle", bundle, name], timeout=timeout)
    finally:
        # Killed with its group or ended by itself: nothing of the sandbox may stay.
        run([*runsc, "delete", "--force", name])
    # 128 is runsc's own failure; a command that is not in the sandbox is the caller's.
    if result.returncode == 128 and "finding executable" not in result.stderr:
        raise Unavailable(f"gVisor does not start here: {tail(result.stderr)}")
    return result
