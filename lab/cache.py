"""What is expensive is made once a machine, outside the work tree, and appears whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/cgtune-lab`, made if it is not there."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "cgtune-lab"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Only one process at a time makes `name`. The kernel drops the lock of a process that dies."""
    path = cache_dir() / "locks" / f"{name}.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The file or folder `name` of the cache; `make(path)` fills it if it is not there yet.

    `make` works on a path beside it, which is renamed when it is complete, so a builder that was
    interrupted leaves nothing that looks finished.
    """
    path = cache_dir() / name
    if path.exists():
        os.utime(path)  # what is used is not `forget`-ed
        return path
    with locked(name):
        if path.exists():
            return path
        unfinished = path.with_name(f".unfinished-{name}")
        remove(unfinished)
        try:
            make(unfinished)
            unfinished.rename(path)
        finally:
            remove(unfinished)
    return path


def forget(pattern: str, days: float) -> None:
    """Remove what matches `pattern` in the cache and was not used for so long."""
    for path in cache_dir().glob(pattern):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > days * 86400:
                remove(path)


def remove(path: Path) -> None:
    """Remove a file or a whole folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
