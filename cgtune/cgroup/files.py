"""Two ways to read kernel files: once, and again and again.

`OnePass` reads each file at most once in a detection, so that all figures come from the same text.

`KeptFiles` is for whoever follows limits over time. It keeps its descriptors, because a `pread` costs a fifth of
open, read and close, and remembers what every file said, so that "nothing has changed" is cheap to tell.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, TypeVar

    from cgtune.host import Host

    Value = TypeVar("Value")

    class Files(Protocol):
        """Where kernel files are read."""

        def read(self, path: str, parse: Callable[[bytes], Value]) -> Value | None:
            """A parsed file, None where there is none; OSError: unreadable, ValueError: malformed."""


_CHUNK_BYTES = 1 << 16


class OnePass:
    """One detection's view of a host: the first answer of each file holds."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._seen: dict[str, bytes | OSError | None] = {}

    def read(self, path: str, parse: Callable[[bytes], Value]) -> Value | None:
        """As `Files.read`."""
        seen = self._seen
        if path in seen:
            data = seen[path]
        else:
            try:
                data = self._host.read(path)
            except OSError as error:
                data = error
            seen[path] = data
        if data is None:
            return None
        if isinstance(data, OSError):
            raise data
        return parse(data)


class _Kept:
    """One file as it was last seen: its descriptor, its text, and each value that was taken from the text."""

    __slots__ = ("data", "descriptor", "values")

    def __init__(self, descriptor: int, data: bytes) -> None:
        self.descriptor = descriptor
        self.data = data
        self.values: list[tuple[Callable[[bytes], Any], Any]] = []

    def has_same_values(self) -> bool:
        """Other text with the same values, as memory.stat has all the time, is no change."""
        data = _read_from_start(self.descriptor)
        if any(parse(data) != value for parse, value in self.values):
            return False
        self.data = data
        return True


class KeptFiles:
    """Files read once and then watched through descriptors that stay open, until `close`."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._kept: dict[str, _Kept] = {}
        self._missing: set[str] = set()
        self._has_unreadable = False

    def read(self, path: str, parse: Callable[[bytes], Value]) -> Value | None:
        """As `Files.read`; the file is watched from now on."""
        kept = self._kept.get(path)
        if kept is None:
            try:
                descriptor = self._host.open(path)
            except OSError:
                self._has_unreadable = True
                raise
            if descriptor is None:
                self._missing.add(path)
                return None
            try:
                kept = _Kept(descriptor, _read_from_start(descriptor))
            except OSError:
                os.close(descriptor)
                self._has_unreadable = True
                raise
            self._kept[path] = kept
        try:
            value = parse(kept.data)
        except ValueError:
            self._has_unreadable = True
            raise
        kept.values.append((parse, value))
        return value

    def have_changed(self) -> bool:
        """Whether any file that was read now says something else, has gone, or has come.

        A file that could not be read or parsed counts as changed, always: it is worth another try.
        """
        if self._has_unreadable:
            return True
        try:
            pread = os.pread
            for kept in self._kept.values():
                # One byte more than there was shows also what was added.
                if pread(kept.descriptor, len(kept.data) + 1, 0) != kept.data and not kept.has_same_values():
                    return True
            if not self._host.is_live and self._has_replaced_file():
                return True
        except (OSError, ValueError):
            # ENODEV: the cgroup behind the descriptor is gone.
            return True
        return any(self._host.exists(path) for path in self._missing)

    def _has_replaced_file(self) -> bool:
        """Whether a kept file was removed from its folder. On a kernel file system its read would fail instead."""
        return any(os.fstat(kept.descriptor).st_nlink == 0 for kept in self._kept.values())

    def close(self) -> None:
        """Give all descriptors back and forget everything."""
        for kept in self._kept.values():
            try:
                os.close(kept.descriptor)
            except OSError:
                # A program that became a daemon has closed everything before.
                pass
        self._kept.clear()
        self._missing.clear()
        self._has_unreadable = False


def _read_from_start(descriptor: int) -> bytes:
    """All of a file; like the reading of a fresh descriptor, but leaves no position behind."""
    data = os.pread(descriptor, _CHUNK_BYTES, 0)
    parts = [data]
    size = len(data)
    while data:
        data = os.pread(descriptor, _CHUNK_BYTES, size)
        parts.append(data)
        size += len(data)
    return b"".join(parts)
