"""The parsers of files with many lines: memory.stat, meminfo, pressure, status, environ, version."""

from __future__ import annotations

import pytest

from cgtune import parse


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("foo 100", 100),
        ("foo\t111", 111),
        ("foo\nbar 333\nfoo\t111", 111),
        ("foof 100\nfoo 133\n", 133),
        ("foo\t333\nfoot 999", 333),
        ("foo 1\nfoo car", 1),
        ("faulty_start foo 101", None),
        ("total_foo 7\n", None),
        ("", None),
        ("foo\n", None),
        ("foof 1002", None),
    ],
)
def test_a_key_of_a_flat_keyed_file(text: str, number: int | None) -> None:
    """The first line that is just the key and a number counts; a longer key is another key."""
    assert parse.parse_key(text.encode(), b"foo") == number


@pytest.mark.parametrize("text", ["foo ", "foo \nbar 1", "foo x", "foo 1 2", "foo -1"])
def test_a_key_without_a_number(text: str) -> None:
    """A line with the key and no number is an error, not an absent key."""
    with pytest.raises(ValueError, match="not a number"):
        parse.parse_key(text.encode(), b"foo")


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("MemTotal:       131637608 kB\n", 134796910592),
        ("MemTotal: 16233760 kB", 16623370240),
        ("MemFree: 1 kB\nMemTotal: 231 kB\nMemAvailable: 5 kB\n", 236544),
    ],
)
def test_the_machines_memory(text: str, size_bytes: int) -> None:
    """MemTotal is in kB, wherever its line stands."""
    assert parse.parse_meminfo(text.encode(), b"MemTotal") == size_bytes


@pytest.mark.parametrize(
    "text", ["", "MemTotal", "MemTotal: 5 MB\n", "MemTotal: 5\n", "XMemTotal: 5 kB\n", "MemTotal: x kB"]
)
def test_no_meminfo(text: str) -> None:
    """Each kernel writes MemTotal in kB; a text without it is no meminfo."""
    with pytest.raises(ValueError, match=r"not a |no MemTotal"):
        parse.parse_meminfo(text.encode(), b"MemTotal")


def test_memory_available_came_with_linux_3_14() -> None:
    """A meminfo without MemAvailable is an old kernel's, and no error."""
    assert parse.parse_meminfo(b"MemTotal: 5 kB\n", b"MemAvailable") is None


PRESSURE = b"some avg10=1.25 avg60=0.10 avg300=0.00 total=123\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=45\n"


def test_pressure() -> None:
    """The last ten seconds in percent, and all stalled time in microseconds."""
    expected = parse.Pressure(some_avg10=1.25, some_total_us=123, full_avg10=0.5, full_total_us=45)
    assert parse.parse_pressure(PRESSURE) == expected


def test_pressure_of_a_cpu_before_linux_5_13() -> None:
    """cpu.pressure had no "full" line then: None, not 0."""
    pressure = parse.parse_pressure(PRESSURE.splitlines()[0])
    assert (pressure.some_total_us, pressure.full_total_us) == (123, None)


@pytest.mark.parametrize(
    "text", ["", "some\n", "some avg10=x total=1", "some avg10=1.5", "some total=1", "full avg10=0.0 total=1"]
)
def test_no_pressure(text: str) -> None:
    """A line without its figures, or none at all, is an error."""
    with pytest.raises(ValueError, match=r"no avg10|no pressure|not a "):
        parse.parse_pressure(text.encode())


@pytest.mark.parametrize(
    ("text", "count"),
    [("Name:\tx\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\n", 2), ("Name:\tx\n", None), ("", None)],
)
def test_allowed_cpus(text: str, count: int | None) -> None:
    """/proc/PID/status has the affinity mask as a list."""
    assert parse.parse_allowed_cpus(text.encode()) == count


def test_environ() -> None:
    """NUL ends an entry; a value may hold "=", newlines and any bytes; what has no "=" is no variable."""
    found = parse.parse_environ(b"A=1\0B=x=y\nz\0junk\0C=\xff\0D=\0")
    assert found == {"A": "1", "B": "x=y\nz", "C": "\udcff", "D": ""}


@pytest.mark.parametrize(
    ("text", "is_gvisor"),
    [
        ("Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016\n", True),
        ("Linux version 4.4.0-21-generic (buildd@lgw01) #37-Ubuntu SMP\n", False),
        ("", False),
    ],
)
def test_gvisors_kernel_version(text: str, is_gvisor: bool) -> None:
    """gVisor always claims one build of 4.4.0; other kernels of that version are not it."""
    assert parse.is_gvisor_kernel(text.encode()) is is_gvisor
