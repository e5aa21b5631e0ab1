"""What `cgtune measure` prints: every figure with where it comes from, nothing claimed that is not so."""

from __future__ import annotations

import json

import pytest

from cgtune.cli.measure_report import Report, format_json, format_report, format_sample
from cgtune.measuring.measurement import Measurement, Sample
from cgtune.measuring.tree import Size
from cgtune.settings import Command

MIB = 1 << 20
GUNICORN = """\
worker   16 MiB of its own, 9 MiB in common with its master by fork
shared   23 MiB, there once
seen     3 times, the last 10 s after it was ready; without load
planned  26.8 MiB a worker: (16 MiB + 0.6 x 9 MiB copied under load) x 1.25

cgtune plan and run now count with it for this command, from
/home/a/.cache/cgtune/07c0
in an image: ENV CGTUNE_WORKER_MEMORY=27Mi
"""
ALONE = """\
worker   16 MiB of its own
shared   32 MiB, assumed
seen     once, the last 10 s after it was ready; without load
planned  20 MiB a worker: 16 MiB x 1.25

not kept: /.cache/cgtune: Read-only file system
in an image: ENV CGTUNE_WORKER_MEMORY=20Mi
"""
DOUBTFUL = """\
worker   16 MiB of its own, 1 GiB in common with its master by fork
shared   100 MiB, there once
seen     3 times, the last 10 s after it was ready; without load
planned  180 MiB a worker: (16 MiB + 128 MiB copied under load) x 1.25

kept, and counted with once --kind says what the program is, in
/home/a/.cache/cgtune/07c0
in an image: ENV CGTUNE_WORKER_MEMORY=180Mi
note: it was never at rest: what it holds may still grow
note: it runs as another user, whose memory may not be seen: an estimate, on the
      high side; with the capability SYS_PTRACE cgtune sees it
note: the variable does not say that 100 MiB are shared; a plan then takes 32
      MiB for it
"""


def report(
    *,
    inherited_bytes: int = 0,
    seen_bytes: int = 23 * MIB,
    shared_bytes: int = 23 * MIB,
    samples: int = 3,
    is_doubtful: bool = False,
    problem: str | None = None,
) -> Report:
    """A worker of 16 MiB of its own; where `is_doubtful` everything that can be in doubt is."""
    size = Size(16 * MIB, inherited_bytes, seen_bytes, workers=1, is_estimate=is_doubtful)
    looks = tuple(Sample(seconds=10.0 * number / samples, size=size) for number in range(1, samples + 1))
    return Report(
        command=Command(argv=("gunicorn", "app:app"), runtime="python", server="gunicorn", kind="sync-web"),
        measurement=Measurement(ready_seconds=0.2, is_at_rest=not is_doubtful, is_alone=False, samples=looks),
        shared_bytes=shared_bytes,
        assumed_bytes=32 * MIB,
        path=None if problem else "/home/a/.cache/cgtune/07c0",
        problem=problem,
        is_counted=not is_doubtful,
    )


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (report(inherited_bytes=9 * MIB), GUNICORN),
        (
            report(
                seen_bytes=2 * MIB,
                shared_bytes=32 * MIB,
                samples=1,
                problem="/.cache/cgtune: Read-only file system",
            ),
            ALONE,
        ),
        (report(inherited_bytes=1 << 30, shared_bytes=100 * MIB, seen_bytes=100 * MIB, is_doubtful=True), DOUBTFUL),
    ],
    ids=["gunicorn", "alone, not kept", "all in doubt"],
)
def test_what_people_read(found: Report, text: str) -> None:
    """The figures, the formula with its figures, what is done with them; a note for whatever is in doubt."""
    assert format_report(found) == text
    assert max(map(len, text.splitlines())) <= 80


def test_what_programs_read() -> None:
    """The same figures in bytes."""
    found = json.loads(format_json(report(inherited_bytes=10 * MIB)))
    assert found["planned_bytes"] == int((16 + 6) * MIB * 1.25)
    assert (found["worker_bytes"], found["inherited_bytes"]) == (16 * MIB, 10 * MIB)
    assert (found["file"], found["not_kept"]) == ("/home/a/.cache/cgtune/07c0", None)
    assert len(found["samples"]) == 3


def test_a_look_is_one_line() -> None:
    """For `--verbose`."""
    sample = report(inherited_bytes=10 * MIB).measurement.samples[-1]
    assert format_sample(sample) == "after 10.0 s: 1 worker 16 MiB, 10 MiB by fork; 23 MiB shared"
