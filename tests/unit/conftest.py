"""Fixtures of the unit tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cgtune import config_file
from cgtune.follow import LimitsReader
from cgtune.host import Host
from tests.support import unavailable
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


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cache will be; the working directory is a project beside it."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    return tmp_path / "cache"


@pytest.fixture
def no_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The default file is one of the test's own; there is none yet."""
    path = tmp_path / "default" / "config.yaml"
    monkeypatch.setattr(config_file, "DEFAULT_PATH", str(path))
    return path


@pytest.fixture
def takes_thresholds() -> None:
    """Most tests look at the collector's thresholds."""
    if (3, 14) <= sys.version_info < (3, 14, 5) or "free-threading" in sys.version:
        unavailable("this Python's collector is left alone")
