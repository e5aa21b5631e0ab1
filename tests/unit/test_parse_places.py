"""The parsers of where a process is: /proc/self/cgroup and /proc/self/mountinfo."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cgtune import parse
from cgtune.parse import Membership, Mount
from tests.unit.trees import v1_mount, v2_mount

NAMES = st.text(st.characters(blacklist_characters="/\n\0", blacklist_categories=["Cs"]), min_size=1, max_size=8)
PATHS = st.lists(NAMES, max_size=4).map(lambda names: "/" + "/".join(names))


def membership(v1: dict[str, str] | None = None, v2: str | None = None, malformed: int = 0) -> Membership:
    """What `parse_membership` should have found."""
    return Membership(v1_paths=v1 or {}, v2_path=v2, malformed_lines=malformed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", membership()),
        ("0::/\n", membership(v2="/")),
        ("0::/", membership(v2="/")),
        ("0::/a:b:c\n", membership(v2="/a:b:c")),
        ("0::/x y\n", membership(v2="/x y")),
        ("0::/gone (deleted)\n", membership(v2="/gone (deleted)")),
        ("4:cpu,cpuacct:/a\n", membership({"cpu": "/a", "cpuacct": "/a"})),
        ("12:memory:/s:cri:9\n0::/u\n", membership({"memory": "/s:cri:9"}, "/u")),
        ("1:name=systemd:/a\n", membership({"name=systemd": "/a"})),
    ],
)
def test_membership(text: str, expected: Membership) -> None:
    """A path per v1 controller and one for v2; a path may hold colons and spaces."""
    assert parse.parse_membership(text.encode()) == expected


@pytest.mark.parametrize(
    "line", ["", "0", "0:", "0::", "0::a", "x::/a", "-1::/a", "0::/a\0", ":cpu:/a", "a b c", "٣::/a"]
)
def test_a_malformed_membership_line_is_passed_over(line: str) -> None:
    """The lines after it still count, and it is counted (an empty line is none)."""
    found = parse.parse_membership(f"{line}\n4:memory:/m\n0::/b\n".encode())
    assert found == membership({"memory": "/m"}, "/b", malformed=1 if line else 0)


def test_a_malformed_line_takes_the_one_before_with_it() -> None:
    """It may be the rest of that line's path, which would then be only an ancestor, with a looser limit."""
    found = parse.parse_membership(b"5:cpu:/c\n4:memory:/m\n/rest\n0::/a\n/b\n")
    assert found == membership({"cpu": "/c"}, None, malformed=2)


@pytest.mark.parametrize("text", ["1::/a\n", "7:,:/a\n", "0:,:/a\n", "00::/a\n"])
def test_only_id_0_without_controllers_is_the_unified_hierarchy(text: str) -> None:
    """Such a line is well-formed, and says nothing of v2."""
    assert parse.parse_membership(text.encode()) == membership()


@given(st.dictionaries(st.sampled_from(["cpu", "memory", "pids", "name=x"]), PATHS), st.none() | PATHS)
def test_membership_as_the_kernel_writes_it_comes_back(v1: dict[str, str], v2: str | None) -> None:
    """Whatever the names of the cgroups, what was written is what is read."""
    lines = [f"{number}:{name}:{path}\n" for number, (name, path) in enumerate(v1.items(), 1)]
    if v2 is not None:
        lines.append(f"0::{v2}\n")
    assert parse.parse_membership("".join(lines).encode()) == membership(v1, v2)


@pytest.mark.parametrize(
    ("field", "path"),
    [
        (rb"/a/b/c", "/a/b/c"),
        (rb"/a/b\040b/c", "/a/b b/c"),
        (rb"/a/b\011b/c", "/a/b\tb/c"),
        (rb"/a/b\012b/c", "/a/b\nb/c"),
        (rb"/a/b\134b/c", "/a/b\\b/c"),
        (rb"\134b/c", "\\b/c"),
        (rb"/a/\134", "/a/\\"),
        (rb"/a/\134040b", "/a/\\040b"),
        (b"/a/b\xff\\040/c", "/a/b\udcff /c"),
        (rb"\303\244", "ä"),
    ],
)
def test_octal_escapes_are_undone_once(field: bytes, path: str) -> None:
    r"""`\134040` is a backslash and "040", not a space; bytes that are no UTF-8 survive."""
    assert parse.unescape(field) == path


@pytest.mark.parametrize(
    "field", [rb"\08", rb"\089", rb"\04", b"\\", rb"\x20", rb"\400", rb"\777", rb"\000", b"/a\0b"]
)
def test_broken_escapes(field: bytes) -> None:
    """Eight and nine are no octal digits, a byte ends at 377, and no path holds a NUL."""
    assert parse.unescape(field) is None


@given(PATHS)
def test_a_path_as_the_kernel_escapes_it_comes_back(path: str) -> None:
    """Space, tab, newline and backslash are the four that mangle_path() escapes."""
    escaped = b"".join(b"\\%03o" % byte if byte in b" \t\n\\" else bytes([byte]) for byte in path.encode())
    assert parse.unescape(escaped) == path


def test_mounts() -> None:
    """Only the cgroup mounts, in order, with the controllers that v1 names among its options."""
    text = "22 1 8:1 / / rw - ext4 /dev/root rw\n" + v1_mount("cpu,cpuacct", "/docker/3f") + "\n" + v2_mount()
    assert parse.parse_mounts(text.encode()) == [
        Mount(
            device="0:31",
            root="/docker/3f",
            mount_point="/sys/fs/cgroup/cpu,cpuacct",
            is_v2=False,
            controllers=frozenset(("rw", "cpu", "cpuacct")),
        ),
        Mount(device="0:22", root="/", mount_point="/sys/fs/cgroup", is_v2=True, controllers=frozenset()),
    ]


@pytest.mark.parametrize(
    "optional", ["", "shared:1 ", "shared:1 master:2 ", "master:2 propagate_from:3 unbindable ", "future:x "]
)
def test_any_number_of_optional_fields(optional: str) -> None:
    """They stand between the options and the dash."""
    line = f"25 21 0:22 / /sys/fs/cgroup rw,nosuid {optional}- cgroup2 cgroup2 rw"
    assert [mount.mount_point for mount in parse.parse_mounts(line.encode())] == ["/sys/fs/cgroup"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "25 21 0:22 / /sys/fs/cgroup - cgroup2 cgroup2 rw",
        "25 21 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2",
        "25 21 0:22 / /sys/fs/cgroup rw - cgroup2",
        "25 21 0:22 / /sys/fs/cgroup rw - cgroup3 cgroup2 rw",
        "25 21 0:22 / /sys/fs/cgroup rw cgroup2 cgroup2 rw",
        "25 21 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw26 21 0:23 / /x rw - cgroup cgroup rw,memory",
        "25 21 0:22 relative /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
        "25 21 0:22 / sys/fs/cgroup rw - cgroup2 cgroup2 rw",
        "25 21 0:22 /\\08 /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
        "25 21 0:22 / /sys\\400 rw - cgroup2 cgroup2 rw",
        "25 21 0:22 / /sys\0/x rw - cgroup2 cgroup2 rw",
        "25 21 0:22 / /mnt rw - 9p C:\\134Program\\040Files rw,aname=drvfs;path=C:\\;metadata - cgroup x",
    ],
)
def test_what_is_no_cgroup_mount_is_passed_over(line: str) -> None:
    """Malformed lines and other file systems cost nothing but themselves."""
    text = f"{line}\n{v1_mount('memory')}\n"
    assert [mount.mount_point for mount in parse.parse_mounts(text.encode())] == ["/sys/fs/cgroup/memory"]


def test_the_later_of_two_mounts_at_one_place_is_the_visible_one() -> None:
    """It lies on top: the earlier one's root says nothing of what is read there."""
    text = f"{v2_mount('/')}\n{v1_mount('memory')}\n{v2_mount('/job')}\n"
    assert [mount.root for mount in parse.parse_mounts(text.encode()) if mount.is_v2] == ["/job"]


def test_a_controller_is_an_exact_option() -> None:
    """cpuacct is not cpu, and a named hierarchy is no controller."""
    (mount,) = parse.parse_mounts(v1_mount("cpuacct,name=cpu").encode())
    assert "cpu" not in mount.controllers


NOISE = st.binary(max_size=80) | st.text("0123456789:/., \\-\ncgroup2rwa\0", max_size=80).map(str.encode)


@given(NOISE)
@example(b"0::/\xff\xfe\n")
def test_membership_never_raises(data: bytes) -> None:
    """Whatever the bytes, the paths found are absolute and hold neither newline nor NUL."""
    found = parse.parse_membership(data)
    for path in (*found.v1_paths.values(), *([] if found.v2_path is None else [found.v2_path])):
        assert path.startswith("/")
        assert not set(path) & {"\n", "\0"}


@given(NOISE, NOISE, NOISE)
def test_mounts_never_raise(left: bytes, middle: bytes, right: bytes) -> None:
    """Whatever the bytes around and inside a cgroup line, the mounts found are absolute and without NUL."""
    data = b"1 2 0:3 / " + left + b" rw - cgroup2 " + middle + b" rw\n" + right
    for mount in parse.parse_mounts(data) + parse.parse_mounts(left + b" - cgroup" + right):
        assert mount.root.startswith("/")
        assert mount.mount_point.startswith("/")
        assert "\0" not in mount.root + mount.mount_point


@given(NOISE)
def test_unescape_never_raises(data: bytes) -> None:
    """Any field is a path or None, and what has no backslash stays as it is."""
    found = parse.unescape(data)
    if b"\\" not in data and b"\0" not in data:
        assert found == parse.decode(data)
