"""Following limits on this machine's own kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import unavailable

pytestmark = pytest.mark.real


@pytest.mark.usefixtures("as_root")
def test_a_follower_keeps_up_with_a_real_kernel() -> None:
    """Limits that change, a tighter parent, moves, a removed cgroup and a fork are all noticed at once."""
    if not os.access("/sys/fs/cgroup", os.W_OK):
        unavailable("no cgroup tree to write to")
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("live_cgroup.py")], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    assert json.loads(done.stdout)["faults"] == []
