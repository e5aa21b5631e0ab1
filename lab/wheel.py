"""The project's wheel, and the wheels of what an image needs, made on the host: a build has no network."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.cache import forget, made_once
from lab.machine import system_python
from lab.process import run

PROJECT = Path(__file__).resolve().parent.parent
# All that hatchling puts into the wheel or reads to make it.
_INPUTS = ("pyproject.toml", "README.md", "LICENSE", "bin", "cgtune")


def build_wheel(project: Path = PROJECT) -> Path:
    """The wheel of the work tree as it is now."""

    def make(folder: Path) -> None:
        folder.mkdir()
        # A quick change of code should not fetch the build backend again: pip keeps it in its own cache.
        run([*pip(), "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, project], timeout=300).check()

    forget("wheel-*", days=1)
    return _only_file(made_once(f"wheel-{_key_of_files(project)}", make))


def wheelhouse(requirements: Sequence[str]) -> Path:
    """A folder with wheels of `requirements` and all they need, for Debian's own Python."""

    def make(folder: Path) -> None:
        folder.mkdir()
        run([*pip(), "wheel", "--quiet", "--wheel-dir", folder, *requirements], timeout=600).check()

    return made_once(f"wheelhouse-{key_of(python_version(), *sorted(requirements))}", make)


def requirements_of(wheel: Path) -> list[str]:
    """What `wheel` needs without its extras: the Requires-Dist lines of its METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    lines = re.findall(r"^Requires-Dist: (.+)$", metadata.partition("\n\n")[0], re.MULTILINE)
    return [line for line in lines if not re.search(r";.*\bextra\b", line)]


def pip() -> list[str]:
    """A pip that runs under Debian's own Python, which is also the Python in our images."""

    def make(folder: Path) -> None:
        run([system_python(), "-m", "venv", folder]).check()

    return pip_of(made_once(f"pip-{python_version()}", make))


def pip_of(environment: Path) -> list[str]:
    """The pip of a virtual environment. Not its bin/pip: that names the folder the environment was made in."""
    return [str(environment / "bin/python"), "-m", "pip", "--disable-pip-version-check"]


def python_version() -> str:
    """The version of Debian's own Python, as in 3.11."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return run([system_python(), "-c", code]).check().stdout.strip()


def key_of(*texts: str) -> str:
    """A short name for exactly these texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _key_of_files(project: Path) -> str:
    digests = []
    for path in sorted(_files(project / name for name in _INPUTS)):
        digests.append(f"{path.relative_to(project)} {hashlib.sha256(path.read_bytes()).hexdigest()}")
    return key_of(python_version(), *digests)


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            yield from (file for file in path.rglob("*") if file.is_file() and file.suffix != ".pyc")
        elif path.exists():
            yield path


def _only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path
