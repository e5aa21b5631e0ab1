"""The one table of options: each in all its ways of writing, and what the short parser does with words."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.config import make_config
from cgtune.errors import UsageError
from cgtune.options import COMMAND_LINE_ONLY, OPTIONS, Option, parse_arguments, parse_value
from tests.unit.command import call

# A word for each kind of value, what it means, and a word that is wrong.
KINDS: dict[str, tuple[str, object, str | None]] = {
    "cores": ("500m", 0.5, "fast"),
    "bytes": ("512Mi", 512 << 20, "512m"),
    "workers": ("3", 3, "0"),
    "flag": ("on", True, "perhaps"),
    "text": ("/some/where", "/some/where", None),
}
WITH_VALUE = [option for option in OPTIONS if option.kind != "flag"]
FLAGS = [option for option in OPTIONS if option.kind == "flag"]
WITH_VARIABLE = [option for option in OPTIONS if option.name not in COMMAND_LINE_ONLY]


def name_of(option: Option) -> str:
    """For the names of parametrised tests."""
    return option.name


@pytest.mark.parametrize("option", WITH_VALUE, ids=name_of)
def test_a_value_follows_as_a_word_or_after_an_equals_sign(option: Option) -> None:
    """`--x v` and `--x=v` say the same, for each of the option's commands."""
    word, meaning, wrong = KINDS[option.kind]
    for command in option.commands:
        for words in ([f"--{option.name}", word], [f"--{option.name}={word}"]):
            assert parse_arguments(command, words) == ({option.name: meaning}, [])
        with pytest.raises(UsageError, match=f"^--{option.name} needs a value: --{option.name} "):
            parse_arguments(command, [f"--{option.name}"])
        if wrong is not None:
            with pytest.raises(UsageError, match=f"^--{option.name}: '{wrong}' "):
                parse_arguments(command, [f"--{option.name}={wrong}"])


def test_the_last_one_counts() -> None:
    """So that a wrapper's own options can be overridden behind them."""
    assert parse_arguments("run", ["--workers=3", "--workers", "keep", "x"]) == ({"workers": "keep"}, ["x"])


@pytest.mark.parametrize("option", FLAGS, ids=name_of)
def test_a_flag_takes_no_value(option: Option) -> None:
    """`--x`, and its short form where it has one; the next word is not its value."""
    for command in option.commands:
        for word in (f"--{option.name}", *([f"-{option.short}"] if option.short else [])):
            assert parse_arguments(command, [word, "on"]) == ({option.name: True}, ["on"])
            with pytest.raises(UsageError, match=f"^{word} takes no value$"):
                parse_arguments(command, [f"{word}=on"])


@pytest.mark.parametrize("option", WITH_VARIABLE, ids=name_of)
def test_a_variable_says_the_same_as_the_option(option: Option) -> None:
    """`CGTUNE_X=v` is `--x v`; a flag given beside it wins, an empty variable is none."""
    word, meaning, wrong = KINDS[option.kind]
    field = option.name.replace("-", "_")
    assert option.variable == f"CGTUNE_{field.upper()}"
    assert getattr(make_config("run", {}, {option.variable: word}), field) == meaning
    assert make_config("run", {}, {option.variable: ""}) == make_config("run", {}, {})
    by_flag = make_config("run", {option.name: "by flag"}, {option.variable: word})
    assert getattr(by_flag, field) == "by flag"
    dropped = make_config("run", {}, {option.variable: wrong or ""})
    assert getattr(dropped, field) == getattr(make_config("run", {}, {}), field)
    assert [warning.split(":")[0] for warning in dropped.warnings] == [option.variable]


@pytest.mark.parametrize("option", OPTIONS, ids=name_of)
def test_an_option_is_refused_where_it_does_not_belong(option: Option) -> None:
    """A command knows its own options only."""
    for command in {"run", "inspect"} - set(option.commands):
        with pytest.raises(UsageError, match=f"^no such option --{option.name}"):
            parse_arguments(command, [f"--{option.name}"])


@pytest.mark.parametrize("option", OPTIONS, ids=name_of)
def test_the_table_keeps_its_promises(option: Option) -> None:
    """Names that no service link can make, none in the plan's own namespace, and a help that fits the terminal."""
    assert not option.name.startswith("plan")
    assert not option.name.endswith(("port", "service-host", "-tcp", "-addr", "-proto"))
    assert option.kind in KINDS
    assert bool(option.metavar) is (option.kind != "flag")
    assert option.commands
    assert len(option.help) <= 80
    assert option.help.endswith(".")


def test_names_and_short_forms_are_unique() -> None:
    """No two options answer to one word."""
    words = [f"--{option.name}" for option in OPTIONS] + [f"-{option.short}" for option in OPTIONS if option.short]
    assert len(words) == len(set(words))


ENDS = {
    "a word": (["gunicorn", "--workers", "9"], {}, ["gunicorn", "--workers", "9"]),
    "two dashes": (["--", "--exec"], {}, ["--exec"]),
    "options, then a word": (["--exec", "sh", "-c", "x"], {"exec": True}, ["sh", "-c", "x"]),
    "only the first two dashes": (["--exec", "--", "--", "x"], {"exec": True}, ["--", "x"]),
    "one dash": (["-"], {}, ["-"]),
    "an empty word": ([""], {}, [""]),
    "nothing": ([], {}, []),
    "two dashes and nothing": (["--"], {}, []),
    "a value like the end": (["--workers", "3", "--"], {"workers": 3}, []),
}


@pytest.mark.parametrize("case", ENDS)
def test_options_end_at_the_first_word_that_is_none(case: str) -> None:
    """What follows is the program's, untouched."""
    words, values, rest = ENDS[case]
    assert parse_arguments("run", words) == (values, rest)


@given(st.lists(st.text(max_size=6), max_size=6), st.sampled_from(["run", "inspect"]))
def test_any_words_give_values_or_a_usage_error(words: list[str], command: str) -> None:
    """Nothing else escapes, and the rest is always the end of what was given."""
    try:
        values, rest = parse_arguments(command, words)
    except UsageError:
        return
    assert rest == words[len(words) - len(rest) :]
    assert not values or words[0].startswith("-")


@given(st.text(max_size=12), st.sampled_from(OPTIONS))
def test_any_value_is_parsed_or_a_usage_error(text: str, option: Option) -> None:
    """No text gets past its kind, and the error names how it was given."""
    try:
        value = parse_value(option, text, "HERE")
    except UsageError:
        with pytest.raises(UsageError, match=r"^HERE: "):
            parse_value(option, text, "HERE")
        return
    kinds = {"cores": float, "bytes": int, "workers": (int, str), "flag": bool, "text": str}
    assert isinstance(value, kinds[option.kind])  # type: ignore[arg-type]  # mypy joins the values to object
    if option.kind in ("cores", "bytes"):
        assert 0 < value < sys.maxsize  # type: ignore[operator]


@pytest.mark.parametrize("text", ["1", "8", "10000"])
def test_workers_are_a_plain_number(text: str) -> None:
    """From 1 to 10000."""
    assert parse_arguments("run", ["--workers", text])[0] == {"workers": int(text)}


@pytest.mark.parametrize("text", ["0", "-1", "10001", "1" * 40, "2.5", "+3", "1_0", "٣", "²", " 3", "Auto", ""])
def test_other_writings_of_workers_are_refused(text: str) -> None:
    """Zero, signs, fractions, other scripts' digits, and numbers no machine could want."""
    with pytest.raises(UsageError, match="is not auto, keep or a number from 1 to 10000"):
        parse_arguments("run", [f"--workers={text}"])


@pytest.mark.parametrize("command", ["run", "inspect"])
def test_help_lists_each_option_of_the_command_and_no_other(command: str) -> None:
    """Made from the table, at most 100 columns wide, wherever it is asked for among the options."""
    done = call(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for option in OPTIONS:
        assert (f"--{option.name}" in done.stdout.split("Each but")[0]) is (command in option.commands), option.name
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    assert call(command, "--cpu-limit", "2", "-h").stdout == done.stdout
