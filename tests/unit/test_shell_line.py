"""Shell lines are read as sh runs them, or not at all: each line of the table is also given to the real sh."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.shell_line import ShellCommand, last_command
from tests.unit.programs import run_by_sh

# Line -> words behind `show`, what the line sets, folder. `show` is a program that tells what it was started with.
READ: dict[str, tuple[list[str], dict[str, str], str]] = {
    "show": ([], {}, ""),
    "show;": ([], {}, ""),
    "exec show -w 2 app": (["-w", "2", "app"], {}, ""),
    "'exec' show a": (["a"], {}, ""),
    "true; show b": (["b"], {}, ""),
    "true && show b": (["b"], {}, ""),
    "true\nshow b\n": (["b"], {}, ""),
    "set -e; test -d / && exec show b": (["b"], {}, ""),
    "A=1 show": ([], {"A": "1"}, ""),
    "A=1 B='2 3' exec show": ([], {"A": "1", "B": "2 3"}, ""),
    "export A=1; show": ([], {"A": "1"}, ""),
    "export A=1 B=2; exec show": ([], {"A": "1", "B": "2"}, ""),
    "A=1; export A; show": ([], {"A": "1"}, ""),
    "A=1; A=2; export A B; show": ([], {"A": "2"}, ""),
    "export A=1; A=2 show": ([], {"A": "2"}, ""),
    "A=1; show": ([], {}, ""),
    "cd / && show": ([], {}, "/"),
    "cd /usr; cd bin; show": ([], {}, "/usr/bin"),
    "cd '/usr'; show": ([], {}, "/usr"),
    "show a >out 2>&1": (["a"], {}, ""),
    "show a 2>/dev/null b": (["a", "b"], {}, ""),
    "show a <in b": (["a", "b"], {}, ""),
    "show 2 >out": (["2"], {}, ""),
    "show a2>out": (["a2"], {}, ""),
    "show >>out a": (["a"], {}, ""),
    "show >| out a": (["a"], {}, ""),
    ">out show a": (["a"], {}, ""),
    "show \"a b\"c 'd e' f\\ g": (["a bc", "d e", "f g"], {}, ""),
    "show \"\" ''": (["", ""], {}, ""),
    'show "\\$A \\"b\\" \\a"': (['$A "b" \\a'], {}, ""),
    "show 'a\\'": (["a\\"], {}, ""),
    "show \\\n a\\\nb": (["ab"], {}, ""),
    "show a#b # c -w 4": (["a#b"], {}, ""),
    "# show a\nshow b": (["b"], {}, ""),
    "show {a}": (["{a}"], {}, ""),
    "show 'if' then": (["if", "then"], {}, ""),
    "show a=b": (["a=b"], {}, ""),
    "show ; # nothing": ([], {}, ""),
    "show 'a;b' \"c&&d\" e\\;f": (["a;b", "c&&d", "e;f"], {}, ""),
}
NOT_READ = [
    "",
    "   ",
    "A=1",
    "exec",
    "show &",
    "true & show",
    "cd / & show",
    "show | cat",
    "false || show",
    "(show)",
    "{ show; }",
    "! show",
    "time show",
    "if true; then show; fi",
    "true; if true; then show; fi",
    "while read line; do show; done",
    "for a in b; do show; done",
    "case a in a) show;; esac",
    "f() { show; }; f",
    "show $(date)",
    'show -w "$(nproc)"',
    'N="$(nproc)"; show -w $N',
    "show `date`",
    'show "$(echo "a -w 4 b")"',
    'show "${A:-"b c"}"',
    "show ${A",
    "show 'a",
    'show "a',
    "show a\\",
    "show <<END\na\nEND",
    "show <(date)",
    "show &>out",
    "show > > out",
    "show >; true",
    "taskset -cp 0 $$; show",
]


@pytest.mark.parametrize("line", READ)
def test_the_last_command_is_read(line: str) -> None:
    """Its words, the variables that the line sets for it, and the folder it starts in."""
    words, variables, folder = READ[line]
    command = last_command(line)
    assert command is not None
    assert (list(command.words), dict(command.variables), command.folder) == (["show", *words], variables, folder)


@pytest.mark.parametrize("line", READ)
def test_the_shell_does_the_same(line: str, tmp_path: Path) -> None:
    """The table above is what the real sh does."""
    words, variables, folder = READ[line]
    assert run_by_sh(tmp_path, line) == [words, variables, str(Path(tmp_path, folder).resolve())]


def test_what_bash_alone_takes_is_read_too() -> None:
    """`exec` with its end of options; sh may be bash."""
    for line in ("exec -- show a", "exec -a web show a", "exec -a 'a b' -- show a"):
        assert last_command(line) == ShellCommand(words=("show", "a"))
    assert last_command("exec -c show a") == ShellCommand(words=("-c", "show", "a"))


@pytest.mark.parametrize("line", NOT_READ)
def test_what_is_not_plain_is_not_read(line: str) -> None:
    """Who knows what runs in the end, and to its end."""
    assert last_command(line) is None


@pytest.mark.parametrize(
    "change", ["cd", "cd -", "cd $A", 'cd "$A"', "cd ~", "cd -P /srv", "cd a b", "pushd /", "popd"]
)
def test_a_folder_that_cannot_be_told_is_none(change: str) -> None:
    """And stays so, until a full path is entered."""
    for line, folder in (
        (f"{change}; show", None),
        (f"{change}; cd a; show", None),
        (f"{change}; cd /a; show", "/a"),
    ):
        command = last_command(line)
        assert command is not None
        assert command.folder == folder


@pytest.mark.parametrize(
    ("line", "is_own_path"),
    [
        (". /opt/venv/bin/activate && exec show", True),
        ("source /opt/venv/bin/activate; show", True),
        ('eval "$(brew shellenv)"; show', True),
        ("true; show", False),
        ("show . source", False),
    ],
)
def test_what_activates_an_environment_is_told(line: str, is_own_path: bool) -> None:
    """Another PATH may find the program then."""
    command = last_command(line)
    assert command is not None
    assert command.is_own_path is is_own_path


@pytest.mark.parametrize("word", ["$N", "${N}", "${N:-2}", "${N:-a -w 4}", "$N/$M", "*.py", '"$N"', '"$(date)"'])
def test_what_the_shell_expands_stays_as_it_stands(word: str) -> None:
    """One word, which nobody takes for a number."""
    assert last_command(f"show -w {word} app") == ShellCommand(words=("show", "-w", word.strip('"'), "app"))


WORD = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8).filter(
    lambda word: "nproc" not in word  # of which nothing is read
)


@given(st.lists(WORD, min_size=1, max_size=5))
def test_quoted_words_are_words(words: list[str]) -> None:
    """Whatever is in them."""
    assert last_command(shlex.join(["show", *words])) == ShellCommand(words=("show", *words))


PIECES = st.sampled_from(
    [
        *"\"'\\ \n\t;&|<>()$`#{}!=-",
        "&&",
        "||",
        "$(",
        "${",
        "show",
        "exec ",
        "cd ",
        "export ",
        "A=",
        "-w 4",
        "2>",
        "a",
        "$@",
        "$1",
        '"',
    ]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join))
def test_any_text_is_a_command_or_none(text: str) -> None:
    """Nothing raises, and a command has a word."""
    for given_words in (None, ("sh",), ("sh", "a b", "*", "")):
        command = last_command(text, given_words)
        assert command is None or len(command.words) >= 1
