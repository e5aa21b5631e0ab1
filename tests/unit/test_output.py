"""What cgtune prints: one line each, nothing a terminal would obey, at most 80 columns in a table."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.cli.output import printable, say, write
from cgtune.errors import CgtuneError

SHOWN = {
    "plain text": "plain text",
    "ümläut 日本 €": "ümläut 日本 €",
    "ü\nb\r\n": "ü\\nb\\r\\n",
    "\x1b[31mred\x1b[0m": "\\x1b[31mred\\x1b[0m",
    "\0\x07\x7f": "\\x00\\x07\\x7f",
    "\udcff\udc80": "\\xff\\x80",
    "\ud800": "\\ud800",
    "a\u202eb\u2028c": "a\\u202eb\\u2028c",
    "\x9b31m": "\\x9b31m",
    "": "",
}


@pytest.mark.parametrize("text", SHOWN)
def test_what_a_terminal_would_obey_is_shown_instead(text: str) -> None:
    """Control characters, directions, line ends; a byte that is no text as the byte it was."""
    assert printable(text) == SHOWN[text]


@given(st.text(st.integers(min_value=0, max_value=0x10FFFF).map(chr)))
def test_any_text_becomes_one_printable_line(text: str) -> None:
    """Which is also valid UTF-8, and shown once more stays the same."""
    shown = printable(text)
    assert shown.isprintable()
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert printable(shown) == shown


def test_say_writes_one_line_for_each_text(capfd: pytest.CaptureFixture[str]) -> None:
    """On stderr, with our name before it."""
    say("one", "two\nthree")
    say()
    assert capfd.readouterr() == ("", "cgtune: one\ncgtune: two\\nthree\n")


def test_say_cuts_a_line_that_is_far_too_long(capfd: pytest.CaptureFixture[str]) -> None:
    """A log is no place for a megabyte of somebody's argument."""
    say("x" * 1_000_000)
    assert len(capfd.readouterr().err) < 1100


def test_say_writes_all_of_many_lines(capfd: pytest.CaptureFixture[str]) -> None:
    """More than a pipe takes at once without blocking."""
    say(*(["x" * 90] * 300))
    assert capfd.readouterr().err.count(f"cgtune: {'x' * 90}\n") == 300


def test_write_gives_all_of_it(capfd: pytest.CaptureFixture[str]) -> None:
    """On stdout, as UTF-8; the exit code is 0."""
    text = "ü€\n" * 10_000
    assert write(text) == 0
    assert capfd.readouterr() == (text, "")


def test_write_says_what_went_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    """A closed stdout is an error of one line; the stream is whole again afterwards."""
    kept = os.dup(1)
    os.close(1)
    try:
        with pytest.raises(CgtuneError, match=r"^cannot write to stdout: "):
            write("x")
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    assert write("y") == 0
    assert capfd.readouterr().out == "y"
