"""The size of a worker as `cgtune measure` kept it for a command: read by `plan` and `run`.

One small file a command, `$XDG_CACHE_HOME/cgtune/NAME`, else `~/.cache/cgtune/NAME`:

    cgtune-measured 1
    worker_bytes 4928307      private memory of one worker, as measured
    inherited_bytes 43830477  what it still shares with its master by fork
    shared_bytes 25165824     what is there once
    packages 5d41402abc…      a hash of the lock and requirement files beside the program

NAME is a hash of the command's words, its working directory and its interpreter. A measurement of other packages
does not count any more; the next one replaces it. It is written by `cgtune.measuring.keep`.

The file decides how many processes are started, so it counts only where nobody but us can have written it: a
regular file, no link, ours, in a folder of ours, writable by no other, small, well-formed and plausible. On the hot
path a folder that is not there costs one failed open, and nothing is hashed before there is a measurement.
"""

from __future__ import annotations

import os

from cgtune.budget import WorkerSize
from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cgtune.settings import Interpreter

# A worker at rest has not met its users yet. Under load it also makes copies of what it inherited (copy-on-write:
# counting references writes): two workers of gunicorn --preload, private MiB at rest, and after 1900 requests, of so
# many inherited; CPython 3.11, 2026-11-21:
#
#                                    at rest  inherited  worked, as cgtune run starts it  by gunicorn alone
#   Flask + SQLAlchemy                   4.7       41.8                             19.9               29.9
#   Django + admin + REST                4.9       38                               28.3               34.1
#   Celery, Django: a child of two      10.4       70                                           23.6 to 50.5
#
# Without --preload 42.6 of Flask's 46.5 are private from the start, and 42.7 after work. Only what an interpreter
# goes over is copied, not large arrays: hence a bound.
GROWTH = 1.25
COPIED = 0.6
MOST_COPIED_BYTES = 128 << 20
#: What says which packages there are, in the working directory.
LOCK_FILES = (
    "requirements.txt",
    "poetry.lock",
    "uv.lock",
    "Pipfile.lock",
    "pdm.lock",
    "pylock.toml",
    "pyproject.toml",
)
_HEADER = "cgtune-measured 1"
_MOST_BYTES = 4096
_MOST_LOCK_BYTES = 16 << 20
_LEAST_WORKER_BYTES = 1 << 20
_LARGEST_BYTES = 1 << 40
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
#: How a folder is opened that measurements may be in.
FOLDER = _READ | getattr(os, "O_DIRECTORY", 0) | _NOFOLLOW
# The kinds of file, without importing stat.
_KIND, IS_FILE, IS_FOLDER = 0o170000, 0o100000, 0o040000


class Measured(Record):
    """What one file says."""

    worker_bytes: int
    inherited_bytes: int
    shared_bytes: int
    packages: str


class Found(Record):
    """The size to plan with, or why a measurement that is there does not count; both None where there is none."""

    size: WorkerSize | None = None
    problem: str | None = None


def find_size(argv: Sequence[str], interpreter: Interpreter, environment: Mapping[str, str]) -> Found:
    """What was measured for this command here. Never raises."""
    path = folder_of(environment)
    if path is None or not argv:
        return Found()
    try:
        folder = os.open(path, FOLDER)
    except (OSError, ValueError):
        return Found()
    try:
        return _find_in(folder, path, argv, interpreter)
    except (OSError, ValueError):
        # There is none, or no telling which one it would be.
        return Found()
    finally:
        os.close(folder)


def planned_bytes(worker_bytes: int, inherited_bytes: int) -> int:
    """What a plan counts with for a worker that was measured with so much."""
    return int((worker_bytes + min(COPIED * inherited_bytes, MOST_COPIED_BYTES)) * GROWTH)


def folder_of(environment: Mapping[str, str]) -> str | None:
    """Where measurements are kept; None where nothing says where, or the system knows no owners of files."""
    if not hasattr(os, "geteuid"):
        return None
    base = environment.get("XDG_CACHE_HOME", "")
    if base.startswith("/"):
        return f"{base.rstrip('/')}/cgtune"
    home = environment.get("HOME", "")
    return f"{home.rstrip('/')}/.cache/cgtune" if home.startswith("/") else None


def format_measured(measured: Measured) -> str:
    """The text of a file."""
    fields = (f"{name} {value}\n" for name, value in measured.as_dict().items())
    return f"{_HEADER}\n{''.join(fields)}"


def parse_measured(data: bytes) -> Measured | None:
    """What a file says; None where it is malformed or cannot be true. Keys that are not known are passed over."""
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError:
        return None
    if lines[0] != _HEADER or lines[-1] != "":
        return None
    values: dict[str, str] = {}
    for line in lines[1:-1]:
        key, space, value = line.partition(" ")
        if not space or key in values:
            return None
        values[key] = value
    worker_bytes = _parse_size(values.get("worker_bytes", ""))
    inherited_bytes = _parse_size(values.get("inherited_bytes", ""))
    shared_bytes = _parse_size(values.get("shared_bytes", ""))
    packages = values.get("packages")
    if worker_bytes is None or inherited_bytes is None or shared_bytes is None or packages is None:
        return None
    if worker_bytes < _LEAST_WORKER_BYTES:
        return None
    return Measured(
        worker_bytes=worker_bytes, inherited_bytes=inherited_bytes, shared_bytes=shared_bytes, packages=packages
    )


def _parse_size(text: str) -> int | None:
    # 2**40 has 13 digits.
    if not (text.isascii() and text.isdigit() and len(text) <= 13):
        return None
    size_bytes = int(text)
    return size_bytes if size_bytes <= _LARGEST_BYTES else None


def _find_in(folder: int, path: str, argv: Sequence[str], interpreter: Interpreter) -> Found:
    if not os.listdir(folder):
        return Found()
    name = name_of(argv, interpreter)
    try:
        file = os.open(name, _READ | _NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        return Found()
    except OSError as error:
        return Found(problem=f"{path}/{name}: {error.strerror}")
    try:
        doubt = doubt_about(os.fstat(folder), IS_FOLDER) or doubt_about(os.fstat(file), IS_FILE)
        measured = None if doubt else parse_measured(_read(file, _MOST_BYTES + 1))
    finally:
        os.close(file)
    if measured is None:
        return Found(problem=f"{path}/{name}: {doubt or 'not what cgtune measure writes'}")
    if measured.packages != hash_packages():
        return Found(problem="the packages have changed since; cgtune measure measures again")
    size = WorkerSize(
        worker_bytes=planned_bytes(measured.worker_bytes, measured.inherited_bytes),
        shared_bytes=measured.shared_bytes,
        worker_bytes_from="measured",
    )
    return Found(size=size)


def doubt_about(status: os.stat_result, kind: int) -> str | None:
    """Why a file or folder may be another's word; None where it can only be ours."""
    if status.st_mode & _KIND != kind:
        return "not a regular file" if kind == IS_FILE else "not a directory"
    if status.st_uid != os.geteuid():
        return "belongs to another user"
    if status.st_mode & 0o022:
        return "others may write to it"
    if kind == IS_FILE and status.st_size > _MOST_BYTES:
        return "too large"
    return None


def _read(descriptor: int, most_bytes: int) -> bytes:
    data = b""
    while len(data) < most_bytes and (piece := os.read(descriptor, most_bytes - len(data))):
        data += piece
    return data


def name_of(argv: Sequence[str], interpreter: Interpreter) -> str:
    """The name of a command's file. OSError: the working directory is gone."""
    version = ".".join(map(str, interpreter.version or ()))
    words = [os.getcwd(), interpreter.path or "", version, *argv]
    return _hash(word.encode("utf-8", "surrogateescape") for word in words)


def hash_packages() -> str:
    """A hash of the lock and requirement files here, with the name of each."""
    parts = []
    for name in LOCK_FILES:
        try:
            descriptor = os.open(name, _READ)
        except OSError:
            continue
        try:
            if os.fstat(descriptor).st_mode & _KIND == IS_FILE:
                parts += [name.encode(), _read(descriptor, _MOST_LOCK_BYTES)]
        except OSError:
            continue
        finally:
            os.close(descriptor)
    return _hash(parts)


def _hash(parts: Iterable[bytes]) -> str:
    """32 hexadecimal digits; which part ends where makes a difference."""
    try:
        # The C module: `hashlib` loads OpenSSL, 3 ms; this one 0.2.
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    state = blake2b(digest_size=16)
    for part in parts:
        state.update(b"%d:" % len(part))
        state.update(part)
    return str(state.hexdigest())
