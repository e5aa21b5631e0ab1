"""The parsers of files that hold one value, and what all parsers have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cgtune import parse

NOISE = st.binary(max_size=60) | st.text("0123456789-,. \n\tmaxE+_", max_size=20).map(str.encode)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("max\n", None),
        ("max", None),
        ("0\n", 0),
        ("11114\n", 11114),
        ("21474836480", 21474836480),
        ("9223372036854771712\n", 9223372036854771712),
        ("18446744073709551615\n", 18446744073709551615),
    ],
)
def test_a_v2_limit(text: str, limit: int | None) -> None:
    """A number is that number, "max" is none; the newline may be missing."""
    assert parse.parse_limit(text.encode()) == limit


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "-1",
        "-51114",
        "0.1",
        "1e3",
        "+5",
        "1_000",
        "0x10",
        "Suspicious12312312",
        "string@",
        "maximum",
        "ma",
        "max max",
        "MAX",
        "5 5",
        "5\n5",
        "5\0",
        "٣",
        "9" * 21,
    ],
)
def test_no_v2_limit(text: str) -> None:
    """What the kernel would not write is an error, also what `int()` alone would take."""
    with pytest.raises(ValueError, match="not a number"):
        parse.parse_limit(text.encode())


@pytest.mark.parametrize(("text", "limit"), [("-1\n", None), ("-1", None), ("0\n", 0), ("268435456\n", 268435456)])
def test_a_v1_limit(text: str, limit: int | None) -> None:
    """v1 writes -1 where v2 writes "max"."""
    assert parse.parse_signed_limit(text.encode()) == limit


@pytest.mark.parametrize("text", ["-2", "-50000", "-", "--1", "- 1", "max", "", "-1 -1"])
def test_no_v1_limit(text: str) -> None:
    """Only -1 is "no limit": any other sign is a quota gone wrong, and v2's word is none of v1's."""
    with pytest.raises(ValueError, match="not a number"):
        parse.parse_signed_limit(text.encode())


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("max 100000\n", None),
        ("max", None),
        ("10000 100000", 0.1),
        ("50000 100000\n", 0.5),
        ("250000 100000", 2.5),
        ("1000000 100000", 10.0),
        ("12000000 1000000", 12.0),
        ("2005 10", 200.5),
        ("500000", 5.0),
        ("1000000000", 10_000.0),
    ],
)
def test_cpu_max(text: str, cores: float | None) -> None:
    """Quota by period; a lone quota has the kernel's default period of 100 ms."""
    found = parse.parse_cpu_max(text.encode())
    assert (None if found is None else found[0] / found[1]) == cores


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "asdf 100000",
        "500000 njn",
        "500000us 100000",
        "250000 100000 100",
        "250000 0",
        "0 100000",
        "0",
        "max 0",
        "max x",
        "-1 100000",
        "100000 max",
        "0.5",
        "50000100000",
        "50000,100000",
    ],
)
def test_no_cpu_max(text: str) -> None:
    """Neither zero, nor a sign, nor a third field, nor two numbers that lost their space is a quota."""
    with pytest.raises(ValueError, match=r"not a |of 0|in one"):
        parse.parse_cpu_max(text.encode())


@pytest.mark.parametrize(
    ("quota", "period", "cores"),
    [("-1\n", "100000\n", None), ("-1", None, None), ("10000", "100000", 0.1), ("1000000\n", "100000\n", 10.0)],
)
def test_v1_quota_and_period(quota: str, period: str | None, cores: float | None) -> None:
    """A quota of -1 is none, and needs no period."""
    found = parse.parse_cfs(quota.encode(), None if period is None else period.encode())
    assert (None if found is None else found[0] / found[1]) == cores


@pytest.mark.parametrize(
    ("quota", "period"),
    [("100", "0"), (",", ""), ("", "100000"), ("0", "100000"), ("100", None), ("100", "-1"), ("max", "100000")],
)
def test_no_v1_quota_and_period(quota: str, period: str | None) -> None:
    """A quota whose period is missing, zero or malformed is an error: the level is unknown."""
    with pytest.raises(ValueError, match=r"not a number|of 0|without a period"):
        parse.parse_cfs(quota.encode(), None if period is None else period.encode())


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("\n", 0),
        ("0", 1),
        ("1000", 1),
        ("0-11", 12),
        ("0,1,2,4\n", 4),
        ("0,1-2,3", 4),
        ("0,1,2-3,4", 5),
        ("0-1,2-3,4-5", 6),
        ("0-2,3-5,6-8", 9),
        ("0-63", 64),
        ("0-10,20,50-63", 26),
        ("1-2,5-8,10,12,4", 9),
        ("0-8191", 8192),
    ],
)
def test_a_cpu_list(text: str, count: int) -> None:
    """Single CPUs and ranges, in any order; an empty list has none."""
    assert parse.parse_cpu_list(text.encode()) == count


@pytest.mark.parametrize(
    "text",
    [
        "-11",
        "0-",
        "d-22",
        "22-d",
        "22-18",
        "aaaa",
        "    d  182-1923",
        "1-18-22",
        "0.9,8-,-9,7",
        "0-2,1-3",
        "1,1",
        ",",
        "0,",
        ",0",
        "0 1",
        "0- 1",
        "0 -1",
        "0, 1",
        "0-3:1/2",
        "all",
    ],
)
def test_no_cpu_list(text: str) -> None:
    """A backward range, a CPU twice or anything but a list is an error."""
    with pytest.raises(ValueError, match=r"not a number|not a CPU list|twice"):
        parse.parse_cpu_list(text.encode())


@given(st.sets(st.integers(0, 300), min_size=1))
def test_a_cpu_list_counts_its_cpus(cpus: set[int]) -> None:
    """Written as single CPUs or as ranges, a set of n CPUs counts n."""
    ranges: list[list[int]] = []
    for cpu in sorted(cpus):
        if ranges and ranges[-1][1] == cpu - 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    as_ranges = ",".join(f"{first}-{last}" if last > first else str(first) for first, last in ranges)
    assert parse.parse_cpu_list(as_ranges.encode()) == len(cpus)
    assert parse.parse_cpu_list(",".join(map(str, cpus)).encode()) == len(cpus)


PARSERS: dict[str, Callable[[bytes], Any]] = {
    "integer": parse.parse_integer,
    "limit": parse.parse_limit,
    "signed limit": parse.parse_signed_limit,
    "cpu max": parse.parse_cpu_max,
    "cpu list": parse.parse_cpu_list,
    "pressure": parse.parse_pressure,
    "allowed cpus": parse.parse_allowed_cpus,
    "environ": parse.parse_environ,
    "is gvisor kernel": parse.is_gvisor_kernel,
    "cfs": lambda data: parse.parse_cfs(data, data),
    "cfs period": lambda data: parse.parse_cfs(b"50000", data),
    "key": lambda data: parse.parse_key(data, b"a"),
    "meminfo": lambda data: parse.parse_meminfo(b"MemTotal:" + data, b"MemTotal"),
    "pressure average": lambda data: parse.parse_pressure(b"some avg10=" + data),
    "pressure total": lambda data: parse.parse_pressure(b"some avg10=0.0 total=" + data),
}


@pytest.mark.parametrize("name", PARSERS)
@given(data=NOISE)
@example(data=b"\xd9\xa3")
@example(data=b"9" * 5000)
def test_noise_is_a_value_error_at_most(name: str, data: bytes) -> None:
    """Any bytes give a value or a ValueError, never another exception."""
    try:
        PARSERS[name](data)
    except ValueError:
        pass


@given(NOISE)
def test_a_number_is_read_as_the_kernel_prints_it(data: bytes) -> None:
    """What is taken for a number is ASCII digits with white space around, and at most 20 of them."""
    try:
        number = parse.parse_integer(data)
    except ValueError:
        return
    assert data.strip().lstrip(b"0").decode("ascii") == (str(number) if number else "")
    assert 0 <= number < 10**20
