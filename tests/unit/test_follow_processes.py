"""What following leaves in a process: descriptors, and what a fork or a daemon makes of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.unit.trees import Follow, below, lay_out, v2_tree

NEEDS_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/self/fd")


@NEEDS_LINUX
def test_a_forked_child_reads_its_own(follow: Follow, tmp_path: Path) -> None:
    """Behind the descriptors that it inherits stands the parent, which may be in another cgroup."""
    reader = follow(v2_tree("/a", {"a/cpu.max": "200000 100000\n", "b/cpu.max": "100000 100000\n"}))
    first = reader.refresh()
    answers, answer = os.pipe()
    child = os.fork()
    if child == 0:
        text = b"failed"
        try:
            # Replaced, as the child's /proc/self is another folder: the inherited descriptor still says /a.
            kept = tmp_path / "proc/self/cgroup"
            kept.rename(kept.with_name("parent"))
            kept.write_text("0::/b\n")
            text = repr(reader.refresh().cpu.quota_cores).encode()
        finally:
            os.write(answer, text)
            os._exit(0)
    os.close(answer)
    with os.fdopen(answers, "rb") as pipe:
        assert pipe.read() == b"1.0"
    os.waitpid(child, 0)
    assert first.cpu.quota_cores == 2.0


@NEEDS_LINUX
def test_an_unchanged_tree_is_read_anew_after_a_fork(follow: Follow) -> None:
    """The negative control of the same object: it is the process that counts, not the files."""
    reader = follow(v2_tree("/a", {"a/cpu.max": "200000 100000\n"}))
    first = reader.refresh()
    child = os.fork()
    if child == 0:
        os._exit(7 if reader.refresh() is first else 8)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 8
    assert reader.refresh() is first


def open_descriptors() -> set[str]:
    """The descriptors of this process."""
    return set(os.listdir("/proc/self/fd"))


@NEEDS_LINUX
@pytest.mark.parametrize("broken", [[], [below("a/cpu.max"), "/proc/self/status"]], ids=["whole", "broken"])
def test_no_descriptor_leaks(broken: list[str], follow: Follow, tmp_path: Path) -> None:
    """Neither of files that were read nor of those that could not be; however often it is read and closed."""
    reader = follow(v2_tree("/a", {"a/cpu.max": "200000 100000\n", "a/memory.max": "5\n", "memory.stat": "a 1\n"}))
    lay_out(tmp_path, {}, unreadable=broken)
    before = open_descriptors()
    for _ in range(100):
        reader.refresh()
        reader.read()
        reader.close()
    assert open_descriptors() == before
    reader.refresh()
    assert len(open_descriptors()) > len(before)
    reader.close()
    reader.close()
    assert open_descriptors() == before


@NEEDS_LINUX
def test_descriptors_do_not_reach_the_hosted_program(follow: Follow) -> None:
    """Each is closed on exec."""
    before = open_descriptors()
    reader = follow(v2_tree("/a", {"a/cpu.max": "200000 100000\n"}))
    reader.refresh()
    kept = [int(name) for name in open_descriptors() - before if os.path.exists(f"/proc/self/fd/{name}")]
    assert kept
    assert not any(os.get_inheritable(descriptor) for descriptor in kept)


@NEEDS_LINUX
def test_a_daemon_that_closed_everything_can_go_on(follow: Follow) -> None:
    """Its descriptors are gone without the reader's knowledge: everything is opened anew, and nothing raises."""
    before = open_descriptors()
    reader = follow(v2_tree("/a", {"a/cpu.max": "200000 100000\n"}))
    reader.refresh()
    for name in open_descriptors() - before:
        try:
            os.close(int(name))
        except OSError:
            continue
    assert reader.refresh().cpu.quota_cores == 2.0
