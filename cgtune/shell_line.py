"""The last command of a shell line, as `sh -c "…"` is given it: enough of sh's grammar to see a server in it. Pure.

    exec gunicorn -b :$PORT app:app                     gunicorn -b :$PORT app:app
    python manage.py migrate && exec gunicorn app:app   gunicorn app:app
    cd /srv; WEB_CONCURRENCY=3 gunicorn app:app         gunicorn app:app, in /srv, with that variable
    export A=1; exec gunicorn app:app > log 2>&1        gunicorn app:app, with that variable
    exec -a web gunicorn "$@"                           gunicorn, with the words that the shell itself is given
    gunicorn app:app | tee log, (…), if …, a &          nothing: who knows what runs in the end

Variables are not expanded: `-w $N` is a number that the user has chosen and that is not known here, and so are all
that `gunicorn $ARGS` may say: a word that is nothing but such is a ShellWord.
"""

from __future__ import annotations

from cgtune.records import Record
from cgtune.words import UNKNOWN, ShellWord, base_name, join_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_COMPOUND = frozenset(("if", "for", "while", "until", "case", "{", "!", "function", "select", "time", "[["))
_QUOTES = "\"'"
#: What a shell would still put something else for.
_EXPANDED = "$`~*?["
_GLOBS = "*?[\\"
# What changes which CPUs the rest of the line may use.
_BINDERS = ("taskset",)
# Options whose value people leave to a variable: the word behind one of these is its value and nothing else.
_LETTERS_WITH_VALUE = "bckwntpegusmAQPlOXIH"
_WITH_VALUE = frozenset(
    (
        *("--bind", "--host", "--port", "--uds", "--fd", "--socket", "--http", "--http-socket", "--uwsgi-socket"),
        *("--config", "--chdir", "--workdir", "--app-dir", "--env-file", "--ini", "--app", "--module", "--wsgi-file"),
        *("--workers", "--processes", "--threads", "--concurrency", "--num-workers", "--autoscale", "--pool"),
        *("--worker-class", "--worker-connections", "--worker-tmp-dir", "--blocking-threads", "--interface"),
        *("--timeout", "--graceful-timeout", "--keep-alive", "--max-requests", "--max-requests-jitter", "--backlog"),
        *("--log-level", "--loglevel", "--log-config", "--log-file", "--logfile", "--access-logfile"),
        *("--error-logfile", "--forwarded-allow-ips", "--root-path", "--name", "--hostname", "--user", "--group"),
        *("--certfile", "--keyfile", "--ssl-certfile", "--ssl-keyfile", "--broker", "--queues", "--url", "--uid"),
        *("--gid", "--static-map", "--pidfile", "--pid", "--env", "--limit-concurrency", "--prefetch-multiplier"),
    )
)


class ShellCommand(Record):
    """One simple command: the variables set for it, its words, the folder it starts in (None: not known).

    `is_own_path`: another PATH than ours may find it, that of a virtual environment which the line activates.
    """

    words: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()
    folder: str | None = ""
    is_own_path: bool = False


def last_command(text: str, given: Sequence[str] | None = None) -> ShellCommand | None:
    """What runs last, and to its end; None where that is not plain. `given` are $0, $1 and on, None for not known."""
    # OMP_NUM_THREADS, which we may set for what is recognised, is what nproc(1) prints.
    split = None if "nproc" in text else _split(text)
    if not split:
        return None
    commands = [[word for word, _ in command] for command in split]
    if any(command[0] in _COMPOUND for command in commands) or any(
        base_name(command[0]) in _BINDERS for command in commands[:-1]
    ):
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
            given = None
        elif command[0] == "shift" or (command[0] == "set" and _sets_words(command)):
            given = None
        elif command[0] == "export":
            assigned.update(_assignment(word) for word in command[1:] if _is_assignment(word))
            names = (word.partition("=")[0] for word in command[1:])
            variables += [(name, assigned[name]) for name in names if name in assigned]
        elif all(map(_is_assignment, command)):
            assigned.update(map(_assignment, command))
    words = commands[-1]
    start = 0
    while start < len(words) and _is_assignment(words[start]):
        variables.append(_assignment(words[start]))
        start += 1
    if words[start : start + 1] == ["exec"]:
        start += 1
        # The name that it is to see as its own.
        start += 2 * (words[start : start + 1] == ["-a"])
        start += words[start : start + 1] == ["--"]
    words = [one for word, written in split[-1][start:] for one in _expand(word, written, given)]
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


def _sets_words(command: list[str]) -> bool:
    """Whether `set` does more than switch options: `set -euo pipefail` does not, `set -- a b` does."""
    index = 1
    while index < len(command) and command[index][:1] in ("-", "+") and command[index] not in ("-", "--"):
        index += 1 + command[index].endswith("o")
    return index < len(command)


def _expand(word: str, written: str, given: Sequence[str] | None) -> list[str]:
    """What a shell makes of one word, as far as that is known."""
    bare = written.replace('"', "")
    if not _is_expansion(bare):
        return [word]
    name = bare[1:].removeprefix("{").removesuffix("}")
    is_many = name in ("@", "*")
    if given is None or not (is_many or (name.isascii() and name.isdigit())):
        return [ShellWord(word)]
    values = given[1:] if is_many else given[int(name[:6]) :][:1]
    if written == f'"{bare}"':
        return list(values) if name == "@" else [" ".join(values)]
    if written != bare or any(char in _GLOBS for value in values for char in value):
        return [ShellWord(word)]
    return [one for value in values for one in value.split()]


def _is_expansion(text: str) -> bool:
    """Whether it is nothing but what a shell puts something else for: `$A`, `$1`, `${A:-b}$(c)`."""
    index = 0
    while index < len(text):
        end = _end_of_expansion(text, index)
        if end == index:
            return False
        index = end
    return index > 0


def _end_of_expansion(text: str, index: int) -> int:
    char, following = text[index], text[index + 1 : index + 2]
    if char == "`":
        return text.find("`", index + 1) + 1 or index
    if char != "$" or not following:
        return index
    if following == "{":
        return text.find("}", index) + 1 or index
    if following == "(":
        return text.rfind(")") + 1
    if following in "0123456789@*#?-$!":
        return index + 2
    end = index + 1
    while end < len(text) and text[end].isascii() and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return index if end == index + 1 else end


def say_unknown(arguments: Sequence[str], options: Sequence[str]) -> tuple[str, ...]:
    """The words of a server where each that may be anything says its number of workers, and not which."""
    words: list[str] = []
    said = [f"{option}={UNKNOWN}" for option in options]
    for before, word in zip(("", *arguments), arguments, strict=False):
        is_value = before in _WITH_VALUE or (
            len(before) == 2 and before[0] == "-" and before[1] in _LETTERS_WITH_VALUE
        )
        words += said if isinstance(word, ShellWord) and not is_value else [word]
    return tuple(words)


def _split(text: str) -> list[list[tuple[str, str]]] | None:
    """Commands between `&&`, `;` and line ends; None for any other operator.

    Each is a list of words, as they are and as they are written.
    """
    commands: list[list[tuple[str, str]]] = [[]]
    word: str | None = None
    is_target = False
    index = start = 0
    while index < len(text):
        if word is None:
            start = index
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
                    commands[-1].append((word, text[start : index - 1]))
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
        commands[-1].append((word, text[start:]))
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
