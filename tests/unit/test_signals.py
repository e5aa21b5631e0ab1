"""Signals by name and number."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.signals import name_of, number_of

GOOD = {
    "TERM": signal.SIGTERM,
    "SIGTERM": signal.SIGTERM,
    " sigterm ": signal.SIGTERM,
    "15": signal.SIGTERM,
    "CLD": signal.SIGCHLD,
    "IOT": signal.SIGABRT,
    "RTMIN": signal.SIGRTMIN,
    "RTMIN+0": signal.SIGRTMIN,
    "SIGRTMIN+3": signal.SIGRTMIN + 3,
    "rtmax-1": signal.SIGRTMAX - 1,
    "RTMAX": signal.SIGRTMAX,
    "64": 64,
    "33": 33,
}
BAD = (
    *("", " ", "0", "65", "-1", "+3", "1.5", "015", "٣", "TERMINATE", "SIG", "SIGSIG", "_DFL", "SIG_DFL", "SIG_IGN"),
    *("RTMIN+", "RTMIN-1", "RTMAX+1", "RTMIN+99", "RTMIN+-1", "RTMIN++1", "TERM+1", "TERM-0", "none", "SIGTERM\0"),
)


@pytest.mark.parametrize("text", GOOD)
def test_a_signal_is_known_by_each_of_its_names(text: str) -> None:
    """As kill(1), Docker and systemd write them."""
    assert number_of(text) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_refused(text: str) -> None:
    """And repeated, with what would be right."""
    with pytest.raises(ValueError, match=r"is no signal; write it like TERM, RTMIN\+3 or 15$"):
        number_of(text)


@given(st.text(max_size=12))
def test_a_text_is_a_signal_that_exists_or_refused(text: str) -> None:
    """Never anything else."""
    try:
        assert 1 <= number_of(text) <= 64
    except ValueError:
        pass


@pytest.mark.parametrize("number", sorted(signal.valid_signals()))
def test_a_name_leads_back_to_its_signal(number: int) -> None:
    """Of all that can be sent; Python 3.10 has no name for SIGSTKFLT."""
    assert number_of(name_of(number).removeprefix("signal ")) == number


def test_of_two_names_the_usual_one_is_shown() -> None:
    """And a number where there is none."""
    assert [name_of(number) for number in (6, 17, 29, 33)] == ["SIGABRT", "SIGCHLD", "SIGIO", "signal 33"]
