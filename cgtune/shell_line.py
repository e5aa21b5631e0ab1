"""The last command of a shell line, as `sh -c "…"` is given it: enough of sh's grammar to see a server in it. Pure.

    exec gunicorn -b :$PORT app:app                     gunicorn -b :$PORT app:app
    python manage.py migrate && exec gunicorn app:app   gunicorn app:app
    cd /srv; WEB_CONCURRENCY=3 gunicorn app:app         gunicorn app:app, in /srv, with that variable
    export A=1; exec gunicorn app:app > log 2>&1        gunicorn app:app, with that variable
    gunicorn app:app | tee log, (…), if …, a &          nothing: who knows what runs in the end

Variables are not expanded: `-w $N` is a number that the user has chosen and that is not known here.
"""

from __future__ import annotations

from cgtune.records import Record
from cgtune.words import join_path

_COMPOUND = frozenset(("if", "for", "while", "until", "case", "{", "!", "function", "select", "time", "[["))
_QUOTES = "\"'"
#: What a shell would still put something else for.
_EXPANDED = "$`~*?["


class ShellCommand(Record):
    """One simple command: the variables set for it, its words, the folder it starts in (None: not known).

    `is_own_path`: another PATH than ours may find it, that of a virtual environment which the line activates.
    """

    words: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()
    folder: str | None = ""
    is_own_path: bool = False


def last_command(text: str) -> ShellCommand | None:
    """What runs last, and to its end; None where that is not plain."""
    # OMP_NUM_THREADS, which we may set for what is recognised, is what nproc(1) prints.
    commands = None if "nproc" in text else _split(text)
    if not commands or any(command[0] in _COMPOUND for command in commands):
        return None
    folder: str | None = ""
    variables = []
    assigned: dict[str, str] = {}
    is_own_path = False
    for command in commands[:-1]:
        if command[0] in ("cd", "pushd", "popd"):
            folder = _folder_after(command, folder)
        elif command[0] in (".", "source", "eval"):
            is_own_path = True
        elif command[0] == "export":
            assigned.update(_assignment(word) for word in command[1:] if _is_assignment(word))
            names = (word.partition("=")[0] for word in command[1:])
            variables += [(name, assigned[name]) for name in names if name in assigned]
        elif all(map(_is_assignment, command)):
            assigned.update(map(_assignment, command))
    words = commands[-1]
    while words and _is_assignment(words[0]):
        variables.append(_assignment(words[0]))
        words = words[1:]
    if words[:1] == ["exec"]:
        words = words[1:]
        if words[:1] == ["--"]:
            words = words[1:]
    if not words:
        return None
    return ShellCommand(words=tuple(words), variables=tuple(variables), folder=folder, is_own_path=is_own_path)


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier() and name.isascii()


def _assignment(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


def _folder_after(command: list[str], folder: str | None) -> str | None:
    if command[0] != "cd" or len(command) != 2 or command[1][:1] in ("", "-"):
        return None
    return None if any(char in command[1] for char in _EXPANDED) else join_path(folder, command[1])


def _split(text: str) -> list[list[str]] | None:
    """Commands between `&&`, `;` and line ends, each a list of words; None for any other operator."""
    commands: list[list[str]] = [[]]
    word: str | None = None
    is_target = False
    index = 0
    while index < len(text):
        char = text[index]
        index += 1
        if char in _QUOTES:
            end = _closing(text, index, char)
            if end is None:
                return None
            inside = text[index:end]
            if char == '"' and not _is_whole(inside):
                return None
            word = (word or "") + (_unescape(inside) if char == '"' else inside)
            index = end + 1
        elif char == "\\":
            if index == len(text):
                return None
            if text[index] != "\n":
                word = (word or "") + text[index]
            index += 1
        elif char in " \t\n;&<>":
            if word is not None:
                # The number in front of a redirection is none of the words, nor is the file behind it.
                if not is_target and not (char in "<>" and word.isdigit()):
                    commands[-1].append(word)
                is_target = False
                word = None
            if char in "<>":
                if is_target or text[index : index + 1] in ("<", "("):
                    return None
                index += text[index : index + 1] in (">", "&", "|")
                is_target = True
                continue
            if char in " \t":
                continue
            if is_target or (char == "&" and text[index : index + 1] != "&"):
                return None
            index += char == "&"
            commands.append([])
        elif char == "#" and word is None:
            while index < len(text) and text[index] != "\n":
                index += 1
        elif char == "$" and text[index : index + 1] == "{":
            end = text.find("}", index)
            if end < 0:
                return None
            word = (word or "") + text[index - 1 : end + 1]
            index = end + 1
        elif char in "|()`":
            return None
        else:
            word = (word or "") + char
    if word is not None and not is_target:
        commands[-1].append(word)
    return [command for command in commands if command]


def _closing(text: str, index: int, quote: str) -> int | None:
    while index < len(text):
        if text[index] == quote:
            return index
        index += 2 if quote == '"' and text[index] == "\\" else 1
    return None


def _is_whole(text: str) -> bool:
    """Whether quotes end no sooner than what they hold: "$(echo "a b")" has quotes of its own."""
    pairs = (("$(", ")"), ("${", "}"))
    return text.count("`") % 2 == 0 and all(text.count(start) <= text.count(end) for start, end in pairs)


def _unescape(text: str) -> str:
    """What stands in double quotes: there a backslash protects only these."""
    parts = []
    index = 0
    while (found := text.find("\\", index)) >= 0:
        parts.append(text[index:found])
        following = text[found + 1 : found + 2]
        if following in ("\\", '"', "$", "`"):
            parts.append(following)
        elif following != "\n":
            parts.append("\\" + following)
        index = found + 2
    return "".join(parts) + text[index:]
