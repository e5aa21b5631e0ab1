"""The few files beside the program that are looked at: its first lines, its settings, its interpreter's version.

None of them is needed: what cannot be read is not there. A path is looked up as execvp(3) does, in the PATH that
the program gets. `NO_FILES` answers for a recorded machine, which has no program.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
_FIRST_LINES_BYTES = 512
#: A settings file of more is not looked at.
MOST_TEXT_BYTES = 256 << 10


class ProgramFiles:
    """Reads as the hosted program would: relative to the working directory, through its PATH."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.folders = environment.get("PATH", os.defpath).split(os.pathsep)
        self.own_prefix: str | None = sys.prefix
        self.own_version: tuple[int, ...] | None = tuple(sys.version_info[:3])

    def find(self, word: str) -> str | None:
        """The file that a command's first word names; None where there is none."""
        candidates = [word] if "/" in word else [f"{folder or '.'}/{word}" for folder in self.folders]
        for path in candidates:
            if word and os.path.isfile(path):
                return path
        return None

    def first_lines(self, word: str) -> bytes:
        """The start of that file; empty where it cannot be read."""
        path = self.find(word)
        return b"" if path is None else _read(path, _FIRST_LINES_BYTES) or b""

    def read_text(self, path: str) -> str | None:
        """A small text file; None where there is none, or it is none."""
        data = _read(path, MOST_TEXT_BYTES + 1)
        if data is None or len(data) > MOST_TEXT_BYTES:
            return None
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return None


class NoFiles(ProgramFiles):
    """A machine without programs: a recording, or a test of what needs none."""

    def __init__(self) -> None:
        self.folders = []
        self.own_prefix = self.own_version = None

    def find(self, word: str) -> str | None:
        """Nothing is there."""
        return None

    def read_text(self, path: str) -> str | None:
        """Nothing is there."""
        return None


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
