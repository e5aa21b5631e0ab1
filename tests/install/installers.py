"""The ways people install a wheel, each with a tool of its own kept in the cache folder.

The tools come from PyPI, once; later runs need it only for what cgtune depends on, which the tools
keep in caches of their own.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support import unavailable

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cgtune-lab" / "installers"

#: An environment serves only the Python that made it.
TAG = f"py{platform.python_version()}"

#: The oldest pip that still matters is Debian 12's 23.0, but it does not start on Python 3.12 or newer.
OLD_PIP = "23.0" if sys.version_info < (3, 12) else "23.2"


@dataclass(frozen=True)
class Installed:
    """An environment with cgtune in it."""

    command: Path
    python: Path


def clean_environment() -> dict[str, str]:
    """The caller's environment without what would lead to another cgtune or another Python."""
    ours = ("CGTUNE", "PYTHON", "PIPX_", "VIRTUAL_ENV", "UV_PROJECT")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def call(*command: str | Path, timeout: float = 120, environment: dict[str, str] | None = None) -> str:
    """Run to success and return what it said, or show what went wrong."""
    run = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=clean_environment() | (environment or {}),
    )
    if run.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {run.returncode}\n{run.stdout}{run.stderr}")
    return run.stdout


def tool(*packages: str) -> Path:
    """The bin folder of an environment with these packages, made once for each Python."""
    name = "-".join([*packages, TAG]).replace("==", "-")
    folder = CACHE / name
    if not (folder / "complete").exists():
        call(sys.executable, "-m", "venv", "--clear", folder)
        try:
            call(folder / "bin/python", "-m", "pip", "install", "--upgrade", *packages, timeout=300)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            unavailable(f"PyPI does not give {', '.join(packages)}: {error}")
        (folder / "complete").touch()
    return folder / "bin"


def empty_environment(folder: Path) -> Path:
    """A virtual environment without pip, which takes a tenth of a second; its Python."""
    call(sys.executable, "-m", "venv", "--without-pip", folder)
    return folder / "bin/python"


def with_pip(wheel: Path, folder: Path, package: str = "pip", *options: str) -> Installed:
    """`pip install`, by a pip that lives elsewhere: it runs itself again under the environment's Python."""
    python = empty_environment(folder)
    call(tool(package) / "python", "-m", "pip", "--python", python, "install", "--quiet", *options, wheel)
    return Installed(folder / "bin/cgtune", python)


def with_old_pip(wheel: Path, folder: Path) -> Installed:
    """Debian 12's pip, the one that generates entry points with `import re`."""
    return with_pip(wheel, folder, f"pip=={OLD_PIP}")


def with_pip_no_deps(wheel: Path, folder: Path) -> Installed:
    """Without anything cgtune depends on."""
    return with_pip(wheel, folder, "pip", "--no-deps")


def with_uv(wheel: Path, folder: Path) -> Installed:
    """`uv pip install`."""
    python = empty_environment(folder)
    call(tool("uv") / "uv", "pip", "install", "--quiet", "--python", python, wheel)
    return Installed(folder / "bin/cgtune", python)


def with_pipx(wheel: Path, folder: Path) -> Installed:
    """`pipx install`: the command is a symbolic link into an environment that pipx made."""
    homes = {"PIPX_HOME": folder / "home", "PIPX_BIN_DIR": folder / "bin", "PIPX_MAN_DIR": folder / "man"}
    homes["PIPX_SHARED_LIBS"] = CACHE / f"pipx-shared-{TAG}"
    environment = {name: str(path) for name, path in homes.items()}
    call(tool("pipx") / "pipx", "install", "--quiet", "--python", sys.executable, wheel, environment=environment)
    return Installed(folder / "bin/cgtune", folder / "home/venvs/cgtune/bin/python")


INSTALLERS: dict[str, Callable[[Path, Path], Installed]] = {
    "old-pip": with_old_pip,
    "pip": with_pip,
    "pip-no-deps": with_pip_no_deps,
    "uv": with_uv,
    "pipx": with_pipx,
}
