"""Run a command to its end, or to its deadline, and never hang on what it left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LINES_SHOWN = 15


@dataclass(frozen=True)
class Result:
    """How a command ended, and all it wrote."""

    returncode: int
    stdout: str
    stderr: str

    def check(self) -> Result:
        """This result, if the command succeeded; else RuntimeError with the end of what it wrote."""
        if self.returncode:
            raise RuntimeError(f"exit code {self.returncode}: {tail(self.stderr or self.stdout)}")
        return self


def run(
    argv: Sequence[str | Path],
    *,
    timeout: float = 120,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Result:
    """Run `argv` with no input. TimeoutError after `timeout` seconds, its whole process group killed.

    Output goes to files: with pipes, a daemon that the command left behind would hold the other end and
    keep us waiting for an end of output that never comes.
    """
    words = [str(word) for word in argv]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=None if env is None else {**os.environ, **env},
                cwd=cwd,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            return Result(127, "", str(error))
        try:
            returncode = process.wait(timeout)
        except subprocess.TimeoutExpired:
            returncode = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
    if returncode is None:
        raise TimeoutError(f"not done after {timeout:g} s: {' '.join(words)}: {tail(texts[1] or texts[0])}")
    return Result(returncode, texts[0], texts[1])


def tail(text: str) -> str:
    """The last lines of `text`: what a person needs of a long log."""
    return "\n".join(text.strip().splitlines()[-_LINES_SHOWN:])
