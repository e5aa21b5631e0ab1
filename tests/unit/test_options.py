"""The one table of options: each in all its ways of writing, and what the short parser does with words."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune import injection_plan
from cgtune.arguments import parse_arguments, parse_value
from cgtune.cli.help import format_help
from cgtune.config import make_config
from cgtune.errors import UsageError
from cgtune.files import NoFiles
from cgtune.options import COMMAND_LINE_ONLY, COMMANDS, NAMES_OF_SETTINGS, OPTIONS, Option
from cgtune.runtimes import cpython, glibc, native, recognise
from cgtune.targets import parse_target
from cgtune.templates import parse_template
from tests.unit.command import call

# A word for each kind of value, what it means, and a word that is wrong.
KINDS: dict[str, tuple[str, object, str | None]] = {
    "cores": ("500m", 0.5, "fast"),
    "bytes": ("512Mi", 512 << 20, "512m"),
    "share": ("40%", 0.4, "140%"),
    "count": ("3", 3, "0"),
    "seconds": ("10", 10.0, "0"),
    "delay": ("2.5", 2.5, "-1"),
    "signal": ("SIGTERM", 15, "TERMINATE"),
    "rewrite": ("TERM=none", (15, 0), "TERM"),
    "target": ("file:/run/ready", parse_target("file:/run/ready"), "/run/ready"),
    "exit-code": ("143=0", (143, 0), "143=256"),
    "flag": ("on", True, "perhaps"),
    "name": ("OMP_NUM_THREADS", "OMP_NUM_THREADS", "OMP_THREADS"),
    "assignment": ("POOL={workers * 4}", ("POOL", parse_template("{workers * 4}")), "POOL={workers *}"),
    "text": ("/some/where", "/some/where", None),
    "path": ("/some/where", "/some/where", None),
}
WITH_VALUE = [option for option in OPTIONS if option.kind != "flag"]
FLAGS = [option for option in OPTIONS if option.kind == "flag"]
WITH_VARIABLE = [option for option in OPTIONS if option.name not in COMMAND_LINE_ONLY]


def name_of(option: Option) -> str:
    """For the names of parametrised tests."""
    return option.name


def repr_start(text: str) -> str:
    """The same for values."""
    return repr(text[:10])


def sample(option: Option) -> tuple[str, object, str | None]:
    """A word for an option, what it means to it, and a word that is wrong."""
    if option.kind == "choice":
        return option.choices[-1], option.choices[-1], "nothing"
    word, meaning, wrong = KINDS[option.kind]
    return word, (meaning,) if option.is_repeatable else meaning, wrong


@pytest.mark.parametrize("option", WITH_VALUE, ids=name_of)
def test_a_value_follows_as_a_word_or_after_an_equals_sign(option: Option) -> None:
    """`--x v` and `--x=v` say the same, for each of the option's commands."""
    word, meaning, wrong = sample(option)
    for command in option.commands:
        for words in ([f"--{option.name}", word], [f"--{option.name}={word}"]):
            assert parse_arguments(command, words) == ({option.name: meaning}, [])
        with pytest.raises(UsageError, match=f"^--{option.name} needs a value: --{option.name} "):
            parse_arguments(command, [f"--{option.name}"])
        if wrong is not None:
            with pytest.raises(UsageError, match=f"^--{option.name}: "):
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
    word, meaning, wrong = sample(option)
    said = make_config("run", {}, {option.variable: word})
    assert option.variable == f"CGTUNE_{option.field.upper()}"
    assert (getattr(said, option.field), said.warnings) == (meaning, ())
    assert make_config("run", {}, {option.variable: ""}) == make_config("run", {}, {})
    if wrong is not None:
        dropped = make_config("run", {}, {option.variable: wrong})
        assert getattr(dropped, option.field) == getattr(make_config("run", {}, {}), option.field)
        assert [warning.split(":")[0] for warning in dropped.warnings] == [option.variable]


@pytest.mark.parametrize("option", OPTIONS, ids=name_of)
def test_an_option_is_refused_where_it_does_not_belong(option: Option) -> None:
    """A command knows its own options only."""
    for command in set(COMMANDS) - set(option.commands):
        with pytest.raises(UsageError, match=f"^no such option --{option.name}"):
            parse_arguments(command, [f"--{option.name}"])


@pytest.mark.parametrize("option", OPTIONS, ids=name_of)
def test_the_table_keeps_its_promises(option: Option) -> None:
    """Names that no service link can make, none in the plan's own namespace, and a help of at most two lines."""
    assert not option.name.startswith("plan")
    assert not option.name.endswith(("port", "service-host", "-tcp", "-addr", "-proto"))
    assert option.kind in KINDS or option.kind == "choice"
    assert bool(option.metavar) is (option.kind != "flag")
    assert bool(option.choices) is (option.kind in ("choice", "name")) or option.kind == "count"
    assert bool(option.largest) is (option.kind == "count")
    assert option.commands
    assert set(option.commands) <= set(COMMANDS)
    assert len(option.help) <= 80
    assert option.help.endswith(".")


@pytest.mark.parametrize("option", WITH_VARIABLE, ids=name_of)
def test_run_knows_whatever_a_variable_or_a_file_can_say(option: Option) -> None:
    """So that one file can serve all commands, and what `run` would make of it can be asked of `plan`."""
    assert "run" in option.commands
    assert option.name in ("exec", "quiet") or "plan" in option.commands


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


@given(st.lists(st.text(max_size=6), max_size=6), st.sampled_from(COMMANDS))
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
    kinds = {
        **dict.fromkeys(["cores", "share", "seconds"], float),
        "bytes": int,
        "count": (int, str),
        "flag": bool,
        "assignment": tuple,
    }
    assert isinstance(value, kinds.get(option.kind, str))  # type: ignore[arg-type]  # mypy joins the values to object
    if isinstance(value, (int, float)) and option.kind != "flag":
        assert 0 < value < sys.maxsize


@pytest.mark.parametrize("text", ["1", "8", "10000"])
def test_workers_are_a_plain_number(text: str) -> None:
    """From 1 to 10000."""
    assert parse_arguments("run", ["--workers", text])[0] == {"workers": int(text)}


@pytest.mark.parametrize("text", ["0", "-1", "10001", "1" * 40, "2.5", "+3", "1_0", "٣", "²", " 3", "Auto", ""])
def test_other_writings_of_workers_are_refused(text: str) -> None:
    """Zero, signs, fractions, other scripts' digits, and numbers no machine could want."""
    with pytest.raises(UsageError, match="is not auto, keep or a number from 1 to 10000"):
        parse_arguments("run", [f"--workers={text}"])


LARGEST = {option.name: option for option in OPTIONS if option.largest}


@pytest.mark.parametrize("name", LARGEST)
def test_counts_have_their_own_bounds(name: str) -> None:
    """Threads up to 1000, workers up to 10000; "auto" and "keep" where they mean something."""
    option = LARGEST[name]
    largest = option.largest
    assert parse_arguments("run", [f"--{name}={largest}"])[0] == {name: largest}
    for text in (str(largest + 1), "10" * 15, "-1", "nan", "1e3", *({"auto", "keep"} - set(option.choices))):
        with pytest.raises(UsageError, match=rf"^--{name}: '.*' is not .*a number from 1 to {largest}$"):
            parse_arguments("run", [f"--{name}={text}"])
    for word in option.choices:
        assert parse_arguments("run", [f"--{name}={word}"])[0] == {name: word}
    assert {name: one.largest for name, one in LARGEST.items()} == {
        "workers": 10_000,
        "threads": 1000,
        "max-workers": 10_000,
    }


SHARES = {"1": 1.0, "100%": 1.0, "0.4": 0.4, ".5": 0.5, "40%": 0.4, "2.5%": 0.025, "0.001%": 0.00001, " 50% ": 0.5}


@pytest.mark.parametrize("text", SHARES)
def test_a_share_is_a_part_of_the_whole(text: str) -> None:
    """More than nothing, at most all."""
    assert parse_arguments("run", [f"--cpu-share={text}"])[0]["cpu-share"] == pytest.approx(SHARES[text])


@pytest.mark.parametrize(
    "text",
    ["0", "0%", "-1", "-0.5", "1.1", "101%", "40", "nan", "inf", "1e-1", "1_0%", "%", "", "%40", "40%%", ".", "٤%"],
)
def test_other_writings_of_a_share_are_refused(text: str) -> None:
    """Nothing, more than all, and what is no plain number."""
    with pytest.raises(
        UsageError, match=r"^--memory-share: .* (for a share: more than 0|is no share; write it like)"
    ):
        parse_arguments("run", [f"--memory-share={text}"])


@pytest.mark.parametrize("text", ["0", "0.5", "3601", "nan", "-1", "1m", "", "1e2"])
def test_seconds_are_from_one_to_an_hour(text: str) -> None:
    """Nobody waits longer for a measurement."""
    assert parse_arguments("measure", ["--seconds", "2.5"])[0] == {"seconds": 2.5}
    with pytest.raises(UsageError, match="is not a number of seconds from 1 to 3600"):
        parse_arguments("measure", [f"--seconds={text}"])


def test_a_choice_is_one_of_its_words() -> None:
    """The line names them all."""
    with pytest.raises(UsageError, match=r"^--cpu-from: 'Limit' is not limit or request$"):
        parse_arguments("run", ["--cpu-from=Limit"])
    with pytest.raises(UsageError, match=r"is not sync-web, async-web, queue-cpu, queue-io, batch or data$"):
        parse_arguments("run", ["--kind="])


def test_a_repeatable_option_collects() -> None:
    """In order; names also with commas between them, while a comma in an assignment is its value's."""
    words = [
        "--disable",
        "gc",
        "--env=A=1,2",
        "--disable=os.cpu_count, OMP_NUM_THREADS,",
        "--env",
        "B={min(1, 2)}",
        "x",
    ]
    values, rest = parse_arguments("run", words)
    assert values["disable"] == ("gc", "os.cpu_count", "OMP_NUM_THREADS")
    assert values["env"] == (("A", parse_template("1,2")), ("B", parse_template("{min(1, 2)}")))
    assert rest == ["x"]
    with pytest.raises(UsageError, match=r"^--disable: '' is no setting, nor a group of them; see cgtune plan$"):
        parse_arguments("run", ["--disable="])


@pytest.mark.parametrize(
    ("word", "meant"),
    [("omp_num_threads", "OMP_NUM_THREADS"), ("Native", "native"), ("gc.frozen", "gc.freeze"), ("nosuch", None)],
)
def test_a_setting_that_no_plan_holds_cannot_be_disabled(word: str, meant: str | None) -> None:
    """A typo would be silently nothing. As a flag it is an error, elsewhere a warning."""
    hint = "; see cgtune plan" if meant is None else f" (did you mean {meant}?)"
    problem = f"{word!r} is no setting, nor a group of them{hint}"
    with pytest.raises(UsageError) as caught:
        parse_arguments("run", ["--disable", f"malloc,{word}"])
    assert str(caught.value) == f"--disable: {problem}"
    config = make_config("run", {}, {"CGTUNE_DISABLE": f"malloc,{word}"})
    assert (config.disable, config.warnings) == (("malloc",), (f"CGTUNE_DISABLE: {problem}",))


def test_what_can_be_disabled_is_what_a_plan_may_hold() -> None:
    """The list is held up to date: each variable that is set, each slot of a server, each word of the injection."""
    held = {*native.VARIABLES, *glibc.VARIABLES, *cpython.VARIABLES, *cpython.COLLECTOR, *injection_plan.WORDS}
    for line in ("gunicorn a", "uvicorn a", "celery worker", "uwsgi -M", "granian a", "granian --interface wsgi a"):
        held |= slots_of(line)
    for line in ("dramatiq a", "hypercorn a", "rq worker-pool"):
        held |= slots_of(line)
    assert set(NAMES_OF_SETTINGS) == held | {"CELERY_WORKER_CONCURRENCY"}


def slots_of(line: str) -> set[str]:
    """Where a server takes numbers from."""
    command = recognise(tuple(line.split()), {}, NoFiles())
    return {slot.name for slot in (command.workers_slot, command.threads_slot) if slot is not None}


ASSIGNMENTS = {
    "POOL": "'POOL' is not NAME=TEMPLATE",
    "": "'' is not NAME=TEMPLATE",
    "=4": "'' is no name of a variable",
    "4U=4": "'4U' is no name of a variable",
    "A-B=4": "'A-B' is no name of a variable",
    "Ä=4": "'Ä' is no name of a variable",
    "CGTUNE_WORKERS=4": "CGTUNE_WORKERS: cgtune's own variables are not set this way",
    "CGTUNE=off": "CGTUNE: cgtune's own variables are not set this way",
    "A=b\nc": "A: a value is one line",
    "A=b\0c": "A: a value is one line",
    "POOL={workers * }": "POOL: at character 12: unexpected '}'",
    "POOL={wrkers}": "POOL: at character 2: no such name: wrkers (did you mean workers?)",
    "x" * 5000: f"'{'x' * 100}' is not NAME=TEMPLATE",
    "A=" + "x" * 5000: "A: at character 1001: longer than 1000 characters",
}


@pytest.mark.parametrize("text", ASSIGNMENTS, ids=lambda text: repr(text[:20]))
def test_a_wrong_assignment_is_one_clear_line(text: str) -> None:
    """Names as shells have them, none of our own, and where a template is wrong."""
    with pytest.raises(UsageError) as caught:
        parse_arguments("run", [f"--env={text}"])
    assert str(caught.value) == f"--env: {ASSIGNMENTS[text]}"


@pytest.mark.parametrize("option", WITH_VALUE, ids=name_of)
@pytest.mark.parametrize(
    "text", ["-1", "nan", "inf", "1" + "0" * 30, "1e999", "x" * 10_000, "\0", "\n"], ids=repr_start
)
def test_a_value_out_of_all_bounds_is_one_clear_line(option: Option, text: str) -> None:
    """Which names the option and does not repeat a text of any length."""
    try:
        parse_value(option, text, f"--{option.name}")
    except UsageError as error:
        line = str(error)
    else:
        # Paths and names may be anything that long.
        assert option.kind in ("text", "path", "name")
        return
    assert line.startswith(f"--{option.name}: ")
    assert len(line) < 200


@pytest.mark.parametrize("command", COMMANDS)
def test_help_lists_each_option_of_the_command_and_no_other(command: str) -> None:
    """Made from the table, at most 80 columns wide, on one screen."""
    text = format_help(command)
    words = text.replace(",", " ").replace(".", " ").split()
    for option in OPTIONS:
        assert (f"--{option.name}" in words) is (command in option.commands or option.name == "cpu-limit"), (
            option.name
        )
    assert all(len(line) <= 80 for line in text.splitlines())
    assert text.count("\n") <= 60
    assert text.startswith(f"usage: cgtune {command} [OPTIONS]")


@pytest.mark.parametrize("command", ["run", "inspect"])
def test_help_is_given_wherever_it_is_asked_for(command: str) -> None:
    """Among other options, and in its short form."""
    done = call(command, "--help")
    assert (done.returncode, done.stdout, done.stderr) == (0, format_help(command), "")
    assert call(command, "--cpu-limit", "2", "-h").stdout == done.stdout


def test_run_fits_one_screen() -> None:
    """With all its options, in 54 lines."""
    assert 24 <= format_help("run").count("\n") <= 54
