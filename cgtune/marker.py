"""The marker: which variables of a process are cgtune's, so that a nested one can tell them from the user's. Pure.

    CGTUNE_PLAN="WEB_CONCURRENCY=2 OMP_NUM_THREADS=1 PYTHONPATH=/x:/srv&/srv"

One entry a variable that was set, with its value; behind `&`, for one that was added to, what stood there before.
Bytes other than letters, digits and `._:/,+-` are written `%20`. A value is ours only while it still equals the
marker's: what a script changed in between is the script's.

    strip(environment)   the environment as it would be without any cgtune
    make(entries)        the marker's text
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VARIABLE = "CGTUNE_PLAN"
#: What the hosted program is told, and the word to its interpreter: cgtune's alone, never a user's.
TOLD_PREFIX = "CGTUNE_PLAN_"
INJECT_VARIABLE = "CGTUNE_INJECT"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/,+-")


def make(entries: Iterable[tuple[str, str, str | None]]) -> str:
    """The marker for variables set: name, value, and what stood there before where it was added to."""
    words = []
    for name, value, previous in entries:
        word = f"{_escape(name)}={_escape(value)}"
        words.append(word if previous is None else f"{word}&{_escape(previous)}")
    return " ".join(words)


def parse(text: str) -> list[tuple[str, str, str | None]]:
    """The entries of a marker; what is malformed is passed over."""
    entries = []
    for word in text.split(" "):
        name, equals, rest = word.partition("=")
        value, has_previous, previous = rest.partition("&")
        if name and equals:
            entries.append((_unescape(name), _unescape(value), _unescape(previous) if has_previous else None))
    return entries


def strip(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what a cgtune before us has set, as far as it still stands as it was set."""
    result = {
        name: value
        for name, value in environment.items()
        if name not in (VARIABLE, INJECT_VARIABLE) and not name.startswith(TOLD_PREFIX)
    }
    for name, value, previous in parse(environment.get(VARIABLE, "")):
        if result.get(name) == value:
            del result[name]
            if previous is not None:
                result[name] = previous
    return result


def _escape(text: str) -> str:
    if _PLAIN.issuperset(text):
        return text
    data = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if chr(byte) in _PLAIN else f"%{byte:02X}" for byte in data)


def _unescape(text: str) -> str:
    if "%" not in text:
        return text
    head, *parts = text.split("%")
    data = head.encode("utf-8", "surrogateescape")
    for part in parts:
        try:
            data += bytes((int(part[:2], 16),)) + part[2:].encode("utf-8", "surrogateescape")
        except ValueError:
            data += b"%" + part.encode("utf-8", "surrogateescape")
    return data.decode("utf-8", "surrogateescape")
