"""What injection adds to a start, measured beside a bare start, in turn."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import injection
from bench.startup import MINORS
from tests.support import unavailable

pytestmark = [pytest.mark.real, pytest.mark.timing]

OTHERS = [minor for minor in MINORS if minor != sys.version_info[1]]


@pytest.mark.parametrize(
    "minors", [pytest.param([sys.version_info[1]], id="this Python"), pytest.param(OTHERS, marks=pytest.mark.long)]
)
def test_injection_costs_less_than_two_milliseconds(minors: list[int]) -> None:
    """By either way in; and where nothing is injected, the line of the .pth costs less than a tenth of one."""
    wheel = next(Path(sys.prefix).glob("wheel/*.whl"), None)
    if wheel is None:
        unavailable("no built wheel: use `make test`")
    rows = injection.measure_all(wheel, turns=30, minors=minors)
    if not rows:
        unavailable(f"none of the Pythons 3.{minors} here")
    for version, row in rows.items():
        assert row[".pth"] < injection.PROMISED_MS, version
        assert row["folder"] < injection.PROMISED_MS, version
        assert 0 < row["line"] < injection.PROMISED_LINE_US, version
