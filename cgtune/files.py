"""The few files beside the program that are looked at: its first lines, its settings, its interpreter's version.

None of them is needed: what cannot be read is not there. A path is looked up as execvp(3) does, in the PATH that
the program gets. `NoFiles` answers for a recorded machine, which has no program.
"""

from __future__ import annotations

import os
import sys

from cgtune.words import join_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
_FIRST_LINES_BYTES = 512
#: A settings file of more is not looked at. Python 3.10 has no bound of its own to the depth of what it parses: it
#: survived 100 KB of `1+1+…`, and 240 KB overflowed its stack of 8 MiB.
MOST_TEXT_BYTES = 64 << 10


class ProgramFiles:
    """Reads as the hosted program would: relative to the folder it starts in, through its PATH."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.folders = environment.get("PATH", os.defpath).split(os.pathsep)
        #: Where relative paths count from: "" is where we are, None is not known.
        self.folder: str | None = ""
        self.own_prefix: str | None = sys.prefix
        self.own_version: tuple[int, ...] | None = tuple(sys.version_info[:3])

    def seen_from(self, folder: str | None) -> ProgramFiles:
        """The same for a program that starts in another folder."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__, folder=folder)
        return other

    def find(self, word: str) -> str | None:
        """The file that a command's first word names; None where there is none."""
        if "/" in word:
            path = join_path(self.folder, word)
            return path if path is not None and os.path.isfile(path) else None
        for folder in self.folders if word else ():
            path = f"{folder or '.'}/{word}"
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
        return None

    def first_lines(self, word: str) -> bytes:
        """The start of that file; empty where it cannot be read."""
        path = self.find(word)
        return b"" if path is None else _read(path, _FIRST_LINES_BYTES) or b""

    def read_bytes(self, path: str) -> bytes | None:
        """A small file; None where there is none."""
        place = join_path(self.folder, path)
        data = None if place is None else _read(place, MOST_TEXT_BYTES + 1)
        return None if data is None or len(data) > MOST_TEXT_BYTES else data

    def read_text(self, path: str) -> str | None:
        """A small text file; None where there is none, or it is none."""
        data = self.read_bytes(path)
        try:
            return None if data is None else data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return None

    def may_exist(self, path: str) -> bool:
        """Whether something is there, or that cannot be told."""
        place = join_path(self.folder, path)
        return place is None or os.path.lexists(place)

    def resolve(self, path: str) -> str:
        """Where symbolic links lead to in the end."""
        return os.path.realpath(path)


class NoFiles(ProgramFiles):
    """A machine without programs: a recording, or a test of what needs none."""

    def __init__(self) -> None:
        self.folders = []
        self.folder = ""
        self.own_prefix = self.own_version = None

    def find(self, word: str) -> str | None:
        """Nothing is there."""
        return None

    def read_bytes(self, path: str) -> bytes | None:
        """Nothing is there."""
        return None

    def may_exist(self, path: str) -> bool:
        """Nothing is there."""
        return False


def _read(path: str, most_bytes: int) -> bytes | None:
    """At most that much of a regular file. A FIFO must not block, a device must not be touched."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError):
        return None
    try:
        if os.fstat(descriptor).st_mode & 0o170000 != 0o100000:  # S_ISREG, without importing stat
            return None
        data = b""
        while len(data) < most_bytes and (chunk := os.read(descriptor, most_bytes - len(data))):
            data += chunk
        return data
    except OSError:
        return None
    finally:
        os.close(descriptor)
