"""Which program a command line starts in the end: wrappers, `python -m`, `sh -c` and scripts looked through. Pure.

    env A=1 nice -n 5 gunicorn -w 2 app:app      gunicorn, ("-w", "2", "app:app"), with A
    python -u -m gunicorn app:app                gunicorn, by that python
    sh -c "exec gunicorn app:app"                gunicorn; no word can be added to it
    poetry run uvicorn app:app                   uvicorn; which python, poetry alone knows
    ./manage.py runserver                        manage.py, by the python of its first line

An option of a wrapper that is not known here makes its value look like the program: then nothing is recognised,
and nothing is set. That is the safe side, so the table need not be complete.
"""

from __future__ import annotations

from cgtune.records import Record
from cgtune.words import base_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MOST_WRAPPERS = 10
_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh")


class Wrapper(Record):
    """A program that becomes, or starts, another: which of its options have a value, and what else stands before."""

    letters: str = ""
    longs: tuple[str, ...] = ()
    subcommand: str | None = None
    positionals: int = 0
    #: what follows is read as Python reads it: -m MODULE, or a script
    is_python: bool = False
    #: the program's Python is found by the wrapper, not through PATH
    has_own_python: bool = False


_POETRY = Wrapper(subcommand="run", letters="CP", longs=("--directory", "--project"), has_own_python=True)
_UV_LONGS = (
    *("--with", "--with-editable", "--with-requirements", "--python", "--directory", "--project", "--env-file"),
    *("--extra", "--group", "--only-group", "--no-group", "--package", "--index", "--index-url", "--default-index"),
    *("--extra-index-url", "--find-links", "--config-file", "--cache-dir", "--color", "--refresh-package"),
)
WRAPPERS = {
    "nice": Wrapper(letters="n", longs=("--adjustment",)),
    "ionice": Wrapper(letters="cnpPu", longs=("--class", "--classdata")),
    "nohup": Wrapper(),
    "setsid": Wrapper(),
    "stdbuf": Wrapper(letters="ioe", longs=("--input", "--output", "--error")),
    "timeout": Wrapper(letters="ks", longs=("--kill-after", "--signal"), positionals=1),
    "taskset": Wrapper(positionals=1),
    "numactl": Wrapper(letters="NmCiP"),
    "gosu": Wrapper(positionals=1),
    "su-exec": Wrapper(positionals=1),
    "s6-setuidgid": Wrapper(positionals=1),
    "setpriv": Wrapper(
        longs=(
            *("--reuid", "--regid", "--ruid", "--euid", "--rgid", "--egid", "--groups", "--inh-caps"),
            *("--ambient-caps", "--bounding-set", "--securebits", "--pdeathsig", "--selinux-label"),
            "--apparmor-profile",
        )
    ),
    "tini": Wrapper(letters="pe"),
    "tini-static": Wrapper(letters="pe"),
    "dumb-init": Wrapper(letters="r", longs=("--rewrite",)),
    "catatonit": Wrapper(),
    "poetry": _POETRY,
    "pipenv": Wrapper(subcommand="run", longs=("--python", "--pypi-mirror"), has_own_python=True),
    "pdm": Wrapper(subcommand="run", letters="p", longs=("--project", "--venv"), has_own_python=True),
    "rye": Wrapper(subcommand="run", has_own_python=True),
    "uv": Wrapper(subcommand="run", letters="pPiCf", longs=_UV_LONGS, is_python=True, has_own_python=True),
    "dotenv": Wrapper(subcommand="run", letters="fq", longs=("--file", "--quote")),
    "ddtrace-run": Wrapper(),
    "newrelic-admin": Wrapper(subcommand="run-program"),
    "opentelemetry-instrument": Wrapper(
        longs=(
            *("--traces_exporter", "--metrics_exporter", "--logs_exporter", "--service_name"),
            *(
                "--resource_attributes",
                "--exporter_otlp_endpoint",
                "--id_generator",
                "--propagators",
                "--disabled_instrumentations",
            ),
        )
    ),
    "coverage": Wrapper(
        subcommand="run",
        longs=("--source", "--include", "--omit", "--rcfile", "--context", "--concurrency", "--data-file"),
        is_python=True,
    ),
}
# Python's options with a value, as a letter each.
_PYTHON_VALUES = "mcXW"


class Program(Record):
    """What runs in the end. `name` is None where that cannot be told.

    `position` is the index in argv of the first of `arguments`, None where no word can be added to them.
    `python` is the interpreter as it is written, `is_python` whether there is one at all.
    """

    name: str | None = None
    word: str = ""
    arguments: tuple[str, ...] = ()
    position: int | None = None
    variables: tuple[tuple[str, str], ...] = ()
    is_python: bool = False
    python: str | None = None
    python_flags: str = ""
    is_python_hidden: bool = False


def look_through(argv: Sequence[str], first_lines: Callable[[str], bytes] | None = None) -> Program:
    """The program behind a command line. `first_lines` gives the start of the file that a word names, or b""."""
    words: tuple[str, ...] = tuple(argv)
    position: int | None = 0
    variables: list[tuple[str, str]] = []
    is_hidden = False
    for _ in range(_MOST_WRAPPERS):
        if not words:
            break
        name = base_name(words[0])
        if name == "env":
            skip = _skip_env(words, variables)
        elif name in _SHELLS:
            from cgtune.shell_line import last_command

            line = _shell_line(words)
            command = None if line is None else last_command(line)
            if command is None:
                break
            variables.extend(command.variables)
            words, position = command.words, None
            continue
        elif name in WRAPPERS:
            wrapper = WRAPPERS[name]
            skip = _skip(words, wrapper)
            is_hidden = is_hidden or wrapper.has_own_python
            if skip is not None and wrapper.is_python:
                rest = words[skip:]
                if rest[:1] and (rest[0].startswith("-") or rest[0].endswith(".py")):
                    skip -= 1  # stands for the interpreter
                    words = (*words[:skip], "python", *rest)
        else:
            program = _program(words, position, first_lines)
            return program.replace(variables=tuple(variables), is_python_hidden=is_hidden)
        if skip is None:
            break
        words = words[skip:]
        position = None if position is None else position + skip
    return Program(variables=tuple(variables))


def is_python_name(name: str) -> bool:
    """`python`, `python3`, `python3.13t`; PyPy is recognised as a Python too."""
    for prefix in ("python", "pypy"):
        if name.startswith(prefix):
            return all(char in "0123456789.t" for char in name[len(prefix) :])
    return False


def _program(words: tuple[str, ...], position: int | None, first_lines: Callable[[str], bytes] | None) -> Program:
    if is_python_name(base_name(words[0])):
        return _python_program(words, position)
    python = interpreter_of(first_lines(words[0])) if first_lines is not None else None
    return Program(
        name=base_name(words[0]),
        word=words[0],
        arguments=words[1:],
        position=None if position is None else position + 1,
        is_python=python is not None,
        python=python,
    )


def _python_program(words: tuple[str, ...], position: int | None) -> Program:
    """What Python is told to run: a module (with -m), a script, or its standard input (no name)."""
    index = 1
    flags = ""
    name: str | None = None
    word = ""
    while index < len(words) and words[index].startswith("-") and words[index] != "-":
        option = words[index]
        index += 1
        if option == "--":
            break
        if option == "--check-hash-based-pycs":
            index += 1
        if option.startswith("--"):
            continue
        for place, letter in enumerate(option[1:], 1):
            if letter not in _PYTHON_VALUES:
                flags += letter
                continue
            # The value is the rest of this word, or the next one.
            value = option[place + 1 :]
            if not value:
                value = words[index] if index < len(words) else ""
                index += 1
            if letter == "m":
                name = word = value
            elif letter == "c":
                name = "-c"
            break
        if name is not None:
            break
    if name is None and index < len(words):
        word = words[index]
        name = base_name(word)
        index += 1
    return Program(
        name=name,
        word=word,
        arguments=words[index:],
        position=None if position is None else position + index,
        is_python=True,
        python=words[0],
        python_flags=flags,
    )


def interpreter_of(first_lines: bytes) -> str | None:
    """The Python of a script's first line, as it is written there; None for any other program.

    "#!/opt/venv/bin/python3", "#!/usr/bin/env python3", and pip's way with a path too long for the kernel:
    "#!/bin/sh", then "'''exec' /long/path/python "$0" "$@"".
    """
    if not first_lines.startswith(b"#!"):
        return None
    lines = first_lines.decode("utf-8", "surrogateescape").splitlines()
    words = lines[0][2:].split()
    if words and base_name(words[0]) == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if len(lines) > 1 and lines[1].startswith("'''exec'"):
        words = lines[1].removeprefix("'''exec'").strip().strip('"').split('"')
        words = words[0].removesuffix(" $0").split(" $")
    return words[0].strip() if words and is_python_name(base_name(words[0].strip())) else None


def _shell_line(words: tuple[str, ...]) -> str | None:
    """The line of `sh -c LINE`, also of `sh -euc LINE` and `bash -o pipefail -c LINE`."""
    index = 1
    while index < len(words) and words[index][:1] in ("-", "+") and words[index] != "--":
        letters = words[index][1:]
        index += 1
        if words[index - 1].startswith("--"):
            continue
        if letters.endswith("o"):
            index += 1
        if "c" in letters:
            return words[index] if index < len(words) else None
    return None


def _skip_env(words: tuple[str, ...], variables: list[tuple[str, str]]) -> int | None:
    """How many words are env's own; None where it starts with an empty environment, or splits a string."""
    index = 1
    while index < len(words):
        word = words[index]
        if word == "--":
            index += 1
        elif word in ("-", "-i", "--ignore-environment") or word.startswith(("-S", "-i", "--split")):
            return None
        elif word in ("-u", "-C", "--unset", "--chdir"):
            index += 2
        elif word.startswith("-"):
            index += 1
        elif "=" in word:
            name, _, value = word.partition("=")
            variables.append((name, value))
            index += 1
        else:
            return index
    return None


def _skip(words: tuple[str, ...], wrapper: Wrapper) -> int | None:
    """How many words are the wrapper's own; None where the program does not follow."""
    index = _skip_options(words, 1, wrapper)
    if wrapper.subcommand is not None:
        if index >= len(words) or words[index] != wrapper.subcommand:
            return None
        index = _skip_options(words, index + 1, wrapper)
    index += wrapper.positionals
    if words[index : index + 1] == ("--",):
        index += 1
    return index if index < len(words) else None


def _skip_options(words: tuple[str, ...], index: int, wrapper: Wrapper) -> int:
    while index < len(words) and words[index].startswith("-") and words[index] != "-":
        word = words[index]
        if word == "--":
            return index + 1
        if wrapper.is_python and word in ("-m", "--module"):
            return index
        index += 1
        if word.startswith("--"):
            index += word in wrapper.longs
        elif word[-1] in wrapper.letters and (len(word) == 2 or word[1] not in wrapper.letters):
            index += 1
    return index
