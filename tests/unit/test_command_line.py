"""The program behind a command line: shells, Python's own options, scripts and their first lines."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.command_line import Program, is_python_name, look_through, python_of
from tests.unit.command import DEADLINE_SECONDS

# Words of a shell -> whether the line is read.
SHELLS = [
    (["sh", "-c"], True),
    (["/bin/bash", "-c"], True),
    (["bash", "-ec"], True),
    (["bash", "-ceu"], True),
    (["bash", "-e", "-u", "-c"], True),
    (["bash", "-o", "pipefail", "-c"], True),
    (["bash", "-euo", "pipefail", "-c"], True),
    (["bash", "--norc", "-c"], True),
    (["bash", "+e", "-c"], True),
    (["sh", "-c", "--"], True),
    (["dash", "-c"], True),
    (["sh"], False),
    (["sh", "-e"], False),
    (["sh", "-s"], False),
    (["sh", "--"], False),
    (["sh", "-o", "c"], False),
    (["fish", "-c"], False),
]


@pytest.mark.parametrize(("words", "is_read"), SHELLS)
def test_a_shells_line_is_looked_into(words: list[str], is_read: bool) -> None:
    """What the words after it are called there does not matter; no word can be added to a line."""
    program = look_through([*words, "A=1 exec gunicorn -w 2", "$0"])
    assert (program.name == "gunicorn") is is_read
    if is_read:
        assert (program.arguments, program.position) == (("-w", "2"), None)
        assert program.variables == (("A", "1"),)


@pytest.mark.parametrize(
    ("words", "is_hidden"),
    [
        (["bash", "-lc", "gunicorn"], True),
        (["bash", "-e", "-l", "-c", "gunicorn"], True),
        (["bash", "--login", "-c", "gunicorn"], True),
        (["sh", "-c", ". bin/activate; gunicorn"], True),
        (["sh", "-c", "export PATH=/opt/bin:$PATH; gunicorn"], True),
        (["sh", "-c", "gunicorn --log-level l"], False),
        (["bash", "-euo", "pipefail", "-c", "gunicorn"], False),
    ],
)
def test_another_path_hides_the_python(words: list[str], is_hidden: bool) -> None:
    """Ours may find another program of that name: then its first line tells nothing."""
    program = look_through(words, lambda word: b"#!/usr/bin/python3.12\n")
    assert (program.name, program.is_python_hidden) == ("gunicorn", is_hidden)
    assert program.python == (None if is_hidden else "/usr/bin/python3.12")


def test_what_is_looked_through_may_be_mixed() -> None:
    """Variables, folders and words add up."""
    words = ["env", "A=1", "tini", "--", "sh", "-c", "cd /srv; B=2 exec env -C web C=3 nice python3 -um gunicorn app"]
    assert look_through(words) == Program(
        name="gunicorn",
        arguments=("app",),
        position=None,
        variables=(("A", "1"), ("B", "2"), ("C", "3")),
        folder="/srv/web",
        is_module=True,
        is_python=True,
        python="python3",
        python_flags="u",
    )


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["env", "-S", "A=1 gunicorn -w 2", "app"], ("-w", "2", "app")),
        (["env", "-Sgunicorn -w 2"], ("-w", "2")),
        (["env", "--split-string=gunicorn 'a b'"], ("a b",)),
    ],
)
def test_envs_split_string_is_words(words: list[str], arguments: tuple[str, ...]) -> None:
    """None can be added there."""
    program = look_through(words)
    assert (program.name, program.arguments, program.position) == ("gunicorn", arguments, None)


# Python's words -> what it runs, whether a module, its own words, its flags.
PYTHONS: dict[str, tuple[str | None, bool, tuple[str, ...], str]] = {
    "": (None, False, (), ""),
    "-": ("-", False, (), ""),
    "a.py": ("a.py", False, (), ""),
    "/srv/a.py -w 2": ("a.py", False, ("-w", "2"), ""),
    "-m a": ("a", True, (), ""),
    "-ma -w 2": ("a", True, ("-w", "2"), ""),
    "-um a": ("a", True, (), "u"),
    "-u -I -m a": ("a", True, (), "uI"),
    "-c code -w 2": ("-c", False, ("-w", "2"), ""),
    "-ccode": ("-c", False, (), ""),
    "-X dev -W ignore a.py": ("a.py", False, (), ""),
    "-Xdev -Wignore -bb a.py": ("a.py", False, (), "bb"),
    "-uX dev a.py": ("a.py", False, (), "u"),
    "--check-hash-based-pycs never a.py": ("a.py", False, (), ""),
    "-- a.py": ("a.py", False, (), ""),
    "-m": ("", True, (), ""),
    "-X": (None, False, (), ""),
    "-V": (None, False, (), "V"),
}


@pytest.mark.parametrize("line", PYTHONS)
def test_pythons_own_words_are_pythons(line: str) -> None:
    """What follows belongs to the module or script."""
    words = ("python3", *line.split())
    program = look_through(words)
    name, is_module, arguments, flags = PYTHONS[line]
    assert (program.name, program.is_module, program.arguments, program.python_flags) == (
        *(name, is_module, arguments),
        flags,
    )
    assert (program.is_python, program.python, program.position) == (True, "python3", len(words) - len(arguments))


@pytest.mark.parametrize(
    "line",
    [
        "-c CODE -w 2",
        "-I -c CODE -w",
        "-X dev -Wignore -c CODE a",
        "-uX dev -c CODE",
        "-bb -sc CODE -m a",
        "-- -c CODE",
    ],
)
def test_the_real_python_sees_the_same_words(line: str) -> None:
    """What it gives to the program is what we take for its words."""
    code = "import sys; print(sys.argv[1:])"
    words = [code if word == "CODE" else word for word in line.split()]
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, encoding="utf-8", timeout=DEADLINE_SECONDS, check=False
    )
    program = look_through(["python", *words])
    if done.returncode == 0:
        assert (program.name, str(list(program.arguments))) == ("-c", done.stdout.strip())
    else:
        assert program.name == "-c"
        assert "can't open file" in done.stderr


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("python", True),
        ("python3", True),
        ("python3.13", True),
        ("python3.13t", True),
        ("pypy3.10", True),
        ("python-config", False),
        ("ipython", False),
        ("pythonw", False),
        ("", False),
        ("py", False),
    ],
)
def test_a_python_is_known_by_its_name(name: str, is_one: bool) -> None:
    """With any version."""
    assert is_python_name(name) is is_one


# First lines of a script -> the words of its Python.
FIRST_LINES: dict[bytes, tuple[str, ...]] = {
    b"#!/opt/venv/bin/python3\n": ("/opt/venv/bin/python3",),
    b"#!/opt/venv/bin/python3 -I\nimport sys\n": ("/opt/venv/bin/python3", "-I"),
    b"#! /usr/bin/python3.12": ("/usr/bin/python3.12",),
    b"#!/usr/bin/python3\r\n": ("/usr/bin/python3",),
    b"#!/usr/bin/env python3\n": ("python3",),
    b"#!/usr/bin/env -S python3 -u\n": ("python3", "-u"),
    b"#!/usr/bin/env -SA=1 python3\n": ("python3",),
    b"#!/bin/sh\n'''exec' \"/long path/python\" \"$0\" \"$@\"\n' '''\n": ("/long path/python",),
    b"#!/bin/sh\n'''exec' /long/python3 -I \"$0\" \"$@\"\n' '''\n": ("/long/python3", "-I"),
    b'#!/bin/sh\n\'\'\'exec\' "$(dirname -- "$(realpath -- "$0")")"/\'python\' "$0" "$@"\n': ("",),
    b"#!/bin/sh\nexec python3 -m gunicorn\n": (),
    b"#!/bin/sh\n'''exec' \n": (),
    b"#!/bin/bash\n": (),
    b"#!/usr/bin/env node\n": (),
    b"#!/usr/bin/perl /usr/bin/python\n": (),
    b"#!": (),
    b"": (),
    b"\x7fELF": (),
    b"\xff\xfe#!/usr/bin/python3\n": (),
    b"import sys  #!/usr/bin/python3\n": (),
}


@pytest.mark.parametrize("first_lines", FIRST_LINES)
def test_the_python_of_a_script_is_in_its_first_lines(first_lines: bytes) -> None:
    """As pip, uv and people write them."""
    assert python_of(first_lines) == FIRST_LINES[first_lines]


def test_a_scripts_python_is_the_programs() -> None:
    """Its options too; where a path stands in front, only the file at that path is looked at."""
    asked: list[str] = []

    def first_lines(word: str) -> bytes:
        asked.append(word)
        return b"#!/opt/bin/python3 -Es\n"

    program = look_through(["gunicorn", "app"], first_lines)
    assert (program.is_python, program.python, program.python_flags) == (True, "/opt/bin/python3", "Es")
    look_through(["./manage.py"], first_lines)
    look_through(["sh", "-c", "cd /srv; ./manage.py"], first_lines)
    look_through(["sh", "-c", "cd /srv; gunicorn"], first_lines)
    look_through(["sh", "-c", "cd $A; ./manage.py"], first_lines)
    look_through(["poetry", "run", "gunicorn"], first_lines)
    assert asked == ["gunicorn", "./manage.py", "/srv/./manage.py", "gunicorn"]


WORDS = st.sampled_from(
    [
        *("env", "sh", "-c", "-S", "A=1", "nice", "-n", "5", "python", "-m", "gunicorn", "--", "-", "", "uv", "run"),
        *(
            "poetry",
            "timeout",
            "exec gunicorn -w 2",
            "cd /srv; nice gunicorn",
            "tini",
            "-C",
            "coverage",
            "x.py",
            "-u",
        ),
    ]
)


@given(st.lists(WORDS | st.text(max_size=4), max_size=8))
def test_any_words_are_some_program(words: list[str]) -> None:
    """Nothing raises. The words of a program stand in the line at the place that is told, to its end."""
    program = look_through(words, lambda word: b"")
    if program.position is not None and program.name is not None:
        assert tuple(words[program.position :]) == program.arguments


@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda data: b"#!/bin/sh\n'''exec' " + data))
def test_any_first_lines_are_a_python_or_none(first_lines: bytes) -> None:
    """Nothing raises, and what is one is named as one."""
    words = python_of(first_lines)
    assert not words or is_python_name(words[0].rpartition("/")[2]) or words == ("",)
