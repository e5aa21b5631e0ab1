"""Preloading servers: what is frozen before the fork stays shared when the children collect."""

from __future__ import annotations

import pytest

from bench.preload import MINORS, gunicorn_child
from lab import Unavailable
from lab.pythons import environment
from tests.support import unavailable
from tests.unit.command import COMMAND

pytestmark = pytest.mark.real
OBJECTS = 1_300_000


@pytest.mark.parametrize("minor", MINORS)
def test_a_collection_copies_no_page_of_a_preloaded_application(minor: int) -> None:
    """gunicorn --preload, 1.3 million objects: some 80 MiB a worker become nothing; the collector stays on."""
    try:
        python = environment(minor, "gunicorn")
    except Unavailable as reason:
        unavailable(str(reason))
    plain = gunicorn_child(python, None, OBJECTS)
    frozen = gunicorn_child(python, "freeze", OBJECTS)
    # The control: without us each page is copied that has an object in it.
    assert plain.grown_mib > 70
    assert frozen.grown_mib < 3
    assert frozen.frozen > OBJECTS > plain.frozen
    assert plain.collects
    assert frozen.collects


def test_run_brings_it_about() -> None:
    """`cgtune run -- python -m gunicorn --preload`, with nothing else said: the plan freezes, the children share."""
    try:
        python = environment(12, "gunicorn")
    except Unavailable as reason:
        unavailable(str(reason))
    through_run = gunicorn_child(python, None, OBJECTS, launcher=(*COMMAND, "run", "-q", "--"))
    without = gunicorn_child(python, None, OBJECTS, launcher=(*COMMAND, "run", "-q", "--disable", "gc", "--"))
    assert through_run.grown_mib < 3
    assert without.grown_mib > 70
