"""The one door to the machine: files, affinity and the environment, live and from a recorded tree."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from cgtune import host as host_module
from cgtune.detect import read_limits
from cgtune.follow import LimitsReader
from cgtune.host import Host
from tests.unit.trees import MIB, lay_out, v2_tree

NEEDS_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")


def test_a_file_that_is_not_there_is_none_and_one_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """None for no such file or no such folder; an OSError for a folder in its place."""
    lay_out(tmp_path, {"/proc/file": "text", "/proc/empty": ""}, unreadable=["/proc/folder"])
    recorded = Host(str(tmp_path))
    assert recorded.read("/proc/file") == b"text"
    assert recorded.read("/proc/empty") == b""
    assert recorded.read("/proc/none") is None
    assert recorded.read("/proc/file/below") is None
    with pytest.raises(IsADirectoryError):
        recorded.read("/proc/folder")


def test_a_long_file_is_read_to_its_end(tmp_path: Path) -> None:
    """mountinfo of a container host has hundreds of kilobytes; far more than any kernel writes is refused."""
    text = b"x" * 300_000 + b"\n"
    lay_out(tmp_path, {"/long": text, "/endless": b"x" * (17 << 20)})
    assert Host(str(tmp_path)).read("/long") == text
    with pytest.raises(OSError, match="too large"):
        Host(str(tmp_path)).read("/endless")


def test_a_fifo_in_a_recorded_tree_does_not_block(tmp_path: Path) -> None:
    """It reads as an empty file."""
    os.mkfifo(tmp_path / "fifo")
    assert Host(str(tmp_path)).read("/fifo") == b""


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("absolute", "/proc/1/cgroup"),
        ("relative", "../../proc/1/cgroup"),
        ("escaping", "../../../../proc/1/cgroup"),
        ("chained", "absolute"),
    ],
)
def test_links_of_a_recorded_tree_stay_inside_it(tmp_path: Path, link: str, target: str) -> None:
    """As in a chroot: an absolute target starts at the tree's root, and ".." stops there."""
    lay_out(tmp_path, {"/proc/1/cgroup": "recorded"})
    folder = tmp_path / "some" / "folder"
    folder.mkdir(parents=True)
    (folder / "absolute").symlink_to("/proc/1/cgroup")
    if link != "absolute":
        (folder / link).symlink_to(target)
    assert Host(str(tmp_path)).read(f"/some/folder/{link}") == b"recorded"


def test_proc_self_may_be_a_link(tmp_path: Path) -> None:
    """As it is on every machine."""
    lay_out(tmp_path, {"/proc/42/status": "Cpus_allowed_list:\t0-2\n"})
    (tmp_path / "proc" / "self").symlink_to("42")
    assert Host(str(tmp_path)).affinity_count() == 3


def test_links_without_end_are_an_error(tmp_path: Path) -> None:
    """An OSError, and for `exists` simply nothing."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    recorded = Host(str(tmp_path))
    with pytest.raises(OSError, match="too many symbolic links"):
        recorded.read("/a")
    assert recorded.exists("/a") is False


def test_dots_in_a_path_do_not_leave_the_tree(tmp_path: Path) -> None:
    """The parent of the root is the root."""
    lay_out(tmp_path, {"/x": "inside"})
    assert Host(str(tmp_path)).read("/../../../x") == b"inside"


@pytest.mark.parametrize("root", ["/", "//", ""])
def test_the_root_of_all_is_the_live_machine(root: str) -> None:
    """However it is written."""
    assert Host(root).is_live


def test_nothing_comes_from_outside_a_recorded_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No affinity, CPU count, memory, device or variable of the caller."""
    monkeypatch.setenv("CGTUNE_TEST_VARIABLE", "caller")
    recorded = Host(str(tmp_path))
    assert recorded.affinity_count() is None
    assert recorded.online_count() is None
    assert recorded.physical_bytes() is None
    assert recorded.device_of("/") is None
    assert dict(recorded.environment()) == {}


def test_a_recorded_tree_speaks_for_itself(tmp_path: Path) -> None:
    """Affinity, CPUs and variables as they were recorded, of the process asked for."""
    lay_out(
        tmp_path,
        {
            "/proc/self/status": "Cpus_allowed_list:\t0,2-3\n",
            "/proc/7/status": "Cpus_allowed_list:\t5\n",
            "/proc/self/environ": b"A=1\0",
            "/proc/7/environ": b"A=7\0",
            "/sys/devices/system/cpu/online": "0-7\n",
        },
    )
    recorded, other = Host(str(tmp_path)), Host(str(tmp_path), pid=7)
    assert (recorded.affinity_count(), other.affinity_count()) == (3, 1)
    assert (dict(recorded.environment()), dict(other.environment())) == ({"A": "1"}, {"A": "7"})
    assert recorded.online_count() == 8


def test_the_affinity_of_the_machine_is_the_system_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """sched_getaffinity(2), asked for the process in question."""
    asked: list[int] = []

    def answer(pid: int) -> set[int]:
        asked.append(pid)
        return {0, 3, 5}

    monkeypatch.setattr(os, "sched_getaffinity", answer, raising=False)
    assert (Host().affinity_count(), Host(pid=9).affinity_count()) == (3, 3)
    assert asked == [0, 9]


@NEEDS_LINUX
def test_where_the_call_is_refused_the_status_file_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seccomp filter may refuse it; /proc/self/status has the same mask."""
    expected = len(os.sched_getaffinity(0))

    def refuse(pid: int) -> set[int]:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_getaffinity", refuse)
    assert Host().affinity_count() == expected


@NEEDS_LINUX
def test_the_live_cpu_count_follows_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """`os.cpu_count()` follows PYTHON_CPU_COUNT; sysfs does not."""
    monkeypatch.setattr(os, "cpu_count", lambda: 12345)
    assert Host().online_count() != 12345


def test_without_sysfs_the_live_cpu_count_is_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on other systems than Linux."""
    monkeypatch.setattr(os, "cpu_count", lambda: 12345)
    monkeypatch.setattr(Host, "read", lambda self, path: None)
    assert Host().online_count() == 12345


@NEEDS_LINUX
def test_the_device_of_a_folder_is_as_mountinfo_writes_it() -> None:
    """So the two can be compared."""
    devices = {line.split()[4]: line.split()[2] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    assert Host().device_of("/proc") == devices["/proc"]
    assert Host().device_of("/no/such/folder") is None


def test_another_process_that_is_gone_has_no_environment() -> None:
    """No error, and no variables."""
    assert dict(Host().environment_of("999999999")) == {}


@NEEDS_LINUX
def test_a_broken_meminfo_of_the_machine_is_replaced_by_the_system_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """lxcfs stands in for it in LXC, and can be down: "Transport endpoint is not connected"."""
    real_read = Host.read

    def read(self: Host, path: str) -> bytes | None:
        if path == "/proc/meminfo":
            raise OSError(107, "Transport endpoint is not connected")
        return real_read(self, path)

    monkeypatch.setattr(Host, "read", read)
    limits = read_limits(Host())
    assert limits.memory.host_bytes == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert "memory.host_bytes" not in limits.unknown


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_have_none_of_it(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is opened, nothing raises, and no figure is made up."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "pread", raising=False)

    def open_nothing(*arguments: object, **options: object) -> int:
        raise AssertionError(arguments)

    monkeypatch.setattr(os, "open", open_nothing)
    limits = read_limits(Host())
    assert (limits.cgroup.version, limits.cgroup.mode) == (None, "none")
    assert (limits.cpu.status, limits.cpu.quota_cores, limits.cpu.affinity_count) == ("unknown", None, None)
    assert (limits.memory.limit_bytes, limits.memory.host_bytes, limits.pids.limit) == (None, None, None)
    assert limits.cpu.host_count == os.cpu_count()
    assert [notice.code for notice in limits.notices] == ["MEMBERSHIP_MISSING"]
    reader = LimitsReader(Host())
    assert reader.refresh() == limits
    reader.close()


def test_importing_needs_nothing_that_only_linux_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Windows has no O_NONBLOCK, no O_NOCTTY and no sched_getaffinity; a recorded tree can still be read there."""
    for name in ("O_NONBLOCK", "O_NOCTTY", "sched_getaffinity"):
        monkeypatch.delattr(os, name, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    spec = importlib.util.spec_from_file_location("host_on_windows", host_module.__file__)
    assert spec is not None
    assert spec.loader is not None
    elsewhere = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(elsewhere)
    lay_out(tmp_path, v2_tree("/", {"memory.max": f"{MIB}\n"}))
    assert read_limits(elsewhere.Host(str(tmp_path))).memory.limit_bytes == MIB
