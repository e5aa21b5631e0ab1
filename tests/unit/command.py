"""The real command, as a person starts it: the installed one, or the work tree's where that is what is imported."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import cgtune

PACKAGE = Path(cgtune.__file__).parent
_SCRIPT = Path(sys.executable).parent / "cgtune"
DEADLINE_SECONDS = 60


def _command() -> list[str]:
    if PACKAGE.is_relative_to(sys.prefix) and _SCRIPT.exists():
        return [str(_SCRIPT)]
    # The same script, with the work tree where an installer puts the package.
    tree = PACKAGE.parent
    script = (tree / "bin/cgtune").read_text(encoding="utf-8")
    found = f"sys.path.insert(0, {str(tree)!r})\nfrom cgtune.__main__"
    return [sys.executable, "-c", script.replace("from cgtune.__main__", found)]


COMMAND = _command()
# What Python reads, or sets by itself, is no part of a test that does not ask for it.
PLAIN = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": "/"}


def call(
    *words: str | bytes | Path,
    environment: Mapping[str, str] | None = None,
    python: Sequence[str] = (),
    directory: Path | None = None,
    stdin: int | None = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> subprocess.CompletedProcess[str]:
    """Run `cgtune WORDS`; `environment` is added to the plain one, `python` is how to start it instead."""
    return subprocess.run(
        [*(python or COMMAND), *words],
        env={**PLAIN, **(environment or {})},
        cwd=directory,
        stdin=stdin,
        pass_fds=pass_fds,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def shell(script: str, *words: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a line of sh in which `cgtune` is the real command, and "$@" the words."""
    return call(
        f'cgtune() {{ {shlex.join(COMMAND)} "$@"; }}\n{script}',
        "sh",
        *words,
        environment=environment,
        python=["sh", "-c"],
    )


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line a failed command wrote on stderr, without "cgtune: "; fails where it wrote anything else."""
    assert done.stderr.startswith("cgtune: "), done.stderr
    assert done.stderr.endswith("\n"), done.stderr
    line = done.stderr[len("cgtune: ") : -1]
    assert line.isprintable(), done.stderr
    assert len(line) < 200, done.stderr
    return line


def write_program(path: Path, text: str) -> Path:
    """An executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path
