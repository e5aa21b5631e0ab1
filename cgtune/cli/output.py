"""Writing to the terminal: whatever its encoding, and also when nobody listens."""

from __future__ import annotations

import os

from cgtune.errors import CgtuneError
from cgtune.messages import is_writable, printable, say

__all__ = ["printable", "say", "write"]

_BROKEN_PIPE = 141  # 128 + SIGPIPE, as if the signal had ended us


def write(text: str) -> int:
    """Text on stdout; the exit code: 0, or 141 when the reader has gone. CgtuneError: it cannot be written."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        while data:
            try:
                data = data[os.write(1, data) :]
            except BlockingIOError:
                is_writable(1)
    except BrokenPipeError:
        return _BROKEN_PIPE
    except OSError as error:
        raise CgtuneError(f"cannot write to stdout: {error.strerror}") from None
    return 0
