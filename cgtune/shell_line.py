"""The last command of a shell line, as `sh -c "…"` is given it: enough of sh's grammar to see a server in it. Pure.

    exec gunicorn -b :$PORT app:app                     gunicorn -b :$PORT app:app
    python manage.py migrate && exec gunicorn app:app   gunicorn app:app
    cd /srv; WEB_CONCURRENCY=3 gunicorn app:app         gunicorn app:app, with that variable
    gunicorn app:app | tee log, (…), if …, a &          nothing: who knows what runs in the end

Variables are not expanded: `-w $N` is a number that the user has chosen and that is not known here.
"""

from __future__ import annotations

from cgtune.records import Record

_COMPOUND = frozenset(("if", "for", "while", "until", "case", "{", "!", "function", "select", "time", "[["))
_QUOTES = "\"'"


class ShellCommand(Record):
    """One simple command: the variables set for it, and its words."""

    variables: tuple[tuple[str, str], ...]
    words: tuple[str, ...]


def last_command(text: str) -> ShellCommand | None:
    """What runs last, and to its end; None where that is not plain."""
    commands = _split(text)
    if not commands or any(command[0] in _COMPOUND for command in commands):
        return None
    words = list(commands[-1])
    variables = []
    while words and _is_assignment(words[0]):
        name, _, value = words.pop(0).partition("=")
        variables.append((name, value))
    if words[:1] == ["exec"]:
        words = words[1:]
        if words[:1] == ["--"]:
            words = words[1:]
    return ShellCommand(variables=tuple(variables), words=tuple(words)) if words else None


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier() and name.isascii()


def _split(text: str) -> list[list[str]] | None:
    """Commands between `&&`, `;` and line ends, each a list of words; None for any other operator."""
    commands: list[list[str]] = [[]]
    word: str | None = None
    index = 0
    while index < len(text):
        char = text[index]
        index += 1
        if char in _QUOTES:
            end = _closing(text, index, char)
            if end is None:
                return None
            inside = text[index:end]
            word = (word or "") + (_unescape(inside) if char == '"' else inside)
            index = end + 1
        elif char == "\\":
            if index == len(text):
                return None
            if text[index] != "\n":
                word = (word or "") + text[index]
            index += 1
        elif char in " \t\n;&":
            if word is not None:
                commands[-1].append(word)
                word = None
            if char in " \t":
                continue
            if char == "&":
                if text[index : index + 1] != "&":
                    return None
                index += 1
            commands.append([])
        elif char == "#" and word is None:
            while index < len(text) and text[index] != "\n":
                index += 1
        elif char in "|()<>`":
            return None
        else:
            word = (word or "") + char
    if word is not None:
        commands[-1].append(word)
    return [command for command in commands if command]


def _closing(text: str, index: int, quote: str) -> int | None:
    while index < len(text):
        if text[index] == quote:
            return index
        index += 2 if quote == '"' and text[index] == "\\" else 1
    return None


def _unescape(text: str) -> str:
    for char in ("\\", '"', "$", "`"):
        text = text.replace(f"\\{char}", char)
    return text
