"""What cgtune says on stderr: one line each, whatever is in it, and also when nobody listens; hints at typos."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# A pipe that poll(2) calls writable takes this much without blocking (PIPE_BUF, pipe(7)).
_PIECE_BYTES = 4096
_PATIENCE_MS = 200
_LONGEST_LINE = 1000


def printable(text: str) -> str:
    r"""Text on one line, without anything a terminal would obey: `\n`, `\x1b`, `\xff` stand for what they name."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    # A byte that is no text (surrogateescape) is shown as the byte it was.
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")


def suggest(word: str, known: Sequence[str]) -> str:
    """A hint at the nearest of the known words, or nothing."""
    from difflib import get_close_matches

    folded = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), folded, 1)
    return f" (did you mean {folded[close[0]]}?)" if close else ""


def say(*texts: str) -> None:
    """One line each on stderr. A closed or full stderr is no reason to fail, or to wait for long."""
    lines = "".join(f"cgtune: {printable(text[:_LONGEST_LINE])}\n" for text in texts)
    data = lines.encode("utf-8", "backslashreplace")
    try:
        while data and is_writable(2):
            data = data[os.write(2, data[:_PIECE_BYTES]) :]
    except OSError:
        pass


def is_writable(descriptor: int) -> bool:
    """Whether a write would not block, after a short wait: nobody may be reading that pipe."""
    try:
        from select import POLLERR, POLLHUP, POLLOUT, poll
    except ImportError:  # Windows
        return True
    poller = poll()
    poller.register(descriptor, POLLOUT)
    return any(events & (POLLOUT | POLLERR | POLLHUP) for _, events in poller.poll(_PATIENCE_MS))
