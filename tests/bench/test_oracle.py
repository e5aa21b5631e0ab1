"""The mini-oracle's arithmetic and its table, on outcomes made up here."""

from __future__ import annotations

import pytest

from bench.load import LoadResult
from bench.oracle import CPU_BOUND, WAITING, Comparison, Row, format_comparison, format_verdict
from bench.under_limits import TUNED, Outcome


def outcome(rate: float, *, workers: int = 2, kills: int = 0, failures: int = 0, p99: float | None = 50) -> Outcome:
    """What one container did."""
    load = LoadResult(int(rate), failures, 0, rate, p99, p99)
    return Outcome(("gunicorn",), workers, load, kills, ())


def sweep(**rates: float) -> tuple[Row, ...]:
    """One row of one round for each number of workers: `w2=100` is 100 requests/s with two."""
    return tuple(Row(("gunicorn", "-w", name[1:]), [outcome(rate)]) for name, rate in rates.items())


def test_the_ratio_is_to_the_best_row() -> None:
    """What cgtune has of the best of all rows, whichever number it picked."""
    comparison = Comparison(sweep(w1=50, w2=100, w3=80), Row(TUNED, [outcome(90, workers=3)]))
    assert comparison.best.command == ("gunicorn", "-w", "2")
    assert comparison.ratio == pytest.approx(0.9)
    assert format_verdict(comparison) == "cgtune picked 3: 90 % of the sweep's best (gunicorn -w 2)"


def test_rounds_are_averaged_and_counts_are_added() -> None:
    """The rates are averaged, failures and kills added up, the worst p99 is kept."""
    row = Row(TUNED, [outcome(100, kills=2, failures=1, p99=40), outcome(50, kills=3, failures=4, p99=None)])
    assert (row.requests_per_second, row.oom_kills, row.failures, row.p99_ms) == (75, 5, 5, 40)


def test_a_container_that_did_not_survive_counts_as_none_answered() -> None:
    """A row is not better for having no figure of its worst round."""
    row = Row(("gunicorn", "-w", "8"), [outcome(100)], ended=1)
    assert row.requests_per_second == 50
    assert Row(TUNED, ended=2).requests_per_second == 0


def test_nothing_survived() -> None:
    """Without any figure there is no ratio to be proud of, and still a table."""
    comparison = Comparison((Row(("gunicorn", "-w", "1"), ended=1),), Row(TUNED, ended=1))
    assert comparison.ratio == 0
    assert comparison.picked is None
    assert "none" in format_comparison(CPU_BOUND[0], comparison)


def test_cgtunes_row_stands_below_the_one_of_its_number_and_is_marked() -> None:
    """Who reads the table sees the pick at its place in the sweep."""
    comparison = Comparison(sweep(w1=50, w2=100, w10=80), Row(TUNED, [outcome(99, workers=2)]))
    lines = format_comparison(CPU_BOUND[0], comparison).splitlines()[2:]
    assert [line.split("  ")[1] for line in lines] == [
        "gunicorn -w 1",
        "gunicorn -w 2",
        "cgtune, which picked 2",
        "gunicorn -w 10",
    ]
    assert [line.endswith("<--") for line in lines] == [False, False, True, False]


def test_the_table_fits_a_terminal() -> None:
    """80 columns, also with great numbers in all of them."""
    great = outcome(123456, workers=10_000, kills=12345, failures=12345, p99=123456)
    comparison = Comparison((Row(("gunicorn", "-w", "10000"), [great], ended=12),), Row(TUNED, [great]))
    for cell in (*CPU_BOUND, *WAITING):
        text = format_comparison(cell, comparison) + "\n" + format_verdict(comparison)
        assert max(map(len, text.splitlines())) <= 80
