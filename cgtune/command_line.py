"""Which program a command line starts in the end: wrappers, `python -m`, `sh -c` and scripts looked through. Pure.

    env A=1 nice -n 5 gunicorn -w 2 app:app      gunicorn, ("-w", "2", "app:app"), with A
    python -u -m gunicorn app:app                gunicorn, by that python
    sh -c "cd /srv; exec gunicorn app:app"       gunicorn, in /srv; no word can be added to it
    sh -c 'exec gunicorn "$@"' sh -w 7 app:app   gunicorn, ("-w", "7", "app:app")
    taskset -c 0,1 gunicorn app:app              gunicorn, on 2 CPUs
    poetry run uvicorn app:app                   uvicorn; which python, poetry alone knows
    ./manage.py runserver                        manage.py, by the python of its first line

An option of a wrapper that is not known here makes its value look like the program: then nothing is recognised,
and nothing is set. That is the safe side, so neither this nor the table of wrappers need be complete.
"""

from __future__ import annotations

from cgtune.records import Record
from cgtune.words import base_name, join_path, split_words
from cgtune.wrappers import BINDERS, MODULE_OPTIONS, WRAPPERS, count_cpus, count_words, read_python_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cgtune.wrappers import Wrapper

_MOST_WRAPPERS = 10
_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh")
# Those of env's options that are understood.
_ENV_OPTIONS = ("-C", "--chdir", "-S", "--split-string", "-u", "--unset")
_EXEC_ARGUMENTS = '"$0" "$@"'


class Program(Record):
    """What runs in the end. `name` is None where that cannot be told.

    `position` is the index in argv of the first of `arguments`, None where no word can be added to them.
    `is_module`: `name` is one that Python is to find. `python` is the interpreter as it is written, `is_python`
    whether there is one at all, `is_python_hidden` that another may be found. Relative paths count from `folder`,
    where "" is where we are and None is not known. `unset` are variables that are taken away on the way, `cpus` is
    how many CPUs are left to it there.
    """

    name: str | None = None
    arguments: tuple[str, ...] = ()
    position: int | None = None
    variables: tuple[tuple[str, str], ...] = ()
    folder: str | None = ""
    is_module: bool = False
    is_python: bool = False
    python: str | None = None
    python_flags: str = ""
    is_python_hidden: bool = False
    unset: tuple[str, ...] = ()
    cpus: int | None = None


class _Seen(Record):
    """A command line, as far as it has been looked through. `is_own_path`: not our PATH finds its program."""

    words: tuple[str, ...]
    position: int | None = 0
    variables: tuple[tuple[str, str], ...] = ()
    folder: str | None = ""
    is_own_path: bool = False
    unset: tuple[str, ...] = ()
    cpus: int | None = None

    def skip(self, count: int) -> _Seen:
        """Without the first words."""
        position = None if self.position is None else self.position + count
        return self.replace(words=self.words[count:], position=position)

    def with_variables(self, variables: Sequence[tuple[str, str]]) -> _Seen:
        """With what is set on the way."""
        is_own_path = self.is_own_path or any(name == "PATH" for name, _ in variables)
        return self.replace(variables=(*self.variables, *variables), is_own_path=is_own_path)


def look_through(argv: Sequence[str], first_lines: Callable[[str], bytes] | None = None) -> Program:
    """The program behind a command line. `first_lines` gives the start of the file that a word names, or b""."""
    seen = _Seen(words=tuple(argv))
    for _ in range(_MOST_WRAPPERS):
        if not seen.words:
            break
        name = base_name(seen.words[0])
        if name == "env":
            behind = _behind_env(seen)
        elif name in _SHELLS:
            behind = _behind_shell(seen)
        elif name in WRAPPERS:
            behind = _behind_wrapper(seen, WRAPPERS[name])
        elif is_python_name(name):
            return _python_program(seen)
        else:
            return _program(seen, first_lines)
        if behind is None:
            break
        seen = behind
    return Program(variables=seen.variables)


def is_python_name(name: str) -> bool:
    """`python`, `python3`, `python3.13t`, `python3.13d`; PyPy is recognised as a Python too."""
    for prefix in ("python", "pypy"):
        if name.startswith(prefix):
            return all(char in "0123456789.td" for char in name[len(prefix) :])
    return False


def _program(seen: _Seen, first_lines: Callable[[str], bytes] | None) -> Program:
    word, *arguments = seen.words
    is_path = "/" in word
    place = join_path(seen.folder, word) if is_path else word
    python: tuple[str, ...] = ()
    if first_lines is not None and place is not None and (is_path or not seen.is_own_path):
        python = python_of(first_lines(place))
    return Program(
        name=base_name(word),
        arguments=tuple(arguments),
        position=None if seen.position is None else seen.position + 1,
        variables=seen.variables,
        unset=seen.unset,
        cpus=seen.cpus,
        folder=seen.folder,
        is_python=bool(python),
        python=python[0] or None if python else None,
        python_flags=read_python_options(python).flags,
        is_python_hidden=seen.is_own_path and not (python and "/" in python[0]),
    )


def _python_program(seen: _Seen) -> Program:
    """What Python is told to run: a module (with -m), a script, or its standard input (no name)."""
    words = seen.words
    options = read_python_options(words)
    index = options.count
    name: str | None = None
    if options.last == "m":
        name = options.value
    elif options.last == "c":
        name = "-c"
    elif index < len(words):
        name = base_name(words[index])
        index += 1
    return Program(
        name=name,
        arguments=words[index:],
        position=None if seen.position is None else seen.position + index,
        variables=seen.variables,
        unset=seen.unset,
        cpus=seen.cpus,
        folder=seen.folder,
        is_module=options.last == "m",
        is_python=True,
        python=words[0],
        python_flags=options.flags,
        is_python_hidden=seen.is_own_path and "/" not in words[0],
    )


def python_of(first_lines: bytes) -> tuple[str, ...]:
    """The Python of a script's first line and its options, as they are written there; () for any other program.

    "#!/opt/venv/bin/python3 -I", "#!/usr/bin/env python3", "#!/usr/bin/env -S python3 -u", and installers' way with
    a path that is too long for the kernel, or has spaces:

        #!/bin/sh
        '''exec' "/long path/python" "$0" "$@"

    uv's relocatable scripts look for theirs beside themselves, with "$(dirname …)": a Python of unknown path, "".
    """
    if not first_lines.startswith(b"#!"):
        return ()
    first, second = (first_lines.decode("utf-8", "surrogateescape") + "\n").split("\n")[:2]
    words = tuple(first[2:].split())
    if second.startswith("'''exec' "):
        if second.endswith("/'python' " + _EXEC_ARGUMENTS):
            return ("",)
        from cgtune.shell_line import last_command

        command = last_command(second)
        words = () if command is None else command.words[:-2]
    elif words and base_name(words[0]) == "env":
        words = words[1:]
        if words and words[0].startswith("-S"):
            words = tuple(word for word in (words[0][2:], *words[1:]) if word)
            while words and "=" in words[0]:
                words = words[1:]
    return words if words and is_python_name(base_name(words[0])) else ()


def _behind_wrapper(seen: _Seen, wrapper: Wrapper) -> _Seen | None:
    count = count_words(seen.words, wrapper)
    if count is None:
        return None
    cpus = count_cpus(seen.words[:count]) if base_name(seen.words[0]) in BINDERS else None
    if cpus == 0:
        return None
    is_moved = any(word.startswith(wrapper.movers) for word in seen.words[:count])
    behind = seen.skip(count).replace(
        folder=None if is_moved else seen.folder, is_own_path=seen.is_own_path or wrapper.has_own_python
    )
    if cpus is not None:
        behind = behind.replace(cpus=cpus if seen.cpus is None else min(cpus, seen.cpus))
    first, *rest = behind.words
    if wrapper.is_python and first in MODULE_OPTIONS:
        first = "-m"
    elif not (wrapper.is_python and first.endswith(".py")):
        return behind
    # The word before stands for the interpreter.
    return behind.skip(-1).replace(words=("python", first, *rest))


def _behind_shell(seen: _Seen) -> _Seen | None:
    from cgtune.shell_line import last_command

    place = _place_of_line(seen.words)
    command = None
    if place is not None:
        # What stands behind the line is its $0, $1 and on.
        command = last_command(seen.words[place], seen.words[place + 1 :] or seen.words[:1])
    if command is None:
        return None
    is_own_path = seen.is_own_path or command.is_own_path or _is_login(seen.words)
    behind = seen.replace(words=command.words, position=None, is_own_path=is_own_path)
    behind = behind.with_variables(command.variables)
    if command.folder == "":
        return behind
    return behind.replace(folder=None if command.folder is None else join_path(seen.folder, command.folder))


def _is_login(words: Sequence[str]) -> bool:
    """Whether a shell reads profiles first, which set a PATH: `bash -lc LINE`, `bash -e --login -c LINE`."""
    return any(word == "--login" or (word[:1] == "-" and word[1:2] != "-" and "l" in word) for word in words[1:-1])


def _place_of_line(words: Sequence[str]) -> int | None:
    """Where the line of `sh -c LINE` stands, also of `sh -euc LINE` and `bash -o pipefail -c LINE`."""
    index = 1
    is_line = False
    while index < len(words) and words[index][:1] in ("-", "+") and words[index] not in ("-", "--"):
        word = words[index]
        index += 1
        if not word.startswith("--"):
            is_line = is_line or "c" in word
            index += word.endswith(("o", "O"))
    index += index < len(words) and words[index] in ("-", "--")
    return index if is_line and index < len(words) else None


def _behind_env(seen: _Seen) -> _Seen | None:
    """What follows env's own words; None where it takes all variables away."""
    words = seen.words
    index = 1
    while index < len(words) and words[index].startswith("-"):
        word = words[index]
        index += 1
        if word == "--":
            break
        if word in ("-v", "--debug"):
            continue
        option = next((option for option in _ENV_OPTIONS if word.startswith(option)), None)
        if option is None:
            return None
        value = word.partition("=")[2] if word.startswith("--") else word[2:]
        if not value:
            value = "".join(words[index : index + 1])
            index += 1
        if option in ("-S", "--split-string"):
            # Its words take its place; they may be options and variables again.
            is_plain = not any(char in value for char in "\\$#")
            more = ("env", *split_words(value), *words[index:])
            return seen.replace(words=more, position=None) if is_plain else None
        if option in ("-C", "--chdir"):
            seen = seen.replace(folder=join_path(seen.folder, value))
        else:
            kept = tuple(pair for pair in seen.variables if pair[0] != value)
            seen = seen.replace(
                variables=kept, unset=(*seen.unset, value), is_own_path=seen.is_own_path or value == "PATH"
            )
    variables = []
    while index < len(words) and "=" in words[index]:
        name, _, value = words[index].partition("=")
        variables.append((name, value))
        index += 1
    return seen.skip(index).with_variables(variables) if index < len(words) else None
