"""An option's value is found where the program's own parser finds it: compared with argparse, click and getopt."""

from __future__ import annotations

import argparse
import getopt
import shlex
from itertools import pairwise
from typing import NoReturn

import click
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cgtune.words import (
    ValueOption,
    base_name,
    find_value,
    find_values,
    has_flag,
    join_path,
    parse_count,
    skip_options,
    split_words,
)

WORKERS = ValueOption(long="--workers", letter="w", flags="DR")
THREADS = ValueOption(long="--threads", shortest="--th")


class Parser(argparse.ArgumentParser):
    """gunicorn's options, as far as they matter here; a fault is an exception."""

    def __init__(self) -> None:
        super().__init__(prog="x", add_help=False)
        self.add_argument("-w", "--workers")
        self.add_argument("-t", "--timeout")
        self.add_argument("-D", "--daemon", action="store_true")
        self.add_argument("-R", "--reload", action="store_true")
        self.add_argument("--threads")
        self.add_argument("--worker-class")
        self.add_argument("args", nargs="*")

    def error(self, message: str) -> NoReturn:
        """Instead of ending the process."""
        raise ValueError(message)


PARSER = Parser()
WORDS = st.lists(
    st.sampled_from(
        [
            *("-w", "-w4", "-w=4", "-Dw4", "-DRw", "-Dt4", "-Dtw4", "-R", "--workers", "--workers=4", "--worker"),
            *("--work=4", "--wor", "--workers-x", "--worker-class", "--worker-cl=w", "--threads", "--th=8", "--thr"),
            *("--t", "-t", "-t4", "4", "-4", "", "app", "--workers=", "-w=", "w4", "--daemon", "--reload"),
        ]
    ),
    max_size=5,
)


@given(WORDS)
def test_it_finds_what_argparse_finds(words: list[str]) -> None:
    """Abbreviated, joined, behind other letters, repeated; nothing more and nothing less."""
    try:
        found = PARSER.parse_known_args(words)[0]
    except ValueError:
        # Such a program does not start.
        return
    assert (find_value(words, WORKERS), find_value(words, THREADS)) == (found.workers, found.threads)


@click.command()
@click.option("--workers")
@click.option("-c", "--concurrency")
@click.option("-P", "--pool")
@click.option("-E", "--events", is_flag=True)
@click.argument("args", nargs=-1)
def program(workers: str | None, concurrency: str | None, pool: str | None, events: bool, args: tuple[str]) -> None:
    """Options as uvicorn and Celery have them."""


CLICK_WORDS = st.lists(
    st.sampled_from(
        [
            *(
                "-c",
                "-c4",
                "-Ec4",
                "-Ec",
                "-E",
                "-P",
                "-Pc4",
                "-Psolo",
                "--workers",
                "--workers=4",
                "--worker",
                "--wor=4",
            ),
            *(
                "--concurrency=4",
                "--concurrency",
                "--conc",
                "4",
                "app",
                "--events",
                "",
                "--workers=",
                "c4",
                "--",
                "--pool",
            ),
        ]
    ),
    max_size=5,
)


@given(CLICK_WORDS)
def test_it_finds_what_click_finds(words: list[str]) -> None:
    """No abbreviations there. A value that looks like an option is left out: nobody writes that."""
    takers = ("-c", "-Ec", "-P", "--workers", "--concurrency", "--pool")
    assume(not any(one in takers and other[:1] == "-" for one, other in pairwise(words)))
    try:
        context = program.make_context("x", list(words))
    except click.ClickException:
        return
    concurrency = ValueOption(long="--concurrency", letter="c", flags="E")
    assert find_value(words, concurrency) == context.params["concurrency"]
    assert find_value(words, ValueOption(long="--workers")) == context.params["workers"]


GETOPT_WORDS = st.lists(
    st.sampled_from(
        ["-p", "-p4", "-Mp4", "-MTp", "-M", "-T", "--processes", "--processes=4", "--proce", "--proce=4", "4"]
    ),
    max_size=5,
)


@given(GETOPT_WORDS)
def test_it_finds_what_getopt_finds(words: list[str]) -> None:
    """As uWSGI reads its words, each option in its place."""
    longs = ["processes=", "procname=", "workers="]
    takers = ("-p", "-MTp", "--processes", "--proce")
    assume(not any(one in takers and other[:1] == "-" for one, other in pairwise(words)))
    try:
        found = getopt.gnu_getopt(words, "p:MT", longs)[0]
    except getopt.GetoptError:
        return
    option = ValueOption(long="--processes", letter="p", shortest="--proce", flags="MT")
    values = [value for name, value in found if name in ("-p", "--processes")]
    assert [value for _, value in find_values(words, option)] == values


def test_each_value_has_its_place() -> None:
    """That of the option, not of the value: what stands in between may be a settings file."""
    words = ("-w", "1", "x", "-w2", "--workers=3", "--", "-w", "4")
    assert find_values(words, WORKERS) == [(0, "1"), (3, "2"), (4, "3")]
    assert find_values((), WORKERS) == []
    assert find_values(("-w",), WORKERS) == []


@pytest.mark.parametrize(
    ("line", "has"),
    [
        ("--preload", True),
        ("app --preload", True),
        ("--pre", True),
        ("--pr", False),
        ("--preloads", False),
        ("--preload=1", False),
        ("-- --preload", False),
        ("", False),
        ("--", False),
    ],
)
def test_a_flag_is_given_or_not(line: str, has: bool) -> None:
    """Abbreviated down to the shortest, and not behind `--`."""
    assert has_flag(line.split(), "--preload", "--pre") is has
    assert has_flag(["--pre"], "--preload") is False


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("run x", "run x"),
        ("-a x", "x"),
        ("-n x y", "y"),
        ("-nx y", "y"),
        ("-an x y", "y"),
        ("-nan x y", "x y"),
        ("--name x y", "y"),
        ("--name=x y", "y"),
        ("--other x y", "x y"),
        ("-- -a x", "-a x"),
        ("- x", "- x"),
        ("-n", ""),
        ("--name", ""),
        ("-a -- --", "--"),
    ],
)
def test_options_are_skipped_with_their_values(line: str, rest: str) -> None:
    """Up to the first word that is neither."""
    words = line.split()
    assert " ".join(words[skip_options(words, 0, "n", ("--name",)) :]) == rest


def test_all_long_options_may_have_a_value() -> None:
    """Where their names are not known, but that."""
    words = ["--any", "x", "--other=y", "z"]
    assert skip_options(words, 0, "", None) == 3
    assert skip_options(words, 0, "", ()) == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4", 4),
        (" 4 ", 4),
        ("+4", 4),
        ("0", 0),
        ("999999", 999_999),
        ("1000000", None),
        ("-1", None),
        ("4.0", None),
        ("4,2", None),
        ("0x4", None),
        ("", None),
        (None, None),
        ("$N", None),
        ("…", None),
        ("²", None),
        ("9" * 5000, None),
        ("\0", None),
    ],
)
def test_a_count_is_a_plausible_number(text: str | None, count: int | None) -> None:
    """As Python's int() takes it, and none that nobody can mean."""
    assert parse_count(text) == count


@given(st.text(st.sampled_from("ab -w4='\"\\\n\t"), max_size=12))
def test_words_are_split_as_shlex_splits_them(text: str) -> None:
    """Also without importing it; where it refuses, at the spaces."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    assert split_words(text) == words


@given(st.lists(st.text(max_size=4), max_size=5), st.text(max_size=4), st.text(max_size=2))
def test_any_words_have_values_or_none(words: list[str], text: str, letters: str) -> None:
    """Nothing raises, and places are inside."""
    assert all(0 <= place < len(words) for place, _ in find_values(words, WORKERS))
    assert 0 <= skip_options(words, 0, letters, (text,)) <= len(words)
    count = parse_count(text)
    assert count is None or count == int(text)


@pytest.mark.parametrize(("word", "name"), [("a", "a"), ("/a/b", "b"), ("./b", "b"), ("/", ""), ("", ""), ("a/", "")])
def test_a_base_name_is_the_last_part(word: str, name: str) -> None:
    """Empty for a folder."""
    assert base_name(word) == name


@pytest.mark.parametrize(
    ("folder", "path", "joined"),
    [
        ("", "a", "a"),
        ("", "/a", "/a"),
        ("/srv", "a", "/srv/a"),
        ("/srv", "/a", "/a"),
        ("srv", "a", "srv/a"),
        (None, "a", None),
        (None, "/a", "/a"),
    ],
)
def test_a_path_is_seen_from_a_folder(folder: str | None, path: str, joined: str | None) -> None:
    """A full one from anywhere; another from nowhere, where the folder is not known."""
    assert join_path(folder, path) == joined
