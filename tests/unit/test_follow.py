"""Limits over time: resized, moved, gone, appeared, forked, and the descriptors given back."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cgtune.detect import read_limits
from cgtune.follow import LimitsReader
from cgtune.host import Host
from tests.unit.test_cases import differences
from tests.unit.trees import V1_NO_LIMIT, Content, Follow, below, lay_out, v1_tree, v2_tree

NEEDS_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/self/fd")


def seen(reader: LimitsReader, *keys: str) -> dict[str, Any]:
    """What a refresh says of each key."""
    document = reader.refresh().as_dict()
    found: dict[str, Any] = {}
    for key in keys:
        section, name = key.split(".")
        found[key] = document[section][name]
    return found


# (tree at first, what is true then, files that change or come, files that go, what is true afterwards)
SEQUENCES: dict[str, tuple[dict[str, Content], dict[str, Any], dict[str, Content], list[str], dict[str, Any]]] = {
    "resized up": (
        v2_tree("/a", {"a/cpu.max": "200000 100000\n", "a/memory.max": "268435456\n"}),
        {"cpu.quota_cores": 2.0, "memory.limit_bytes": 268435456},
        {below("a/cpu.max"): "400000 100000\n", below("a/memory.max"): "536870912\n"},
        [],
        {"cpu.quota_cores": 4.0, "memory.limit_bytes": 536870912},
    ),
    "resized below what is used": (
        v2_tree("/a", {"a/memory.max": "536870912\n", "a/memory.current": "400000000\n"}),
        {"memory.limit_bytes": 536870912, "memory.available_bytes": 136870912},
        {below("a/memory.max"): "268435456\n"},
        [],
        {"memory.limit_bytes": 268435456, "memory.available_bytes": 0},
    ),
    "one digit more": (
        v2_tree("/a", {"a/memory.max": "26843545\n"}),
        {"memory.limit_bytes": 26843545},
        {below("a/memory.max"): "268435456\n"},
        [],
        {"memory.limit_bytes": 268435456},
    ),
    "a line more": (
        v2_tree("/a", {"a/memory.max": "500\n"}),
        {"memory.limit_bytes": 500},
        {"/proc/self/cgroup": "0::/a\n4:memory:/b\n"},
        [],
        {"memory.limit_bytes": None, "memory.status": "unknown"},
    ),
    "limit removed": (
        v2_tree("/a", {"a/cpu.max": "200000 100000\n"}),
        {"cpu.quota_cores": 2.0},
        {below("a/cpu.max"): "max 100000\n"},
        [],
        {"cpu.quota_cores": None, "cpu.status": "unlimited"},
    ),
    "moved to another cgroup": (
        v2_tree("/a", {"a/cpu.max": "200000 100000\n", "b/cpu.max": "100000 100000\n"}),
        {"cpu.quota_cores": 2.0, "cpu.path": "/a"},
        {"/proc/self/cgroup": "0::/b\n"},
        [],
        {"cpu.quota_cores": 1.0, "cpu.path": "/b"},
    ),
    "controller enabled later": (
        v2_tree("/a", {"a/cgroup.procs": "1\n", "cgroup.controllers": "cpu memory\n"}),
        {"cpu.quota_cores": None, "cpu.status": "unlimited"},
        {below("a/cpu.max"): "50000 100000\n"},
        [],
        {"cpu.quota_cores": 0.5},
    ),
    "parent tightened": (
        v2_tree(
            "/s.slice/x.service", {"s.slice/cpu.max": "max 100000\n", "s.slice/x.service/cpu.max": "300000 100000\n"}
        ),
        {"cpu.quota_cores": 3.0},
        {below("s.slice/cpu.max"): "100000 100000\n"},
        [],
        {"cpu.quota_cores": 1.0, "cpu.limit_dir": below("s.slice")},
    ),
    "cgroup removed": (
        v2_tree("/a", {"a/cpu.max": "200000 100000\n", "cpu.max": "400000 100000\n"}),
        {"cpu.quota_cores": 2.0},
        {"/proc/self/cgroup": "0::/a (deleted)\n"},
        [below("a/cpu.max")],
        {"cpu.quota_cores": None, "cpu.status": "unknown"},
    ),
    "leaf gone": (
        v2_tree("/a", {"b/cpu.max": "max\n", "a/cpu.max": "200000 100000\n", "cpu.max": "400000 100000\n"}),
        {"cpu.quota_cores": 2.0},
        {},
        [below("a/cpu.max"), below("a")],
        {"cpu.quota_cores": None, "cpu.status": "unknown"},
    ),
    "controller disabled": (
        v2_tree("/a", {"a/cpu.max": "200000 100000\n", "a/cgroup.procs": "1\n", "cpu.max": "400000 100000\n"}),
        {"cpu.quota_cores": 2.0},
        {},
        [below("a/cpu.max")],
        {"cpu.quota_cores": 4.0},
    ),
    "broken and mended": (
        v2_tree("/a", {"a/cpu.max": "broken\n"}),
        {"cpu.status": "unknown"},
        {below("a/cpu.max"): "50000 100000\n"},
        [],
        {"cpu.status": "limited", "cpu.quota_cores": 0.5},
    ),
    "v1 hidden ancestor tightened": (
        v1_tree(
            "/",
            {"memory/memory.limit_in_bytes": V1_NO_LIMIT, "memory/memory.stat": "hierarchical_memory_limit 500\n"},
        ),
        {"memory.limit_bytes": 500},
        {below("memory/memory.stat"): "hierarchical_memory_limit 400\n"},
        [],
        {"memory.limit_bytes": 400},
    ),
    "cpu set shrunk": (
        v2_tree("/", {"cpuset.cpus.effective": "0-7\n"}),
        {"cpu.cpuset_count": 8},
        {below("cpuset.cpus.effective"): "0-1\n"},
        [],
        {"cpu.cpuset_count": 2, "cpu.effective_cores": 2.0},
    ),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_refresh_sees_what_became_of_the_machine(name: str, follow: Follow, tmp_path: Path) -> None:
    """Whatever decided a figure is looked at again."""
    files, before, changed, removed, after = SEQUENCES[name]
    reader = follow(files)
    assert differences(before, reader.refresh().as_dict()) == {}
    lay_out(tmp_path, changed)
    for path in removed:
        target = tmp_path / path.lstrip("/")
        if target.is_dir():
            target.rmdir()
        else:
            target.unlink()
    assert differences(after, reader.refresh().as_dict()) == {}


def test_nothing_new_is_the_same_object(follow: Follow, tmp_path: Path) -> None:
    """Also where a file says other things than those that decide: memory.stat and usage change all the time."""
    tree = v1_tree(
        "/",
        {
            "memory/memory.limit_in_bytes": "500\n",
            "memory/memory.usage_in_bytes": "100\n",
            "memory/memory.stat": "cache 1\nhierarchical_memory_limit 500\n",
        },
    )
    reader = follow(tree)
    first = reader.refresh()
    assert reader.refresh() is first
    lay_out(
        tmp_path,
        {
            below("memory/memory.usage_in_bytes"): "200\n",
            below("memory/memory.stat"): "cache 77\nhierarchical_memory_limit 500\n",
        },
    )
    assert reader.refresh() is first


def test_read_takes_the_use_anew(follow: Follow, tmp_path: Path) -> None:
    """What `refresh` gives may be as old as the last change; `read` is from now."""
    reader = follow(v2_tree("/", {"memory.max": "500\n", "memory.current": "100\n"}))
    assert reader.refresh().memory.usage_bytes == 100
    lay_out(tmp_path, {below("memory.current"): "200\n"})
    assert reader.refresh().memory.usage_bytes == 100
    assert reader.read().memory.usage_bytes == 200
    assert reader.refresh().memory.usage_bytes == 200


def test_a_changed_affinity_mask_is_seen(follow: Follow, tmp_path: Path) -> None:
    """It is no file of the cgroup, and counts all the same."""
    reader = follow({**v2_tree("/", {}), "/proc/self/status": "Cpus_allowed_list:\t0-3\n"})
    assert reader.refresh().cpu.effective_cores == 4.0
    lay_out(tmp_path, {"/proc/self/status": "Cpus_allowed_list:\t1\n"})
    assert reader.refresh().cpu.effective_cores == 1.0


def test_a_file_that_cannot_be_read_is_tried_again_each_time(follow: Follow, tmp_path: Path) -> None:
    """Unknown is no answer to keep."""
    reader = follow(v2_tree("/a", {"a/cgroup.procs": "1\n"}))
    lay_out(tmp_path, {}, unreadable=[below("a/cpu.max")])
    assert seen(reader, "cpu.status") == {"cpu.status": "unknown"}
    (tmp_path / below("a/cpu.max").lstrip("/")).rmdir()
    lay_out(tmp_path, {below("a/cpu.max"): "50000 100000\n"})
    assert seen(reader, "cpu.quota_cores") == {"cpu.quota_cores": 0.5}


def test_a_file_that_answers_enodev_is_read_anew(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does a kept descriptor of a cgroup that was removed; where reopening gives the same, it is unknown."""
    reader = follow(v2_tree("/a", {"a/cpu.max": "200000 100000\n", "cpu.max": "400000 100000\n"}))
    assert reader.refresh().cpu.quota_cores == 2.0
    real_pread = os.pread

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith("/a/cpu.max"):
            raise OSError(19, "No such device")
        return real_pread(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", pread)
    limits = reader.refresh()
    assert (limits.cpu.status, limits.cpu.quota_cores) == ("unknown", None)
    assert limits.notices[0].message.endswith("/a/cpu.max: No such device")
    monkeypatch.undo()
    assert reader.refresh().cpu.quota_cores == 2.0


def test_a_reader_gives_what_one_detection_gives(follow: Follow, tmp_path: Path) -> None:
    """The two ways to read files have the same answer."""
    reader = follow(v2_tree("/a", {"a/cpu.max": "200000 100000\n", "a/memory.max": "5\n", "a/pids.max": "x\n"}))
    assert reader.refresh() == read_limits(Host(str(tmp_path)))


@NEEDS_LINUX
def test_the_live_machine_can_be_followed() -> None:
    """Whatever this test runs in: nothing raises, and nothing has changed since just now."""
    reader = LimitsReader(Host())
    try:
        assert reader.refresh().cpu.status in ("limited", "unlimited", "unknown")
        if not reader.refresh().unknown:
            assert reader.refresh() is reader.refresh()
    finally:
        reader.close()
