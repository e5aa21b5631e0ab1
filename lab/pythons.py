"""The Pythons of this machine, and environments of theirs with packages from PyPI."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from lab.cache import made_once
from lab.errors import Unavailable
from lab.process import run
from lab.wheel import key_of

#: Those a hosted program may have; the oldest is what our injected code is written for.
MINORS = (8, 9, 10, 11, 12, 13, 14, 15)


@functools.cache
def find_python(minor: int) -> Path | None:
    """Python 3.`minor` outside of environments: this one, one under pyenv, one in PATH. None where there is none."""
    own = Path(sys.base_prefix, "bin", f"python3.{minor}")
    if sys.version_info[1] == minor:
        return own if own.exists() else Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [str(path) for path in sorted(pyenv.glob(f"3.{minor}.*/bin/python"))]
    candidates += filter(None, [shutil.which(f"python3.{minor}")])
    for candidate in candidates:
        # A pyenv shim exists also for versions that are not active: only an answer counts.
        code = f"import sys; sys.exit(sys.version_info[1] != {minor})"
        if subprocess.run([candidate, "-ISc", code], capture_output=True, check=False).returncode == 0:
            return Path(candidate)
    return None


def require_python(minor: int) -> Path:
    """The same, or Unavailable."""
    python = find_python(minor)
    if python is None:
        raise Unavailable(f"no Python 3.{minor} here")
    return python


def environment(minor: int, *requirements: str) -> Path:
    """The Python of an environment with these packages and no others, made once a machine.

    Start what they bring as `python -m NAME`: their scripts name the folder the environment was made in.
    """
    python = require_python(minor)

    def make(folder: Path) -> None:
        run([python, "-m", "venv", "--without-pip", folder]).check()
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(folder / "bin/python")]
        if requirements:
            run([*pip, "install", "--quiet", *requirements], timeout=600).check()

    version = run([python, "--version"]).check().stdout
    try:
        made = made_once(f"with-python-3.{minor}-{key_of(version, str(python), *sorted(requirements))}", make)
    except RuntimeError as error:
        raise Unavailable(f"PyPI does not give {', '.join(requirements)} for Python 3.{minor}: {error}") from None
    return made / "bin/python"
