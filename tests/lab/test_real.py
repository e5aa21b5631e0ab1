"""The lab itself: limits asked for are what a container sees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import Unavailable, gvisor
from lab.engine import Engine, engine
from lab.host_image import host_image, host_mount_options
from tests.support import unavailable

pytestmark = pytest.mark.real

_LIMITS = ["--cpus", "0.5", "--memory", "64m", "--memory-swap", "64m", "--pids-limit", "50"]
# v2 first, then v1: the same three limits.
_READ = """\
cd /sys/fs/cgroup
cat cpu.max memory.max pids.max 2>/dev/null ||
cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us memory/memory.limit_in_bytes pids/pids.max
"""


@pytest.fixture(scope="module")
def docker() -> Iterator[Engine]:
    try:
        with engine() as running:
            yield running
    except Unavailable as reason:
        unavailable(str(reason))


def test_a_container_sees_its_limits(docker: Engine) -> None:
    """What `docker run` was asked for stands in the container's /sys/fs/cgroup, and the exit code comes through."""
    options = [*host_mount_options(), *_LIMITS]
    seen = docker.run(host_image(docker), ["sh", "-c", f"{_READ}\nexit 7"], docker_options=options)
    assert seen.stdout.split() == ["50000", "100000", str(64 << 20), "50"]
    assert seen.returncode == 7


def test_a_running_container_has_a_folder_here(docker: Engine) -> None:
    """Its cgroup can be read from outside, where a load generator is."""
    options = [*host_mount_options(), *_LIMITS]
    with docker.start(host_image(docker), ["sleep", "1000"], docker_options=options) as container:
        members = (container.cgroup("pids") / "cgroup.procs").read_text().split()
        assert str(container.pid) in members
        assert container.is_running


def test_gvisor_shows_its_limit_as_the_machine() -> None:
    """In gVisor there is no cgroup to read, and the memory limit is MemTotal."""
    try:
        seen = gvisor.run_in_gvisor(
            ["sh", "-c", "cat /proc/self/cgroup; grep MemTotal /proc/meminfo"], memory_bytes=256 << 20
        )
    except Unavailable as reason:
        unavailable(str(reason))
    assert seen.stdout.split() == ["MemTotal:", str(256 << 10), "kB"]
