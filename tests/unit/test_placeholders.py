"""`$(CGTUNE_PLAN_WORKERS)` in a command line: always filled in, and nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.placeholders import NAMES, expand, is_asking, mask, unmask

VALUES = {"CGTUNE_PLAN_WORKERS": "2", "CGTUNE_PLAN_CPUS": "0.5", "CGTUNE_PLAN_MEMORY_BYTES": "268435456"}

# Word -> what it becomes where the figures are known, and where none is.
WORDS: dict[str, tuple[str, str]] = {
    "$(CGTUNE_PLAN_WORKERS)": ("2", "1"),
    "--workers=$(CGTUNE_PLAN_WORKERS)": ("--workers=2", "--workers=1"),
    "$(CGTUNE_PLAN_WORKERS):$(CGTUNE_PLAN_CPUS)": ("2:0.5", "1:1"),
    "$(CGTUNE_PLAN_WORKERS:-4)": ("2", "4"),
    "$(CGTUNE_PLAN_WORKERS:-)": ("2", "1"),
    "$(CGTUNE_PLAN_WORKERS:-a b)": ("2", "a b"),
    "$(CGTUNE_PLAN_WORKERS:-$(nproc))": ("2", "$(nproc)"),
    "$(CGTUNE_PLAN_WORKERS:-$(CGTUNE_PLAN_CPUS:-3))": ("2", "$(CGTUNE_PLAN_CPUS:-3)"),
    "$(CGTUNE_PLAN_THREADS)": ("1", "1"),
    "$(CGTUNE_PLAN_MEMORY_BYTES)": ("268435456", "1024"),
    "$(CGTUNE_PLAN_MEMORY_BYTES:-9)": ("268435456", "9"),
    "$$(CGTUNE_PLAN_WORKERS)": ("$(CGTUNE_PLAN_WORKERS)",) * 2,
    "a$$(CGTUNE_PLAN_WORKERS)b": ("a$(CGTUNE_PLAN_WORKERS)b",) * 2,
    "$$(CGTUNE_PLAN_OTHER)": ("$(CGTUNE_PLAN_OTHER)",) * 2,
    "$(CGTUNE_PLAN_OTHER)": ("$(CGTUNE_PLAN_OTHER)",) * 2,
    "$(CGTUNE_PLAN_WORKERS": ("$(CGTUNE_PLAN_WORKERS",) * 2,
    "$(CGTUNE_PLAN_)": ("$(CGTUNE_PLAN_)",) * 2,
    "$(CGTUNE_PLAN_WORKERS:4)": ("$(CGTUNE_PLAN_WORKERS:4)",) * 2,
    "$(CGTUNE_PLAN_$(CGTUNE_PLAN_WORKERS))": ("$(CGTUNE_PLAN_2)", "$(CGTUNE_PLAN_1)"),
    "$(cgtune_plan_workers)": ("$(cgtune_plan_workers)",) * 2,
    "$(PATH) $HOME ${A} $(nproc) $$ %": ("$(PATH) $HOME ${A} $(nproc) $$ %",) * 2,
    "$CGTUNE_PLAN_WORKERS": ("$CGTUNE_PLAN_WORKERS",) * 2,
    "$(CGTUNE_PLAN_WORKERS:-" + "4" * 300 + ")": ("$(CGTUNE_PLAN_WORKERS:-" + "4" * 300 + ")",) * 2,
    "": ("", ""),
}


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_filled_in(word: str) -> None:
    """With the figure, else the default given, else 1, for memory the machine's."""
    assert (expand([word], VALUES, 1024), expand([word], {}, 1024)) == ([WORDS[word][0]], [WORDS[word][1]])


def test_without_a_machine_memory_has_a_value_too() -> None:
    """A word that is empty would become another argument."""
    assert expand(["$(CGTUNE_PLAN_MEMORY_BYTES)"], {}, None) == ["1"]


@pytest.mark.parametrize("name", NAMES)
def test_a_mask_is_one_plain_word(name: str) -> None:
    """No number, so that it is read as one which is not known; and it is known what it asks for."""
    (word,) = mask([f"$({name}:-4)"])
    assert not set(word) & set(" $();&|<>`'\"\\")
    assert not word.isdigit()
    assert [other for other in NAMES if is_asking(word, other)] == [name]
    assert is_asking("4", name) is False


LISTS = {
    "$(CGTUNE_PLAN_WORKERS)": True,
    "$(CGTUNE_PLAN_WORKERS:-4)": True,
    "$(CGTUNE_PLAN_WORKERS),1": True,
    "$(CGTUNE_PLAN_WORKERS)0": False,
    "1$(CGTUNE_PLAN_WORKERS)": False,
    "$(CGTUNE_PLAN_THREADS)": False,
    "$$(CGTUNE_PLAN_WORKERS)": False,
}


@pytest.mark.parametrize("text", LISTS)
def test_a_number_is_ours_where_it_stands_alone(text: str) -> None:
    """With a digit beside it, it is another number, which nobody has planned."""
    (word,) = mask([text])
    assert is_asking(word, "CGTUNE_PLAN_WORKERS") is LISTS[text]


@pytest.mark.parametrize("name", NAMES)
def test_a_mask_can_be_taken_off(name: str) -> None:
    """For people, who know what they have written."""
    (word,) = mask([f"a$({name}:-4),$(nproc)"])
    assert unmask(word) == f"a$({name}),$(nproc)"


PIECES = st.sampled_from(
    ["$", "$(", ")", "(", "CGTUNE_PLAN_WORKERS", "$(CGTUNE_PLAN_", ":-", "4", "$(CGTUNE_PLAN_CPUS)"]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=10).map("".join))
def test_any_word_is_one_word(word: str) -> None:
    """Nothing raises; without our opening it stays as it is; a figure never brings a placeholder with it."""
    (filled,) = expand([word], VALUES, 1)
    (masked,) = mask([word])
    if "$(CGTUNE_PLAN_" not in word:
        assert (filled, masked) == (word, word)
    assert len(filled) <= len(word) + word.count("$(CGTUNE_PLAN_") * 10


@given(st.text(max_size=20), st.text(max_size=20))
def test_what_stands_around_stays(before: str, after: str) -> None:
    """To the character; a `$` in front would escape it."""
    if before.endswith("$") or "CGTUNE" in before + after:
        return
    assert expand([f"{before}$(CGTUNE_PLAN_WORKERS){after}"], VALUES, 1) == [f"{before}2{after}"]
