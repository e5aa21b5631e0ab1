"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cgtune.follow import LimitsReader
from cgtune.host import Host
from tests.unit.trees import Content, Follow, lay_out


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follow]:
    """Makes a reader over a recorded tree in `tmp_path`, and closes it."""
    readers: list[LimitsReader] = []

    def start(files: dict[str, Content]) -> LimitsReader:
        lay_out(tmp_path, files)
        readers.append(LimitsReader(Host(str(tmp_path))))
        return readers[-1]

    yield start
    for reader in readers:
        reader.close()
