"""The cache: what is in it is complete."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.cache import cache_dir, forget, made_once


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def _write(text: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_text(text)

    return make


def test_a_failed_builder_leaves_nothing() -> None:
    """A half-made entry never looks finished; the next builder starts afresh."""

    def fail(path: Path) -> None:
        path.mkdir()
        (path / "half").touch()
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError):
        made_once("thing", fail)
    assert [path.name for path in cache_dir().iterdir()] == ["locks"]
    made_once("thing", _write("whole"))
    assert (cache_dir() / "thing").read_text() == "whole"


def test_what_is_there_is_not_made_again() -> None:
    """A builder runs once."""
    made_once("thing", _write("first"))
    assert made_once("thing", _write("second")).read_text() == "first"


def test_only_what_is_not_used_is_forgotten() -> None:
    """An entry's age counts from its last use."""
    for name in ("wheel-a", "wheel-b"):
        made_once(name, lambda path: path.mkdir())
        old = time.time() - 10 * 86400
        os.utime(cache_dir() / name, (old, old))
    made_once("wheel-b", lambda path: path.mkdir())
    forget("wheel-*", days=1)
    assert [path.name for path in cache_dir().glob("wheel-*")] == ["wheel-b"]
