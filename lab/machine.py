"""This machine: who we are on it, and how to get a program that it lacks."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.cache import locked
from lab.errors import Unavailable
from lab.process import run

# A user's PATH has no sbin, and that is where dockerd and debootstrap are.
_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def require_root() -> None:
    """Unavailable unless we are root on Linux."""
    if sys.platform != "linux":
        raise Unavailable("containers of our own need Linux")
    if os.geteuid() != 0:
        raise Unavailable("containers of our own need root")


def which(program: str) -> str | None:
    """The path of `program`, looked for in PATH and in the sbin folders."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *_SBIN]))


def apt_install(*packages: str, binaries: Sequence[str] = ()) -> None:
    """Install Debian `packages` unless all `binaries` are here; with no `binaries`, unless dpkg has them.

    Unavailable where that is not possible, with the command that a person could give.
    """
    if binaries and all(which(program) for program in binaries):
        return
    if not binaries and all(_is_installed(package) for package in packages):
        return
    command = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if not which("apt-get"):
        missing = [program for program in binaries if not which(program)] or list(packages)
        raise Unavailable(f"no {missing[0]} here, and no apt-get to install it with")
    if os.geteuid() != 0:
        raise Unavailable(f"needs `{command}`, which only root can do")
    with locked("apt"):
        apt_update()
        done = run(
            [
                "apt-get",
                *("-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"),
                *("install", "-y", "--no-install-recommends", *packages),
            ],
            timeout=900,
            env={"DEBIAN_FRONTEND": "noninteractive"},
        )
    if done.returncode:
        raise Unavailable(f"`{command}` failed: {done.stderr.strip()}")
    missing = [program for program in binaries if not which(program)]
    if missing:
        raise Unavailable(f"`{command}` brought no {missing[0]}")


@functools.cache
def apt_update() -> None:
    """Fetch the package lists, once a process. Old lists name files that the mirror no longer has."""
    done = run(["apt-get", "-o", "DPkg::Lock::Timeout=300", "update"], timeout=300)
    if done.returncode:
        raise Unavailable(f"`apt-get update` failed: {done.stderr.strip()}")


def processor() -> str:
    """Debian's name of this machine's processor: amd64, arm64."""
    return run(["dpkg", "--print-architecture"]).check().stdout.strip()


def system_python() -> Path:
    """Debian's own Python, with ensurepip: the same one that an image of this release has inside."""
    python = Path("/usr/bin/python3")
    if not python.exists() or run([python, "-c", "import ensurepip, venv"]).returncode:
        apt_install("python3-venv")
    return python


def _is_installed(package: str) -> bool:
    done = run(["dpkg-query", "-W", "-f", "${Status}", package])
    return done.stdout == "install ok installed"
