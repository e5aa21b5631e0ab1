"""In gVisor there are no cgroup files; its memory limit is what it shows as the machine's memory."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from lab import Unavailable
from lab.gvisor import run_in_gvisor
from tests.support import unavailable

pytestmark = pytest.mark.real
CGTUNE = Path(sys.executable).parent / "cgtune"


def _inspect(memory_bytes: int) -> dict[str, Any]:
    try:
        done = run_in_gvisor([CGTUNE, "inspect", "--json"], memory_bytes=memory_bytes, cpu_quota=0.5)
    except Unavailable as reason:
        unavailable(str(reason))
    document: dict[str, Any] = json.loads(done.check().stdout)
    return document


@pytest.mark.parametrize("mib", [192, 256])
def test_the_memory_limit_is_seen(mib: int) -> None:
    """limit_bytes is what the sandbox was given, with a notice of where it is from."""
    seen = _inspect(mib << 20)
    assert seen["container"]["runtime"] == "gvisor"
    assert seen["memory"]["limit_bytes"] == mib << 20
    assert seen["memory"]["source"] == "/proc/meminfo"
    assert "MEMORY_FROM_MACHINE" in [notice["code"] for notice in seen["notices"]]


def test_the_cpu_quota_is_unknown_and_not_unlimited() -> None:
    """A quota of 0.5 cannot be seen inside, so no figure is given."""
    cpu = _inspect(256 << 20)["cpu"]
    assert (cpu["status"], cpu["effective_cores"]) == ("unknown", None)


def test_run_starts_the_program_and_leaves_its_cpu_settings_alone() -> None:
    """`run` says that the CPU limit cannot be told, sets nothing for it, and the program runs."""
    code = "import os; print(sorted(os.environ.keys() & {'WEB_CONCURRENCY', 'OMP_NUM_THREADS'}))"
    script = f'ln -s {sys.executable} /tmp/gunicorn && exec {CGTUNE} run -- /tmp/gunicorn -c "{code}"'
    try:
        done = run_in_gvisor(["/bin/sh", "-c", script], memory_bytes=256 << 20)
    except Unavailable as reason:
        unavailable(str(reason))
    assert done.check().stdout == "[]\n"
    assert "cannot be told" in done.stderr
