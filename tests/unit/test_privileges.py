"""What a supervisor may not do, told from the kernel's own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.host import Host
from cgtune.privileges import Privileges, describe_limits, parse_status, read_privileges

ALL = 0x1FFFFFFFFFF
DOCKER = 0xA80425FB  # its default: KILL and SETUID, no SYS_PTRACE
KILL, MEMORY, CGROUP = "cannot be signalled", "cannot be read", "not ours to change"
CASES: dict[str, tuple[Privileges, tuple[str, ...]]] = {
    "all": (Privileges(capabilities=ALL, is_delegated=True), ()),
    "docker": (Privileges(capabilities=DOCKER, is_delegated=False), (MEMORY, CGROUP)),
    "none": (Privileges(capabilities=0, is_delegated=False), (CGROUP,)),
    "only another user": (Privileges(capabilities=1 << 7), (KILL, MEMORY)),
    "unknown": (Privileges(), ("cannot be told",)),
}


@pytest.mark.parametrize("case", CASES)
def test_each_thing_that_cannot_be_done_is_said(case: str) -> None:
    """And nothing of programs that can never be another user's."""
    privileges, parts = CASES[case]
    lines = describe_limits(privileges)
    assert len(lines) == len(parts)
    assert all(part in line for part, line in zip(parts, lines, strict=True))


def test_the_kernels_lines_are_read() -> None:
    """The capabilities in force."""
    status = b"Name:\tx\nUid:\t1000\t33\t0\t0\nCapPrm:\t0\nCapEff:\t00000000a80425fb\n"
    assert parse_status(status) == Privileges(capabilities=DOCKER)
    assert parse_status(b"CapEff:\tz\n") == Privileges()


@given(st.binary(max_size=80) | st.binary(max_size=20).map(lambda data: b"CapEff:" + data + b"\nUid: 1 " + data))
def test_whatever_the_kernel_says_is_no_error(status: bytes) -> None:
    """Unknown at worst."""
    assert isinstance(describe_limits(parse_status(status)), list)


def test_this_process_is_read() -> None:
    """Its real capabilities; a cgroup that is not there is not ours."""
    privileges = read_privileges(Host(), "/no/such")
    assert privileges.capabilities is not None
    assert privileges.is_delegated is False
    assert read_privileges(Host(), None).is_delegated is None
