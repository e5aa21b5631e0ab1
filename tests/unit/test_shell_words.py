"""Words that a shell puts in: those that it is given are known, and those that nobody knows may say any number."""

from __future__ import annotations

from pathlib import Path

import pytest

from cgtune.shell_line import last_command, say_unknown
from cgtune.words import ShellWord
from tests.unit.programs import run_by_sh

# Line -> words behind `show`, where the shell is given these behind the line.
GIVEN_WORDS = ("sh", "-w", "7", "a  b", "app:app")
GIVEN: dict[str, list[str]] = {
    'show "$@"': ["-w", "7", "a  b", "app:app"],
    'exec show x "$@" y': ["x", "-w", "7", "a  b", "app:app", "y"],
    "show $@": ["-w", "7", "a", "b", "app:app"],
    "show $*": ["-w", "7", "a", "b", "app:app"],
    'show "$*"': ["-w 7 a  b app:app"],
    'show "$1" $2 "${3}" ${3}': ["-w", "7", "a  b", "a", "b"],
    'show $0 "$0"': ["sh", "sh"],
    'show "$9" $9 z': ["", "z"],
    "show '$@' \\$1": ["$@", "$1"],
    'set -e; show "$@"': ["-w", "7", "a  b", "app:app"],
    'set -eu; set +x; show "$@"': ["-w", "7", "a  b", "app:app"],
    'A=1 show "$2"': ["7"],
    'true && "$0"; exec show "$1"': ["-w"],
}


@pytest.mark.parametrize("line", GIVEN)
def test_the_words_that_the_shell_is_given_are_known(line: str, tmp_path: Path) -> None:
    """As the real sh puts them in; none of them is one that nobody knows."""
    command = last_command(line, GIVEN_WORDS)
    assert command is not None
    assert list(command.words) == ["show", *GIVEN[line]]
    assert not any(isinstance(word, ShellWord) for word in command.words)
    assert run_by_sh(tmp_path, line.replace('"$0";', "true;"), *GIVEN_WORDS)[0] == GIVEN[line]


@pytest.mark.parametrize("line", ['exec "$@"', "$@", "exec $*", 'nice="" "$@"'])
def test_the_program_may_be_one_of_them(line: str) -> None:
    """What is given then is the whole command line."""
    command = last_command(line, ("sh", "show", "-w", "7"))
    assert command is not None
    assert command.words == ("show", "-w", "7")
    assert last_command(line, ("sh",)) is None


@pytest.mark.parametrize(
    "start",
    ["shift", "shift 2", "set -- a", "set a b", "set -e -- a", "set -o pipefail x", ". ./file", 'eval "$A"'],
)
def test_what_changes_them_makes_them_unknown(start: str) -> None:
    """And so does a pattern among them, which is left to the folder."""
    for line, given_words in (
        (f"{start}; show $@", ("sh", "7")),
        ("show $@", ("sh", "*")),
        ("show $1", ("sh", "[a]")),
    ):
        command = last_command(line, given_words)
        assert command is not None
        assert [isinstance(word, ShellWord) for word in command.words] == [False, True]


# What is written -> whether the shell may make other words of it, or none.
WRITTEN = {
    "$A": True,
    '"$A"': True,
    "$A$B": True,
    '"$A"$B': True,
    "${A}": True,
    "${A:-b}": True,
    '"${A:-b c}"': True,
    '"$(date)"': True,
    '"`date`"': True,
    "$@": True,
    '"$@"': True,
    "$1": True,
    "$$": True,
    "$10": False,
    "$A.wsgi": False,
    "${A}.wsgi": False,
    ":$PORT": False,
    "$HOST:$PORT": False,
    "--workers=$N": False,
    "-w$N": False,
    "'$A'": False,
    "\\$A": False,
    '"\\$A"': False,
    "$": False,
    "$é": False,
    "a": False,
    '""': False,
}


@pytest.mark.parametrize("written", WRITTEN)
def test_a_word_that_is_nothing_but_expanded_may_be_any(written: str) -> None:
    """Where something of it is written out, it is one word, whose begin is known."""
    command = last_command(f"show {written} z")
    assert command is not None
    assert [isinstance(word, ShellWord) for word in command.words] == [False, WRITTEN[written], False]


@pytest.mark.parametrize(
    ("before", "is_value"),
    [
        ("--bind", True),
        ("-b", True),
        ("-c", True),
        ("-A", True),
        ("--workers", True),
        ("--bind=x", False),
        ("--preload", False),
        ("--master", False),
        ("-D", False),
        ("-Dw", False),
        ("app", False),
        ("-", False),
    ],
)
def test_what_stands_behind_an_option_is_its_value(before: str, is_value: bool) -> None:
    """Any other word that may be any says a number, and not which; plain words stay."""
    words = (before, ShellWord("$A"), "$B")
    said = ("--workers=…", "--threads=…")
    expected = words if is_value else (before, *said, "$B")
    assert say_unknown(words, ("--workers", "--threads")) == expected
    assert say_unknown((ShellWord("$A"),), ("-n",)) == ("-n=…",)
