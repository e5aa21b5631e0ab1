"""What the lab starts ends with the process that started it, however that ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.leash import Leash
from lab.process import run
from lab.wheel import PROJECT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="subreapers and pidfds are Linux's")

# Leaves an orphan in a session of its own, as a container of a killed daemon is.
_PROGRAM = "setsid sleep 1000 & echo $! >pids; echo $$ >>pids; exec sleep 1000"


def _eventually(is_so: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def _pids(folder: Path) -> list[int]:
    path = folder / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def test_all_ends_when_the_starter_is_killed(tmp_path: Path) -> None:
    """SIGKILL leaves no time to clean up, and still the program, its orphans and its folder are gone."""
    folder = tmp_path / "folder"
    folder.mkdir()
    code = (
        f"import sys, time; sys.path.append({str(PROJECT)!r})\n"
        "from pathlib import Path\n"
        "from lab.leash import Leash\n"
        f"folder = Path({str(folder)!r})\n"
        f"Leash(['sh', '-c', {_PROGRAM!r}], log=folder / 'log', limit_seconds=100, folder=folder)\n"
        "time.sleep(100)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=folder) as starter:
        assert _eventually(lambda: len(_pids(folder)) == 2)
        pids = _pids(folder)
        assert all(map(_is_alive, pids))
        starter.send_signal(signal.SIGKILL)
    assert _eventually(lambda: not any(map(_is_alive, pids)))
    assert _eventually(lambda: not folder.exists())


def test_the_time_is_limited(tmp_path: Path) -> None:
    """A program that nobody stops ends when its time is over."""
    leash = Leash(["sleep", "100"], log=tmp_path / "log", limit_seconds=0.2)
    assert leash.wait(20) == -signal.SIGTERM


def test_a_program_may_end_by_itself(tmp_path: Path) -> None:
    """Its exit code and its output are to be had."""
    leash = Leash(["sh", "-c", "echo done; exit 3"], log=tmp_path / "log", limit_seconds=20)
    assert leash.wait(20) == 3
    assert (tmp_path / "log").read_text() == "done\n"
    leash.stop()


def test_run_does_not_wait_for_what_a_command_leaves_behind() -> None:
    """A daemon that inherited the output does not keep `run` waiting for its end."""
    started = time.monotonic()
    done = run(["sh", "-c", "sleep 20 & echo $!"])
    os.kill(int(done.stdout), signal.SIGKILL)
    assert time.monotonic() - started < 10


def test_run_has_a_deadline() -> None:
    """A command that hangs is killed, and the error shows what it wrote."""
    with pytest.raises(TimeoutError, match="so far"):
        run(["sh", "-c", "echo so far; sleep 20"], timeout=0.5)
