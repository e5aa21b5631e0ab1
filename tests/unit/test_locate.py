"""Membership x mounts -> the directories that hold a controller's files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.cgroup.locate import Chain, locate
from cgtune.parse import Membership, Mount, parse_membership, parse_mounts
from tests.unit.trees import v1_mount, v2_mount


def chain_of(controller: str, membership: str, *mounts: str) -> Chain:
    """The chain, from the texts of the two files."""
    return locate(controller, parse_membership(membership.encode()), parse_mounts("\n".join(mounts).encode()))


@pytest.mark.parametrize(
    ("path", "root", "mount_point", "directories"),
    [
        ("/", "/", "/sys/fs/cgroup", ["/sys/fs/cgroup"]),
        ("/a/b", "/", "/c", ["/c/a/b", "/c/a", "/c"]),
        ("/a/b", "/a", "/c", ["/c/b", "/c"]),
        ("/a/b", "/a/b", "/c", ["/c"]),
        ("/a/b", "/", "/", ["/a/b", "/a", "/"]),
        ("/a/..x/b", "/", "/c", ["/c/a/..x/b", "/c/a/..x", "/c/a", "/c"]),
        ("/../../init.scope", "/../..", "/c", ["/c/init.scope", "/c"]),
        ("/..", "/..", "/c", ["/c"]),
        ("/a b:c", "/a\\040b:c", "/c\\011d", ["/c\td"]),
    ],
)
def test_the_chain_goes_from_the_leaf_to_the_mount_point(
    path: str, root: str, mount_point: str, directories: list[str]
) -> None:
    """The mount's root is taken off the membership's path, and every level up to the mount point counts."""
    chain = chain_of("memory", f"0::{path}\n", v2_mount(root, mount_point))
    assert list(chain.directories) == directories
    assert (chain.version, chain.path, chain.problem, chain.is_certain) == (2, path, None, True)


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/foobar", "/foo"),
        ("/foo", "/foobar"),
        ("/", "/foo"),
        ("/b", "/a"),
        ("/../a", "/"),
        ("/../../init.scope", "/.."),
        ("/..", "/"),
    ],
)
def test_a_v2_cgroup_outside_the_mount_is_not_visible(path: str, root: str) -> None:
    """Components are compared, not characters; what lies above the mount's root cannot be reached by name."""
    chain = chain_of("cpu", f"0::{path}\n", v2_mount(root))
    assert (chain.directories, chain.problem) == ((), "CGROUP_NOT_VISIBLE")


@pytest.mark.parametrize(
    ("path", "root", "mount_point"),
    [("/good", "/bad", "/c"), ("/", "/docker/3f", "/c"), ("/../x", "/", "/c"), ("/foobar", "/foo", "/c")],
)
def test_a_v1_process_outside_the_mount_has_the_mount_point_as_a_stand_in(
    path: str, root: str, mount_point: str
) -> None:
    """Nearer than anything else, but not certain (JDK-8343191)."""
    chain = chain_of("memory", f"4:memory:{path}\n", v1_mount("memory", root, mount_point))
    assert (chain.directories, chain.problem, chain.is_certain) == ((mount_point,), "CGROUP_MOVED", False)


def test_a_deleted_cgroup_has_no_files() -> None:
    """The kernel says so at the end of the path."""
    for membership in ("0::/a (deleted)\n", "4:memory:/a (deleted)\n"):
        chain = chain_of("memory", membership, v2_mount(), v1_mount("memory"))
        assert (chain.directories, chain.problem) == ((), "CGROUP_REMOVED")


def test_without_a_membership_there_is_no_version() -> None:
    """Neither v1 nor v2 can be said of a controller that no line names."""
    chain = chain_of("cpu", "4:memory:/\n", v1_mount("cpu"))
    assert (chain.version, chain.path, chain.directories) == (None, None, ())


def test_without_its_mount_a_controller_is_not_visible() -> None:
    """Other controllers' mounts, and v2's, are no substitute; cpuacct is not cpu."""
    chain = chain_of("cpu", "3:cpu:/\n", v1_mount("memory"), v1_mount("cpuacct"), v2_mount())
    assert (chain.version, chain.problem) == (1, "CGROUP_NOT_VISIBLE")
    assert chain_of("cpu", "0::/\n", v1_mount("cpuset")).problem == "CGROUP_NOT_VISIBLE"


def test_the_version_is_told_controller_by_controller() -> None:
    """On a hybrid machine a v1 line decides for its controller, the unified line for all others."""
    texts = ("5:memory:/m\n0::/u\n", v1_mount("memory"), v2_mount("/", "/sys/fs/cgroup/unified"))
    assert chain_of("memory", *texts).directories == ("/sys/fs/cgroup/memory/m", "/sys/fs/cgroup/memory")
    assert chain_of("cpu", *texts).directories == ("/sys/fs/cgroup/unified/u", "/sys/fs/cgroup/unified")


@pytest.mark.parametrize(
    ("membership", "mounts", "is_certain"),
    [
        ("0::/\n", [v2_mount()], True),
        ("2:freezer:/\n0::/\n", [v2_mount(), v1_mount("freezer")], True),
        ("noise\n0::/\n", [v2_mount()], False),
        ("0::/\n", [v2_mount(), v1_mount("cpu,cpuacct")], False),
        ("0::/\n", [v2_mount(), v1_mount("cpuacct,cpuset")], True),
    ],
)
def test_v2_is_a_guess_where_a_v1_line_may_be_missing(membership: str, mounts: list[str], is_certain: bool) -> None:
    """A line that could not be read may be cpu's; a v1 mount that has cpu proves that one is missing."""
    assert chain_of("cpu", membership, *mounts).is_certain is is_certain


def test_the_conventional_mount_is_preferred_and_then_the_first() -> None:
    """A bind mount of the host's hierarchy elsewhere does not stand in for the one under /sys/fs/cgroup."""
    first, second, usual = (v2_mount("/", place) for place in ("/cgroup-in", "/sys/fs/cgroup2", "/sys/fs/cgroup/u"))
    assert chain_of("cpu", "0::/\n", first, second, usual).directories == ("/sys/fs/cgroup/u",)
    assert chain_of("cpu", "0::/\n", first, second).directories == ("/cgroup-in",)


def test_each_level_is_read_where_it_is_visible() -> None:
    """A second mount that shows more ancestors than the first adds them to the chain."""
    chain = chain_of("cpu", "0::/a/b\n", v2_mount("/a/b"), v2_mount("/", "/host"))
    assert chain.directories == ("/sys/fs/cgroup", "/host/a", "/host")
    assert [mount.mount_point for mount in chain.mounts] == ["/sys/fs/cgroup", "/host", "/host"]


COMPONENTS = st.lists(st.sampled_from(["a", "b", "..", "c d"]), max_size=4)
ANY_MOUNTS = st.lists(
    st.builds(
        lambda root, point, is_v2: Mount(
            device="0:1",
            root="/" + "/".join(root),
            mount_point="/" + "/".join(point),
            is_v2=is_v2,
            controllers=frozenset() if is_v2 else frozenset(["cpu"]),
        ),
        COMPONENTS,
        st.lists(st.sampled_from(["sys", "fs", "cgroup"]), max_size=3),
        st.booleans(),
    ),
    max_size=4,
)


@given(COMPONENTS, ANY_MOUNTS, st.booleans())
def test_a_chain_stays_inside_its_mounts(parts: list[str], mounts: list[Mount], is_v1: bool) -> None:
    """No directory climbs with "..", each is at or below a mount of the right version, the leaf comes first."""
    path = "/" + "/".join(parts)
    membership = Membership(
        v1_paths={"cpu": path} if is_v1 else {}, v2_path=None if is_v1 else path, malformed_lines=0
    )
    chain = locate("cpu", membership, mounts)
    assert bool(chain.directories) == bool(chain.mounts)
    assert chain.directories or chain.problem
    for directory, mount in zip(chain.directories, chain.mounts, strict=True):
        assert ".." not in directory.split("/")
        assert directory.startswith(mount.mount_point.rstrip("/"))
        assert mount.is_v2 is not is_v1
    if chain.is_certain and chain.directories:
        assert len(chain.directories) <= len(parts) + 1
