"""`make bench`: the measurements behind the figures in the documentation, one after another."""

from __future__ import annotations

import platform
import subprocess
import sys

PARTS = (
    "bench.startup",
    "bench.supervisor",
    "bench.injection",
    "bench.detection",
    "bench.under_limits",
    "bench.oracle",
    "bench.preload",
    "bench.worker_size",
)


def main() -> int:
    """Run each part in a process of its own; 1 if one broke its promise or could not run."""
    print(f"{platform.system()} {platform.release()}, {platform.machine()}, Python {platform.python_version()}\n")
    failed = 0
    for part in PARTS:
        print(f"## python -m {part}\n", flush=True)
        failed |= subprocess.run([sys.executable, "-m", part], check=False).returncode
        print(flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
