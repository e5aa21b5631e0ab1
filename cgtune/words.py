"""Words of a command line: finding an option's value as the programs' own parsers do. Pure.

| written | parser | read as |
|---|---|---|
| `-w 4`, `-w4`, `-w=4`, `--workers 4`, `--workers=4` | argparse, click (but for `-w=4`) | 4 |
| `--worker 4` | argparse takes what abbreviates one option only | 4, where `shortest` allows it |
| `-Dw4` | letters without a value may stand before, in `flags` | 4 |
| `-w 4 -w 2` | the last one counts | 2 |
| `-- -w 4` | nothing after it is an option | - |
"""

from __future__ import annotations

from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_DIGITS = 6


class ValueOption(Record):
    """An option with a value. `shortest` is the least that still abbreviates it; without, only its full name does."""

    long: str
    letter: str | None = None
    shortest: str | None = None
    flags: str = ""


def find_value(words: Sequence[str], option: ValueOption) -> str | None:
    """The last value of an option; None where it is not given."""
    found = None
    shortest = option.shortest or option.long
    for index, word in enumerate(words):
        if word == "--":
            break
        following = words[index + 1] if index + 1 < len(words) else None
        name, has_value, value = word.partition("=")
        if option.long.startswith(name) and name.startswith(shortest):
            found = value if has_value else following
        elif option.letter and word[:1] == "-" and word[:2] != "--":
            letters = word[1:].lstrip(option.flags)
            if letters.startswith(option.letter):
                found = letters[1:].removeprefix("=") or following
    return found


def parse_count(text: str | None) -> int | None:
    """A plain number of up to six digits; None for anything else."""
    text = (text or "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        return None
    return int(text)


def split_words(text: str) -> list[str]:
    """Words of a shell line, as programs split them. shlex is dear to import, and quotes are rare."""
    if not any(char in text for char in "\"'\\"):
        return text.split()
    from shlex import split

    try:
        return split(text)
    except ValueError:
        return text.split()


def base_name(word: str) -> str:
    """The last part of a path."""
    return word.rsplit("/", 1)[-1]
