"""Writing to the terminal: whatever its encoding, and also when nobody listens."""

from __future__ import annotations

import os

from cgtune.errors import CgtuneError
from cgtune.messages import is_writable, printable, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.settings import Setting

__all__ = ["printable", "say", "show_value", "spell", "write"]

_BROKEN_PIPE = 141  # 128 + SIGPIPE, as if the signal had ended us


def show_value(setting: Setting) -> str | None:
    """A value as far as it may be shown, and as the user has written it; None: not at all."""
    from cgtune.placeholders import unmask

    return unmask(setting.shown) if setting.is_kept and setting.shown else setting.shown


def spell(setting: Setting) -> str:
    """`NAME=VALUE`, or NAME alone."""
    value = show_value(setting)
    if value is None:
        return setting.name
    return f"{setting.name}={value}" + (", in front of yours" if setting.previous else "")


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
