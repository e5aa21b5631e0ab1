"""What cgtune costs, measured beside what it is compared with, in one run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import detection, startup
from tests.support import unavailable

pytestmark = [pytest.mark.real, pytest.mark.timing]


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize("mounts", [10, 1000])
@pytest.mark.parametrize("depth", [1, 8])
def test_a_detection_costs_little_more_than_reading(depth: int, mounts: int) -> None:
    """At most five times the bare open, read and close of the same files; a refresh is under 50 microseconds."""
    if not Path("/sys/fs/cgroup/cpu/cgroup.procs").exists():
        unavailable("no cgroup v1 hierarchy to make cgroups in")
    row = detection.measure_at(depth, mounts)
    assert row["detection_us"] <= 5 * row["bare_us"]
    assert row["refresh_us"] < 50
    if mounts >= 1000:
        assert row["mounts"] >= 1000


def test_run_starts_in_less_than_twice_a_bare_interpreter() -> None:
    """The installed `cgtune run -- true` against `python -c pass`, on each Python 3.10 to 3.13 that is found."""
    wheel = next(Path(sys.prefix).glob("wheel/*.whl"), None)
    if wheel is None:
        unavailable("no built wheel: use `make test`")
    rows = startup.measure_all(wheel, turns=40)
    assert rows
    ratios = {version: row["run"] / row["bare"] for version, row in rows.items()}
    assert all(ratio <= startup.PROMISED_RATIO for ratio in ratios.values()), ratios
