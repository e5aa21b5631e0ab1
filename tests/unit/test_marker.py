"""The marker: what a cgtune has set can be told from what the user has, and taken away again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.marker import make, parse, strip

# Text as it may stand in an environment: also bytes that are no UTF-8, as Python has them.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | st.binary(
    max_size=6
).map(lambda data: data.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0="), min_size=1, max_size=6).filter(
    lambda name: name != "CGTUNE_INJECT" and not name.startswith("CGTUNE_PLAN")
)
ENTRIES = st.dictionaries(NAME, st.tuples(TEXT, st.none() | TEXT), max_size=4)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (("A", "2", None), "A=2"),
        (("A", "", None), "A="),
        (("A", "2", ""), "A=2&"),
        (("PYTHONPATH", "/x:/srv", "/srv"), "PYTHONPATH=/x:/srv&/srv"),
        (("A", "a b", None), "A=a%20b"),
        (("A", "a&b=c", "%"), "A=a%26b%3Dc&%25"),
        (("A", "ä", None), "A=%C3%A4"),
        (("A", "\udcff", None), "A=%FF"),
    ],
)
def test_an_entry_is_one_word(entry: tuple[str, str, str | None], text: str) -> None:
    """Plain values stay readable; all else is written as in a URL."""
    assert make([entry]) == text
    assert parse(text) == [entry]


@given(ENTRIES)
def test_what_is_made_is_read_again(entries: dict[str, tuple[str, str | None]]) -> None:
    """Any name, value and what stood before, and the marker is one that any shell can carry."""
    listed = [(name, value, previous) for name, (value, previous) in entries.items()]
    text = make(listed)
    assert parse(text) == listed
    assert text.isascii()
    assert text == "" or text.isprintable()


@pytest.mark.parametrize("text", ["", " ", "A", "=", "=2", "A2 B", "&", " = & "])
def test_what_is_malformed_is_passed_over(text: str) -> None:
    """It is an environment variable: anybody may have written it."""
    assert parse(text) == []


@pytest.mark.parametrize(("text", "value"), [("A=%", "%"), ("A=%2", "\x02"), ("A=%zz", "%zz"), ("A=%%41", "%A")])
def test_a_broken_escape_is_some_text(text: str, value: str) -> None:
    """And never a fault."""
    assert parse(text) == [("A", value, None)]


@given(st.text(max_size=30) | st.text("A=&% 2f", max_size=30))
def test_any_text_is_some_marker(text: str) -> None:
    """Nothing raises, and what was there and is not named stays."""
    environment = {"CGTUNE_PLAN": text, "ä": "1"}
    assert all(name and isinstance(value, str) for name, value, _ in parse(text))
    stripped = strip(environment)
    assert stripped in ({"ä": "1"}, {})


@given(ENTRIES, st.dictionaries(NAME, TEXT, max_size=3))
def test_what_was_set_is_taken_away(entries: dict[str, tuple[str, str | None]], others: dict[str, str]) -> None:
    """And what stood before comes back; the user's others stay."""
    theirs = {name: value for name, value in others.items() if name not in entries}
    before = theirs | {name: previous for name, (_, previous) in entries.items() if previous is not None}
    after = before | {name: value for name, (value, _) in entries.items()}
    listed = [(name, value, previous) for name, (value, previous) in entries.items()]
    told = {"CGTUNE_PLAN": make(listed), "CGTUNE_PLAN_CPUS": "2", "CGTUNE_PLAN_NEW": "", "CGTUNE_INJECT": "gc=1"}
    assert strip(after | told) == before
    assert strip(before) == before


def test_what_a_script_changed_in_between_is_the_scripts() -> None:
    """Only what still stands as it was set is ours; what was taken away stays away."""
    environment = {"CGTUNE_PLAN": "A=1 B=2 C=/x:/srv&/srv D=4", "A": "1", "B": "3", "C": "/new"}
    assert strip(environment) == {"B": "3", "C": "/new"}


def test_the_environment_given_stays_as_it_was() -> None:
    """A new one is made."""
    environment = {"CGTUNE_PLAN": "A=1", "A": "1"}
    strip(environment)
    assert environment == {"CGTUNE_PLAN": "A=1", "A": "1"}
