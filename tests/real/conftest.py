"""A Docker engine and an image with the installed wheel, once a test run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import Unavailable
from lab.engine import Engine, engine
from lab.image import app_image
from lab.wheel import build_wheel
from tests.support import unavailable


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    """An engine: the one that answers, or one of our own that ends with the run."""
    opened = engine()
    try:
        found = opened.__enter__()
    except Unavailable as reason:
        unavailable(str(reason))
    try:
        yield found
    finally:
        opened.__exit__(None, None, None)


@pytest.fixture(scope="session")
def image(docker: Engine) -> str:
    """A Debian with cgtune and gunicorn, installed as a user would."""
    try:
        return app_image(docker, build_wheel())
    except Unavailable as reason:
        unavailable(str(reason))
