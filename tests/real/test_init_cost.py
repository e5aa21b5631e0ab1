"""What the supervisor costs, measured as `bench.supervisor` does: as little as was promised."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import supervisor
from bench.startup import find_pythons, install
from tests.support import unavailable

_SECONDS = 8

pytestmark = [pytest.mark.real, pytest.mark.timing]


@pytest.mark.parametrize("minor", find_pythons())
def test_the_supervisor_costs_no_more_than_was_promised(minor: int, tmp_path: Path) -> None:
    """Private memory, wake-ups, CPU and the time to the program's first instruction, on each Python found."""
    wheel = next(Path(sys.prefix).glob("wheel/*.whl"), None)
    if wheel is None:
        unavailable("no built wheel: use `make test`")
    costs = supervisor.measure(install(find_pythons()[minor], tmp_path / "env", wheel), seconds=_SECONDS, turns=25)
    assert supervisor.broken_promises(costs, _SECONDS) == []
