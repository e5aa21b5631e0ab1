"""Words of a command line: finding an option's value as the programs' own parsers do. Pure.

| written | parser | read as |
|---|---|---|
| `-w 4`, `-w4`, `--workers 4`, `--workers=4` | argparse, click, getopt | 4 |
| `-w=4` | argparse; the others take "=4", and refuse it | 4 |
| `--worker 4` | argparse and getopt take what abbreviates one option only | 4, where `shortest` allows it |
| `-Dw4` | letters without a value may stand before, in `flags` | 4 |
| `-w 4 -w 2` | the last one counts | 2 |
| `-- -w 4` | nothing after it is an option | - |
"""

from __future__ import annotations

from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: A value that somebody has said, and that is not known here.
UNKNOWN = "…"
_MOST = 999_999


class ShellWord(str):
    """A word that a shell puts others in place of, or none: `$ARGS`."""

    __slots__ = ()


class ValueOption(Record):
    """An option with a value. `shortest` is the least that still abbreviates it; without, only its full name does."""

    long: str
    letter: str | None = None
    shortest: str | None = None
    flags: str = ""


def find_values(words: Sequence[str], option: ValueOption) -> list[tuple[int, str]]:
    """All values of an option, each with the place of the option in the words."""
    found = []
    shortest = option.shortest or option.long
    for index, word in enumerate(words):
        if word == "--":
            break
        value: str | None = None
        following = words[index + 1] if index + 1 < len(words) else None
        name, has_value, rest = word.partition("=")
        if option.long.startswith(name) and name.startswith(shortest):
            value = rest if has_value else following
        elif option.letter and word[:1] == "-" and word[:2] != "--":
            letters = word[1:].lstrip(option.flags)
            if letters.startswith(option.letter):
                value = letters[1:].removeprefix("=") if letters[1:] else following
        if value is not None:
            found.append((index, value))
    return found


def find_value(words: Sequence[str], option: ValueOption) -> str | None:
    """The last value of an option; None where it is not given."""
    found = find_values(words, option)
    return found[-1][1] if found else None


def has_flag(words: Iterable[str], long: str, shortest: str | None = None) -> bool:
    """Whether an option without a value is given; `shortest` as in ValueOption."""
    for word in words:
        if word == "--":
            return False
        if long.startswith(word) and word.startswith(shortest or long):
            return True
    return False


def skip_options(words: Sequence[str], index: int, letters: str, longs: Sequence[str] | None = ()) -> int:
    """The place of the first word from `index` on that is neither an option nor the value of one.

    `letters` and `longs` are the options that have a value; None for `longs`: all of them.
    """
    while index < len(words) and words[index].startswith("-") and words[index] != "-":
        word = words[index]
        index += 1
        if word == "--":
            break
        if word.startswith("--"):
            index += "=" not in word if longs is None else word in longs
            continue
        place = next((place for place, letter in enumerate(word) if letter in letters), None)
        # Its value is the rest of the word, or the next one.
        index += place == len(word) - 1
    return min(index, len(words))


def parse_count(text: str | None) -> int | None:
    """A whole number from 0 to 999999, as Python programs read one: " 3 ", "+3"; None for anything else."""
    try:
        count = int(text or "")
    except ValueError:
        return None
    return count if 0 <= count <= _MOST else None


def parse_workers(text: str | None) -> int | None:
    """The same, of servers that are one process where they are told none."""
    count = parse_count(text)
    return None if count is None else max(count, 1)


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


def join_path(folder: str | None, path: str) -> str | None:
    """A path as seen from a folder; None where the folder is not known and it matters. "" is where we are."""
    if path.startswith("/") or folder == "":
        return path
    return None if folder is None else f"{folder}/{path}"
