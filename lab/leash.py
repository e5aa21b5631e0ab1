"""A daemon or a virtual machine that cannot outlive the process that needs it.

Between us and it stands a small process, the leash holder, that waits for the end of a pipe from us.
The kernel closes that pipe however we end, also by SIGKILL; then the holder stops the program and all
it left behind, and removes its folder. As a "child subreaper" the holder inherits every orphan below
it, so containers whose daemon was killed are found by parentage and not by guessing at names.

This file is also the holder's program, and is run by its path: it imports nothing of ours.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Order:
    """What the holder is told: all of it in one word of its command line."""

    argv: tuple[str, ...]
    log: str
    limit_seconds: float
    grace_seconds: float
    folder: str | None


class Leash:
    """A program that runs while we do. `stop()` ends it sooner."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        limit_seconds: float,
        grace_seconds: float = 0,
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start `argv`, its output into `log`. It ends after `limit_seconds` at the latest.

        It gets SIGTERM and `grace_seconds`, then SIGKILL; afterwards `folder` is removed.
        """
        words = tuple(str(word) for word in argv)
        order = Order(words, str(log), limit_seconds, grace_seconds, str(folder) if folder else None)
        self._holder = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, json.dumps(asdict(order))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=None if env is None else {**os.environ, **env},
            start_new_session=True,
        )

    def returncode(self) -> int | None:
        """The program's exit code (-9: SIGKILL), None while it runs."""
        code = self._holder.poll()
        if code is not None and self._holder.stdin:
            self._holder.stdin.close()
        # An exit status is a byte, so the holder tells of a signal as shells do.
        return code if code is None or code <= 128 else 128 - code

    def wait(self, timeout: float) -> int | None:
        """Wait until the program ended by itself: its exit code, or None after `timeout` seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._holder.wait(timeout)
        return self.returncode()

    def stop(self) -> None:
        """End the program and whatever it left behind; return when all of it is gone."""
        if self._holder.stdin:
            self._holder.stdin.close()
        self._holder.wait()


def hold(order: Order) -> int:
    """The holder: start the program, wait for it or for the end of the pipe, leave nothing behind."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, _stop)
    with open(order.log, "ab") as log:
        program = subprocess.Popen(
            order.argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            # Should someone kill the holder itself, the program at least hears of it.
            preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0),  # noqa: PLW1509 - no threads here
        )
    with contextlib.suppress(InterruptedError):
        waiting = select.poll()
        waiting.register(0, select.POLLIN | select.POLLHUP)
        waiting.register(os.pidfd_open(program.pid), select.POLLIN)
        waiting.poll(order.limit_seconds * 1000)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if program.poll() is None:
        program.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(order.grace_seconds)
        program.kill()
    code = program.wait()
    _kill_descendants()
    if order.folder:
        _unmount_below(order.folder)
        shutil.rmtree(order.folder, ignore_errors=True)
    return code if code >= 0 else 128 - code


def _stop(number: int, frame: FrameType | None) -> None:
    raise InterruptedError


def _kill_descendants() -> None:
    """Kill all that is ours, again and again, for a killed parent leaves us its children."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        children = _children(os.getpid())
        if not children:
            return
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)


def _children(parent: int) -> list[int]:
    """`/proc/PID/stat` is `pid (name) state ppid ...`, where the name may hold blanks and brackets: proc(5)."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                text = Path("/proc", entry, "stat").read_text(errors="replace")
                if int(text.rpartition(")")[2].split()[1]) == parent:
                    found.append(int(entry))
    return found


def _unmount_below(folder: str) -> None:
    """A killed daemon leaves its mounts; removing the folder through them would empty what they show."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in reversed(points):
        if point.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", point], check=False)


if __name__ == "__main__":
    sys.exit(hold(Order(**json.loads(sys.argv[1]))))
