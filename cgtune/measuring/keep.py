"""Write a measurement down, where `cgtune.measured` finds it: 0600 in a folder of 0700, whole or not at all."""

from __future__ import annotations

import contextlib
import os

from cgtune import measured
from cgtune.measured import Measured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cgtune.settings import Interpreter

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class NotKept(Exception):
    """A measurement could not be written down. The message says where, and why."""


def keep_size(
    argv: Sequence[str],
    interpreter: Interpreter,
    environment: Mapping[str, str],
    *,
    worker_bytes: int,
    inherited_bytes: int,
    shared_bytes: int,
) -> str:
    """Write a measurement down; the path of its file. NotKept says why not."""
    path = measured.folder_of(environment)
    if path is None:
        raise NotKept("neither XDG_CACHE_HOME nor HOME says where")
    try:
        text = measured.format_measured(
            Measured(
                worker_bytes=worker_bytes,
                inherited_bytes=inherited_bytes,
                shared_bytes=shared_bytes,
                packages=measured.hash_packages(),
            )
        )
        data = text.encode("ascii")
        if measured.parse_measured(data) is None:
            raise NotKept("no worker is so small, or so large")
        folder = _make_folder(path)
        try:
            name = measured.name_of(argv, interpreter)
            _replace_file(folder, name, data)
        finally:
            os.close(folder)
    except OSError as error:
        raise NotKept(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise NotKept(f"{path}: {error}") from None
    return f"{path}/{name}"


def _make_folder(path: str) -> int:
    """A descriptor of the folder, made if it is not there. OSError: it cannot be, or is not ours alone."""
    if not os.path.lexists(path):
        above = os.path.dirname(path)
        while not os.path.lexists(above):
            above = os.path.dirname(above)
        if os.stat(above).st_uid not in (os.geteuid(), 0):
            # As root with another's HOME: what we would make there, they could not use.
            raise OSError(0, f"{above} belongs to another user")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mkdir(path, 0o700)
    folder = os.open(path, measured.FOLDER)
    doubt = measured.doubt_about(os.fstat(folder), measured.IS_FOLDER)
    if doubt:
        os.close(folder)
        raise OSError(0, doubt)
    return folder


def _replace_file(folder: int, name: str, data: bytes) -> None:
    """The file is there whole, or as it was before."""
    unfinished = f".{name}.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(unfinished, dir_fd=folder)
    file = os.open(unfinished, _NEW, 0o600, dir_fd=folder)
    try:
        with open(file, "wb") as stream:
            stream.write(data)
        os.rename(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(unfinished, dir_fd=folder)
        raise
