"""A kernel that an emulator can boot from this machine's own files: Debian's, with the 9p file system.

Where none is installed, the package is unpacked into the cache: installing it would change what this
machine boots. Debian's "cloud" kernels have no 9p.
"""

from __future__ import annotations

import re
from pathlib import Path

from lab.cache import made_once
from lab.errors import Unavailable
from lab.machine import apt_install, apt_update, processor, require_root, which
from lab.process import run


def kernel_image() -> Path:
    """The path of a bootable kernel whose modules are in `lib/modules` beside its `boot`."""
    installed = newest(Path("/"))
    if installed:
        return installed
    require_root()
    if not which("apt-get"):
        raise Unavailable("no kernel with the 9p file system here, and no apt-get to fetch one")
    unpacked = newest(made_once(f"kernel-{processor()}", _unpack))
    if unpacked is None:
        raise Unavailable("Debian's kernel package holds no kernel with the 9p file system")
    return unpacked


def newest(root: Path) -> Path | None:
    """The newest kernel below `root` that has 9p as a module."""
    found = []
    for image in (root / "boot").glob("vmlinuz-*"):
        version = image.name.removeprefix("vmlinuz-")
        if list((root / "lib/modules" / version / "kernel/fs/9p").glob("9p.ko*")):
            found.append(([int(number) for number in re.findall(r"\d+", version)], image))
    return max(found)[1] if found else None


def _unpack(folder: Path) -> None:
    apt_update()
    # linux-image-amd64 is empty and depends on the kernel of the day.
    depends = run(["apt-cache", "depends", f"linux-image-{processor()}"]).check().stdout
    package = re.search(r"Depends: (linux-image-\d\S*)", depends)
    if package is None:
        raise Unavailable(f"apt knows no kernel package for {processor()}")
    apt_install("kmod", binaries=["depmod"])
    folder.mkdir()
    run(["apt-get", "-o", "APT::Sandbox::User=root", "download", package[1]], cwd=folder, timeout=300).check()
    (archive,) = folder.glob("*.deb")
    run(["dpkg-deb", "--extract", archive, folder], timeout=300).check()
    archive.unlink()
    version = package[1].removeprefix("linux-image-").removesuffix("-unsigned")
    run([which("depmod") or "depmod", "--basedir", folder, version], timeout=120).check()
