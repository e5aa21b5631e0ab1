"""Templates for the user's own variables: what they mean, where an error points, and that nothing else can happen."""

from __future__ import annotations

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.expressions import FUNCTIONS, NAMES, Unresolved
from cgtune.templates import Template, TemplateError, parse_template

VALUES: dict[str, float | None] = {
    "workers": 3,
    "threads": 4,
    "native_threads": 1,
    "cpus": 1.5,
    "memory_bytes": 512 << 20,
    "memory_mib": 512,
    "worker_memory_bytes": 160 << 20,
    "worker_memory_mib": None,
}


def render(text: str) -> str:
    """What a template says here."""
    return parse_template(text).render(VALUES)


MEANT = {
    "": "",
    "plain text": "plain text",
    "{workers * 4}": "12",
    "{memory_mib // 8}m": "64m",
    "--pool={workers}x{threads}": "--pool=3x4",
    "{{workers}}": "{workers}",
    "{{{workers}}}": "{3}",
    "}}{{": "}{",
    "{{}}": "{}",
    "{ workers\t*\t2 }": "6",
    "{1+2*3}": "7",
    "{(1+2)*3}": "9",
    "{2-3-4}": "-5",
    "{100/10/5}": "2",
    "{100//7%3}": "2",
    "{-7//2}": "-4",
    "{7%-3}": "-2",
    "{--1}": "1",
    "{2*-3}": "-6",
    "{8/2}": "4",
    "{7/2}": "3.5",
    "{0.1+0.2}": "0.3",
    "{1/3}": "0.333333333333333",
    "{cpus}": "1.5",
    "{cpus*2}": "3",
    "{1e3}": "1000",
    "{1E+3}": "1000",
    "{25e-2}": "0.25",
    "{.5}": "0.5",
    "{5.}": "5",
    "{1e-7}": "0.0000001",
    "{1e22}": "10000000000000000000000",
    "{-1e-30}": "0",
    "{-0.0}": "0",
    "{memory_bytes*1000000000000}": str((512 << 20) * 10**12),
    "{9007199254740993}": "9007199254740993",
    "{round(2.5)} {round(3.5)} {round(-cpus)}": "2 4 -2",
    "{floor(cpus)} {floor(-cpus)} {floor(2)}": "1 -2 2",
    "{ceil(cpus)} {ceil(-cpus)} {ceil(2)}": "2 -1 2",
    "{min(workers,2,5)} {max(1, floor(cpus), 0.5)}": "2 1",
    "{max(min(1,2),min(3,4))}": "3",
    "ünïcödé {workers}€": "ünïcödé 3€",
    "$HOME %d \\n": "$HOME %d \\n",
}


@pytest.mark.parametrize("text", MEANT)
def test_what_a_template_means(text: str) -> None:
    """Numbers and operators as in Python, whole numbers exact, and no exponents in what is written."""
    assert render(text) == MEANT[text]


WRONG = {
    "{workers ** 4}": (11, "unexpected '*'"),
    "{wrkers}": (2, "no such name: wrkers (did you mean workers?)"),
    "{cpu}": (2, "no such name: cpu (did you mean cpus?)"),
    "{zzz}": (2, f"no such name: zzz; there are {', '.join(NAMES)}"),
    "{Workers}": (2, "no such name: Workers (did you mean workers?)"),
    "{": (2, "the closing } is missing"),
    "{workers": (9, "the closing } is missing"),
    "ab{workers + ": (14, "the closing } is missing"),
    "{}": (2, "unexpected '}'"),
    "{ }": (3, "unexpected '}'"),
    "}": (1, "unexpected '}'; a brace of your own is written twice"),
    "{workers}}": (10, "unexpected '}'; a brace of your own is written twice"),
    "{workers 2}": (10, "unexpected '2'"),
    "{1 if 2}": (4, "unexpected 'if'"),
    "{+1}": (2, "unexpected '+'"),
    "{1 +}": (5, "unexpected '}'"),
    "{(1}": (4, "unexpected '}'"),
    "{1)}": (3, "unexpected ')'"),
    "{1,2}": (3, "unexpected ','"),
    "{min(1)}": (2, "min takes two numbers or more, not 1"),
    "{round(1,2)}": (2, "round takes one number, not 2"),
    "{min()}": (6, "unexpected ')'"),
    "{min(1,)}": (8, "unexpected ')'"),
    "{max}": (2, "max wants its numbers in parentheses"),
    "{max 1}": (2, "max wants its numbers in parentheses"),
    "{1.2.3}": (2, "1.2.3 is no number"),
    "{0x10}": (2, "0x10 is no number"),
    "{1_000}": (2, "1_000 is no number"),
    "{1e}": (2, "1e is no number"),
    "{.}": (2, ". is no number"),
    "{1e999}": (2, "1e999 is too large"),
    "{workers!r}": (9, "unexpected '!'"),
    "{workers:>4}": (9, "unexpected ':'"),
    "{os.system}": (2, f"no such name: os; there are {', '.join(NAMES)}"),
    "{workers.real}": (9, "unexpected '.real'"),
    "{__import__('os')}": (2, f"no such name: __import__; there are {', '.join(NAMES)}"),
    "{'a'}": (2, 'unexpected "\'"'),
    "{[1]}": (2, "unexpected '['"),
    "{workers{}}": (9, "unexpected '{'"),
    "{٣}": (2, "unexpected '٣'"),
    "{²}": (2, "unexpected '²'"),
    "{ｗorkers}": (2, "unexpected 'ｗ'"),
    "{1\n+1}": (3, "unexpected '\\n'"),
    "{" + "(" * 60 + "1": (52, "nested deeper than 50"),
    "{" + "-" * 60 + "1": (52, "nested deeper than 50"),
    "{" + "min(" * 60 + "1": (202, "nested deeper than 50"),
    "x" * 1001: (1001, "longer than 1000 characters"),
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:20])
def test_an_error_points_at_its_character(text: str) -> None:
    """On one line, by its number."""
    position, problem = WRONG[text]
    with pytest.raises(TemplateError) as caught:
        parse_template(text)
    assert str(caught.value) == f"at character {position}: {problem}"


UNRESOLVED = {
    "{worker_memory_mib}": "worker_memory_mib is not known",
    "{1 + worker_memory_mib * 0}": "worker_memory_mib is not known",
    "{1/0}": "a division by zero",
    "{1//0.0}": "a division by zero",
    "{workers % (threads - 4)}": "a division by zero",
    "{1e308*10}": "a number grows too large",
    "{-1e308*10}": "a number grows too large",
    "{1e308*10-1e308*10}": "a number grows too large",
    f"{{1{'0' * 400}/3}}": "a number grows too large",
    f"{{1{'0' * 400}*1.5}}": "a number grows too large",
}


@pytest.mark.parametrize("text", UNRESOLVED, ids=lambda text: text[-20:])
def test_what_has_no_value_says_why(text: str) -> None:
    """A figure that is not known, a division by zero, a number beyond all bounds; never "inf" or "nan"."""
    template = parse_template(text)
    with pytest.raises(Unresolved) as caught:
        template.render(VALUES)
    assert str(caught.value) == UNRESOLVED[text]


def test_a_name_that_was_not_handed_over_is_not_known() -> None:
    """As if it were None."""
    with pytest.raises(Unresolved, match=r"^workers is not known$"):
        parse_template("{workers}").render({})
    assert parse_template("text").render({}) == "text"


def test_each_name_and_each_function_can_be_used() -> None:
    """All that is promised is there."""
    everything = dict.fromkeys(NAMES, 7)
    assert [parse_template(f"{{{name}}}").render(everything) for name in NAMES] == ["7"] * len(NAMES)
    for function, (least, _) in FUNCTIONS.items():
        assert parse_template(f"{{{function}({', '.join(['2'] * least)})}}").render({}) == "2"


def test_a_template_knows_what_it_needs() -> None:
    """Each name once, in order; none for a text."""
    assert parse_template("{workers * (threads + workers)} {max(cpus, 1)}").names == ("workers", "threads", "cpus")
    assert parse_template("workers {{cpus}}").names == ()


def test_templates_are_values() -> None:
    """Equal when written alike."""
    assert parse_template("{workers}") == parse_template("{workers}")
    assert parse_template("{workers}") != parse_template("{threads}")
    assert isinstance(hash(parse_template("{1}")), int)


LONG = {
    "a sum": "{" + "1+" * 498 + "1}",
    "a product of large numbers": "{" + "memory_bytes*" * 75 + "1}",
    "many numbers": "{max(" + "1," * 496 + "1)}",
    "many expressions": "{1}" * 333,
    "minus after minus": "{" + "1--" * 332 + "1}",
    "as deep as may be": "{" + "(" * 49 + "1" + ")" * 49 + "}",
    "digits": "{" + "9" * 998 + "}",
}


@pytest.mark.parametrize("case", LONG)
def test_long_ones_exhaust_nothing(case: str) -> None:
    """Also with little room left on Python's stack."""
    template = parse_template(LONG[case])
    frames = 0
    frame = sys._getframe()
    while frame.f_back is not None:
        frame, frames = frame.f_back, frames + 1
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(frames + 60)
    try:
        assert template.render(VALUES)
    finally:
        sys.setrecursionlimit(limit)


@given(st.text(max_size=40))
def test_any_text_is_a_template_or_a_value_error(text: str) -> None:
    """Nothing else escapes, and a template without braces is itself."""
    try:
        template = parse_template(text)
    except TemplateError:
        return
    try:
        rendered = template.render(VALUES)
    except Unresolved:
        return
    assert isinstance(template, Template)
    if "{" not in text and "}" not in text:
        assert rendered == text


WORDS = st.sampled_from(
    [*NAMES, *FUNCTIONS, *"{}()+-*/%,. 0123456789", "//", "1e9", "1e-9", "0.5", "{{", "}}", "if", "\n", "é"]
)


@given(st.lists(WORDS, max_size=60).map("".join))
def test_any_words_are_a_template_or_a_value_error(text: str) -> None:
    """The same with the words that expressions are made of."""
    for candidate in (text, "{" + text + "}"):
        try:
            parse_template(candidate).render(VALUES)
        except (TemplateError, Unresolved):
            pass


NUMBERS = st.one_of(
    st.integers(min_value=0, max_value=10**20).map(str),
    # None so small or large that Python would reach an infinity, and perhaps come back from it.
    st.floats(min_value=1e-3, max_value=1e6).map(repr),
    st.sampled_from(["workers", "threads", "cpus", "memory_mib"]),
)


def combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One level more of an expression."""
    operators = st.sampled_from(["+", "-", "*", "/", "//", "%", " + ", " - ", " * "])
    return st.one_of(
        st.builds(lambda left, operator, right: left + operator + right, inner, operators, inner),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"-{text}"),
        st.builds(lambda name, one, other: f"{name}({one}, {other})", st.sampled_from(["min", "max"]), inner, inner),
        st.builds(lambda name, text: f"{name}({text})", st.sampled_from(["round", "floor", "ceil"]), inner),
    )


@given(st.recursive(NUMBERS, combine, max_leaves=12))
def test_arithmetic_is_pythons_own(expression: str) -> None:
    """Each expression gives what Python makes of the same text."""
    template = parse_template("{" + expression + "}")
    known = {"min": min, "max": max, "round": round, "floor": math.floor, "ceil": math.ceil}
    try:
        expected = eval(expression, {"__builtins__": {}}, {**known, **VALUES})
    except ZeroDivisionError:
        with pytest.raises(Unresolved):
            template.render(VALUES)
        return
    rendered = template.render(VALUES)
    if isinstance(expected, int) or expected.is_integer():
        assert rendered == str(int(expected))
    else:
        assert math.isclose(float(rendered), expected, rel_tol=1e-14, abs_tol=1e-19)
