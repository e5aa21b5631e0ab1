"""What injection adds to the start of a Python, and what its .pth costs a Python that nothing is injected into.

    python -m bench.injection [WHEEL]

For each Python 3.10 to 3.13 that is found, a bare `python -c pass` and the same

| column | in an environment | with |
|---|---|---|
| idle | that has cgtune | nothing set |
| .pth | that has cgtune | CGTUNE_INJECT |
| folder | without it | CGTUNE_INJECT, and our folder on PYTHONPATH, its byte code written |
| no .pyc | without it | the same, but no byte code, and none may be written |

take turns, so that whatever else the machine does falls on all alike; the median of the differences to the bare start
of the same turn is what one of them adds. The idle .pth is too little for that: `line` is the time `site` takes to
read and execute it, in a Python that does so a thousand times.

Promise: under 2 ms; the idle .pth under 0.1 ms.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from bench.startup import MINORS, find_pythons, install

TURNS = 60
WORDS = "gc=50000 freeze cpus=1"
PROMISED_MS = 2.0
PROMISED_LINE_US = 100.0
_LINE = """
import os, site, statistics, sys, time
folder = next(path for path in sys.path if os.path.exists(path + "/cgtune.pth"))
times = []
for _ in range(1000):
    start = time.perf_counter()
    site.addpackage(folder, "cgtune.pth", set())
    times.append(time.perf_counter() - start)
print(statistics.median(times) * 1e6)
"""


def measure(with_cgtune: Path, without: Path, never_compiled: Path, turns: int = TURNS) -> dict[str, float]:
    """Milliseconds: the bare start's median, and what each way adds; `line` in microseconds."""
    (packages,) = with_cgtune.glob("lib/python3*/site-packages")
    plain = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
    injected = {**plain, "CGTUNE_INJECT": WORDS}
    folder = "cgtune/injection/pythonpath"
    ways: dict[str, tuple[Path, Mapping[str, str]]] = {
        "bare": (without, plain),
        "idle": (with_cgtune, plain),
        ".pth": (with_cgtune, injected),
        "folder": (without, {**injected, "PYTHONPATH": str(packages / folder)}),
        "no .pyc": (
            without,
            {**injected, "PYTHONPATH": str(never_compiled / folder), "PYTHONDONTWRITEBYTECODE": "1"},
        ),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 3):
        for name, (environment, variables) in ways.items():
            elapsed_ms = _start(environment / "bin/python", variables)
            # The first turns fill the caches, and write the byte code.
            if turn >= 3:
                times[name].append(elapsed_ms)
    row = {"bare": statistics.median(times["bare"])}
    for name in list(ways)[1:]:
        pairs = zip(times[name], times["bare"], strict=True)
        row[name] = statistics.median(way - bare for way, bare in pairs)
    line = subprocess.run([with_cgtune / "bin/python", "-c", _LINE], env=plain, capture_output=True, check=True)
    return row | {"line": float(line.stdout)}


def _start(python: Path, variables: Mapping[str, str]) -> float:
    argv = [str(python), "-c", "pass"]
    start = time.perf_counter()
    _, status = os.waitpid(os.posix_spawn(argv[0], argv, variables), 0)
    if status:
        raise SystemExit(f"bench.injection: {' '.join(argv)} failed")
    return (time.perf_counter() - start) * 1000


def measure_all(wheel: Path, turns: int = TURNS, minors: Collection[int] = MINORS) -> dict[str, dict[str, float]]:
    """The rows of each of these Pythons that is found, by version."""
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for minor, python in find_pythons().items():
            if minor not in minors:
                continue
            here = Path(folder) / f"3.{minor}"
            with_cgtune = install(python, here / "with", wheel).parent
            subprocess.run([python, "-m", "venv", "--without-pip", here / "without"], check=True)
            (packages,) = with_cgtune.glob("lib/python3*/site-packages")
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(packages / "cgtune", here / "never-compiled/cgtune", ignore=ignored)
            rows[f"3.{minor}"] = measure(with_cgtune, here / "without", here / "never-compiled", turns)
    return rows


def main() -> int:
    """Print the table; 1 where the promise is not held."""
    wheel = Path(sys.argv[1]) if len(sys.argv) > 1 else next(Path(sys.prefix).glob("wheel/*.whl"), None)
    if wheel is None:
        raise SystemExit("bench.injection: which wheel? python -m bench.injection WHEEL")
    print("Python  bare ms  idle +ms  (line us)  .pth +ms  folder +ms  no .pyc +ms")
    kept = True
    for version, row in measure_all(wheel).items():
        kept = kept and max(row[".pth"], row["folder"]) < PROMISED_MS and row["line"] < PROMISED_LINE_US
        print(
            f"{version:>6}  {row['bare']:7.1f}  {row['idle']:8.2f}  {row['line']:9.0f}"
            f"  {row['.pth']:8.2f}  {row['folder']:10.2f}  {row['no .pyc']:11.2f}"
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
