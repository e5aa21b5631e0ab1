"""Signals by name and number, without the price of `signal`, which imports `enum`: 2 ms. See signal(7).

TERM, SIGTERM, term, 15      15
RTMIN+3, SIGRTMAX-1, 37      real-time signals: their first is 34 with glibc, 35 with musl
"""

from __future__ import annotations

try:
    import _signal  # type: ignore[import-not-found]  # no stubs for the C module
except ImportError:  # another Python implementation
    import signal as _signal

# Second names of the same number.
_ALIASES = ("SIGCLD", "SIGIOT", "SIGPOLL", "SIGUNUSED")
LARGEST = 64


def number_of(text: str) -> int:
    """The number of a signal. ValueError: there is none of that name here."""
    word = text.strip().upper()
    if word.isascii() and word.isdigit() and len(word) <= 2 and 1 <= int(word) <= LARGEST:
        return int(word)
    name = word if word.startswith("SIG") else f"SIG{word}"
    base, sign, offset = name, "", ""
    for sign in "+-":
        if sign in name:
            base, _, offset = name.partition(sign)
            break
    number = getattr(_signal, base, None) if base[:4] != "SIG_" else None
    if not isinstance(number, int):
        raise ValueError(f"{text!r} is no signal; write it like TERM, RTMIN+3 or 15")
    if not offset:
        if base == name:
            return int(number)
    elif offset.isascii() and offset.isdigit() and len(offset) <= 2 and base in ("SIGRTMIN", "SIGRTMAX"):
        number += int(offset) if sign == "+" else -int(offset)
        if _signal.SIGRTMIN <= number <= _signal.SIGRTMAX:
            return int(number)
    raise ValueError(f"{text!r} is no signal; write it like TERM, RTMIN+3 or 15")


def name_of(number: int) -> str:
    """`SIGTERM`, `SIGRTMIN+3`; a number without a name as that."""
    for name in dir(_signal):
        if name[:3] == "SIG" and name[3:4] != "_" and name not in _ALIASES and getattr(_signal, name) == number:
            return name
    first = getattr(_signal, "SIGRTMIN", LARGEST + 1)
    return f"SIGRTMIN+{number - first}" if number > first else f"signal {number}"
