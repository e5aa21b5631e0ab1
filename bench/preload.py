"""What the children of a pre-forking server keep to themselves after one garbage collection.

    python -m bench.preload

For each Python 3.10 to 3.13 that is found: gunicorn with `--preload` and an application of 1.3 million objects, with
the word `freeze` injected and without. A collection writes into the header of every object it looks at; in a forked
child that copies each page that the master still shared. What is frozen before the fork, it does not look at.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cgtune.injection import INJECTION_DIR
from lab.errors import Unavailable
from lab.pythons import environment

APPS = Path(__file__).with_name("apps")
MINORS = (10, 11, 12, 13)
WORDS = "freeze"
_START_SECONDS = 60


@dataclass(frozen=True)
class Child:
    """A worker, before and after it has collected."""

    before_kib: int
    after_kib: int
    collects: bool
    frozen: int

    @property
    def grown_mib(self) -> float:
        """What one collection has made private."""
        return (self.after_kib - self.before_kib) / 1024


def gunicorn_child(
    python: Path, inject: str | None, objects: int = 1_300_000, *, launcher: Sequence[str] = ()
) -> Child:
    """A worker of a gunicorn that has loaded the application before it forked; `launcher` stands before it."""
    variables = {"PATH": os.environ.get("PATH", os.defpath), "OBJECTS": str(objects)}
    if inject is not None:
        variables |= {"CGTUNE_INJECT": inject, "PYTHONPATH": INJECTION_DIR}
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/log", "w+b") as log:
        address = f"{folder}/socket"
        options = ["--preload", "--workers", "1", "--bind", f"unix:{address}", "--worker-tmp-dir", folder]
        process = subprocess.Popen(
            [*launcher, python, "-m", "gunicorn", *options, "--chdir", APPS, "preload_app:app"],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            words = _ask(address, process).split()
        except (OSError, http.client.HTTPException) as error:
            log.seek(0)
            raise RuntimeError(f"gunicorn does not answer: {error}: {log.read().decode(errors='replace')}") from error
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    before_kib, after_kib, collects, frozen = map(int, words)
    return Child(before_kib, after_kib, bool(collects), frozen)


def _ask(address: str, process: subprocess.Popen[bytes]) -> str:
    """The worker's answer, as soon as there is one to give it."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as connected:
                connected.settimeout(_START_SECONDS)
                connected.connect(address)
                connection = http.client.HTTPConnection("localhost")
                connection.sock = connected
                connection.request("GET", "/")
                return connection.getresponse().read().decode()
        except (FileNotFoundError, ConnectionRefusedError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def main() -> int:
    """Print the table."""
    print("Python   private MiB more after one collection   frozen before the fork")
    for minor in MINORS:
        try:
            python = environment(minor, "gunicorn")
        except Unavailable as reason:
            print(f"{'3.' + str(minor):>6}   {reason}")
            continue
        plain, frozen = gunicorn_child(python, None), gunicorn_child(python, WORDS)
        print(f"{'3.' + str(minor):>6}   {plain.grown_mib:38.1f}   {frozen.grown_mib:22.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
