"""A container that borrows this machine's own programs: a root of empty folders with the host's mounted in.

Importing a system of 130 MB takes a second here and minutes in an emulator; this one has a few kB. The
Python of the tests comes along, wherever it is installed, and with it all it can import.
"""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.engine import Engine

TAG = "cgtune-lab/host:1"
# On a merged-/usr system all but the first are symbolic links into it, and are made as such.
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_EMPTY = ("dev", "etc", "proc", "root", "run", "sys", "tmp", "var/tmp")
# All of /etc would bring this machine's users and services; these make programs start and find libraries.
_FROM_ETC = ("alternatives", "ld.so.cache", "localtime", "nsswitch.conf")
_PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
_GROUP = "root:x:0:\nnogroup:x:65534:\n"


def host_image(engine: Engine) -> str:
    """The tag of the nearly empty image. Run it with `host_mount_options()`."""
    if not engine.has_image(TAG):
        with tempfile.TemporaryDirectory(prefix="lab-host-") as folder:
            root = Path(folder, "root")
            make_root(root)
            archive = Path(folder, "root.tar")
            with tarfile.open(archive, "w") as tar:
                tar.add(root, ".")
            engine.import_tar(archive, TAG, environment={"PATH": search_path()})
    return TAG


def host_mount_options(*more: Path) -> list[str]:
    """Options of `docker run` that mount this machine's programs, the running Python and `more`, read-only."""
    return [word for path in host_folders(*more) for word in ("--volume", f"{path}:{path}:ro")]


def host_folders(*more: Path) -> list[str]:
    """The folders to mount: real ones only, and none inside another."""
    python = (sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix))
    wanted = [path for path in _SYSTEM if os.path.isdir(path) and not os.path.islink(path)]
    for path in [*python, *map(os.path.abspath, more)]:
        if not any(path == folder or path.startswith(f"{folder}/") for folder in wanted):
            wanted.append(path)
    return wanted


def make_root(root: Path) -> None:
    """Fill the folder `root` with what the mounts are mounted on, and the few files that are not mounted."""
    for name in _EMPTY:
        (root / name).mkdir(parents=True)
    for name in ("tmp", "var/tmp"):
        (root / name).chmod(0o1777)
    for path in _SYSTEM:
        if os.path.islink(path):
            (root / path[1:]).symlink_to(os.readlink(path))
        elif os.path.isdir(path):
            (root / path[1:]).mkdir()
    (root / "etc/passwd").write_text(_PASSWD)
    (root / "etc/group").write_text(_GROUP)
    for name in _FROM_ETC:
        source = Path("/etc", name)
        if source.is_dir():
            shutil.copytree(source, root / "etc" / name, symlinks=True)
        elif source.exists():
            shutil.copy(source, root / "etc" / name, follow_symlinks=name != "localtime")


def search_path() -> str:
    """PATH in the container: the Python of the tests first."""
    return f"{sys.prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
