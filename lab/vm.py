"""A cgroup v2 machine where there is only v1, or no right to change cgroups: an emulator that boots on our files.

virtme-ng boots a Debian kernel with this machine's own root, read-only, as its root. There is one cgroup
tree, v2, with every controller and PSI, and we are root in it. Without hardware support (few test machines
let their guests have it) it runs 10-20 times slower than the machine: test facts in it, measure nothing.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from lab.cache import cache_dir, made_once
from lab.errors import Unavailable
from lab.host_image import host_folders
from lab.kernel import kernel_image
from lab.leash import Leash
from lab.machine import apt_install, processor, require_root, system_python
from lab.process import Result, run, tail
from lab.wheel import PROJECT, pip_of, python_version

_QEMU = {"amd64": ("qemu-system-x86", "qemu-system-x86_64"), "arm64": ("qemu-system-arm", "qemu-system-aarch64")}
# Two files in one folder that both sides see; the last is renamed into place when all is written. Then the machine
# waits to be ended: with it goes the folder, and nobody may have looked yet.
# Our own programs are mounted once more, with a cache: without one, each start of a program would read all of
# it again through the emulator.
_JOB = """\
exec >{folder}/stdout 2>{folder}/stderr </dev/null
mkdir /run/lab-root
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose {tag} /run/lab-root
for path in {cached}; do mount --bind "/run/lab-root$path" "$path"; done
mkdir -p /run/lab-tmp
export PATH={path} HOME=/run/lab-tmp TMPDIR=/run/lab-tmp LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
export LAB_KERNEL_ROOT={kernel_root} {environment}
cd {project}
{command}
echo $? >{folder}/unfinished
sync
mv {folder}/unfinished {folder}/returncode
sleep 100000
"""
_TAG = "lab"
# The installed cgtune goes before the work tree, as it does for the tests on the host.
_RUN_SCRIPT = (
    "import runpy, sys; sys.path.append({project!r}); del sys.argv[0]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


class Machine:
    """A virtual machine at work. It ends with its job, its time, or this process, whichever comes first."""

    def __init__(self, leash: Leash, folder: Path, limit_seconds: float) -> None:
        self._leash = leash
        self._folder = folder
        self._deadline = time.monotonic() + limit_seconds

    @property
    def stdout(self) -> str:
        """What the job wrote so far."""
        return self._text("stdout")

    @property
    def stderr(self) -> str:
        return self._text("stderr")

    def wait(self, timeout: float | None = None) -> Result:
        """The job's result; the machine is gone then.

        TimeoutError after `timeout` seconds, or when its whole time is over; RuntimeError when the
        machine ended before its job. Both say the last that it wrote.
        """
        end = self._deadline if timeout is None else min(self._deadline, time.monotonic() + timeout)
        returncode = self._folder / "returncode"
        # Not until the power is off: that takes seconds, and all of the result is here before.
        while not returncode.exists():
            if time.monotonic() > end:
                raise TimeoutError(f"the virtual machine is not done: {tail(self.stderr or self.stdout)}")
            if self._leash.wait(0.1) is not None and not returncode.exists():
                console = self._text("console")
                raise RuntimeError(f"the virtual machine ended before its job: {tail(console + self.stderr)}")
        result = Result(int(returncode.read_text()), self.stdout, self.stderr)
        self.kill()
        return result

    def kill(self) -> None:
        """End it now. `stdout` and `stderr` are empty afterwards."""
        self._leash.stop()

    def __enter__(self) -> Machine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()

    def _text(self, name: str) -> str:
        path = self._folder / name
        return path.read_text(errors="replace") if path.exists() else ""


def start_in_vm(
    job: Path | Sequence[str | Path],
    *,
    limit_seconds: float = 900,
    memory: str = "2G",
    cpus: int = 2,
    environment: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
) -> Machine:
    """Boot a machine that runs a Python script of ours with `arguments`, or the command `job`.

    It runs as root in the project's folder, with the tests' Python. It can write to $TMPDIR and /run, which
    are gone afterwards: what it found, it prints. `Machine.wait()` gives that.
    """
    launcher = virtme_run()
    kernel = kernel_image()
    # Not below /tmp: some machines clean that up. The guest sees the folder at the same path.
    folder = Path(tempfile.mkdtemp(prefix=".vm-", dir=cache_dir()))
    if isinstance(job, Path):
        code = _RUN_SCRIPT.format(project=str(PROJECT))
        words = [sys.executable, "-c", code, str(job.resolve()), *arguments]
    else:
        words = [*map(str, job), *arguments]
    script = folder / "job.sh"
    script.write_text(
        _JOB.format(
            folder=shlex.quote(str(folder)),
            tag=_TAG,
            cached=shlex.join(host_folders(PROJECT)),
            path=shlex.quote(
                f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            ),
            environment=shlex.join(f"{name}={value}" for name, value in (environment or {}).items()),
            kernel_root=shlex.quote(str(kernel.parent.parent)),
            project=shlex.quote(str(PROJECT)),
            command=shlex.join(words),
        )
    )
    leash = Leash(
        [
            *(*launcher, "--kimg", str(kernel), "--mods", "auto", "--disable-kvm", "--force-9p"),
            *("--cpus", str(cpus), "--memory", memory, "--name", "lab"),
            *("--rwdir", folder, "--kopt", "apparmor=0", "--script-sh", f"sh {shlex.quote(str(script))}"),
            "--qemu-opts",
            *("-fsdev", f"local,id={_TAG},path=/,security_model=none,readonly=on,multidevs=remap"),
            *("-device", f"virtio-9p-pci,fsdev={_TAG},mount_tag={_TAG}"),
        ],
        log=folder / "console",
        limit_seconds=limit_seconds,
        folder=folder,
        # virtme-run looks its own helpers up.
        env={"PATH": f"{Path(launcher[0]).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"},
    )
    return Machine(leash, folder, limit_seconds)


def run_in_vm(
    job: Path | Sequence[str | Path],
    *,
    timeout: float = 900,
    memory: str = "2G",
    cpus: int = 2,
    environment: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
) -> Result:
    """`start_in_vm` and wait. TimeoutError after `timeout` seconds."""
    with start_in_vm(
        job, limit_seconds=timeout, memory=memory, cpus=cpus, environment=environment, arguments=arguments
    ) as machine:
        return machine.wait()


def virtme_run() -> list[str]:
    """The command line of virtme-ng's launcher, with all that it needs installed."""
    require_root()
    if processor() not in _QEMU:
        raise Unavailable(f"no emulator set up for {processor()}")
    package, program = _QEMU[processor()]
    apt_install(package, binaries=[program])
    # The initramfs is a busybox that loads modules and mounts our root.
    apt_install("busybox-static", binaries=["busybox"])
    apt_install("kmod", binaries=["modprobe", "depmod"])

    def make(folder: Path) -> None:
        run([system_python(), "-m", "venv", folder]).check()
        done = run([*pip_of(folder), "install", "--quiet", "virtme-ng"], timeout=300)
        if done.returncode:
            raise Unavailable(f"virtme-ng could not be installed: {tail(done.stderr)}")

    folder = made_once(f"virtme-{python_version()}", make)
    return [str(folder / "bin/python"), str(folder / "bin/virtme-run")]
