"""What `cgtune run -- true` costs beside a bare `python -c pass` of the same environment.

    python -m bench.startup [WHEEL]

For each Python 3.10 to 3.13 that is found: a fresh virtual environment with the installed wheel and nothing
else. The commands take turns, so that whatever else the machine does falls on all alike; medians are compared.
`true` itself is measured too, because it is part of what the second command does.

Promise: at most twice the bare start. Aim: 1.5 times.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TURNS = 60
PROMISED_RATIO = 2.0
MINORS = (10, 11, 12, 13)


def find_pythons() -> dict[int, str]:
    """Interpreters by minor version: this one, those in PATH, those under pyenv."""
    found: dict[int, str] = {}
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in MINORS:
        candidates = [str(path) for path in sorted(pyenv.glob(f"3.{minor}.*/bin/python"))]
        candidates += [path for path in (shutil.which(f"python3.{minor}"), sys.executable) if path]
        for candidate in candidates:
            # A pyenv shim exists also for versions that are not active: only an answer counts.
            code = f"import sys, venv; sys.exit(sys.version_info[1] != {minor})"
            if subprocess.run([candidate, "-c", code], capture_output=True, check=False).returncode == 0:
                found[minor] = candidate
                break
    return found


def install(python: str, folder: Path, wheel: Path) -> Path:
    """A fresh environment with the wheel alone; its bin folder."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, capture_output=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(folder / "bin/python")]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    return folder / "bin"


def measure(bin_folder: Path, turns: int = TURNS) -> dict[str, float]:
    """Median milliseconds of each command, taken in turn."""
    commands = {
        "bare": [str(bin_folder / "python"), "-c", "pass"],
        "run": [str(bin_folder / "cgtune"), "run", "--", "/bin/true"],
        "true": ["/bin/true"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(turns + 3):
        for name, argv in commands.items():
            start = time.perf_counter()
            process = os.posix_spawn(argv[0], argv, os.environ)
            _, status = os.waitpid(process, 0)
            if status:
                raise SystemExit(f"bench.startup: {' '.join(argv)} failed")
            # The first turns fill the caches.
            if turn >= 3:
                times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def measure_all(wheel: Path, turns: int = TURNS) -> dict[str, dict[str, float]]:
    """The medians of each Python found, by version."""
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for minor, python in find_pythons().items():
            rows[f"3.{minor}"] = measure(install(python, Path(folder) / f"3.{minor}", wheel), turns)
    return rows


def main() -> int:
    """Print the table; 1 where the promise is not held."""
    wheel = Path(sys.argv[1]) if len(sys.argv) > 1 else next(Path(sys.prefix).glob("wheel/*.whl"), None)
    if wheel is None:
        raise SystemExit("bench.startup: which wheel? python -m bench.startup WHEEL")
    print("Python  bare ms  cgtune run -- true ms  ratio  (true alone ms)")
    kept = True
    for version, row in measure_all(wheel).items():
        ratio = row["run"] / row["bare"]
        kept = kept and ratio <= PROMISED_RATIO
        print(f"{version:>6}  {row['bare']:7.1f}  {row['run']:21.1f}  {ratio:5.2f}  {row['true']:16.1f}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
