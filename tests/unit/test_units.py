"""Quantities as people write them, and as people read them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cgtune.units import format_bytes, format_cores, parse_bytes, parse_cores

QUANTITIES = st.text("0123456789.eE+-kKMGTPEim _n", max_size=12) | st.text(max_size=8)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("268435456", 268435456),
        ("512Mi", 512 << 20),
        ("1.5Gi", 3 << 29),
        ("1Ki", 1024),
        ("1k", 1000),
        ("512M", 512_000_000),
        ("1e9", 10**9),
        ("1E3", 1000),
        ("1E", 10**18),
        ("7Ei", 7 << 60),
        (" 64Mi ", 64 << 20),
        ("0.5Ki", 512),
    ],
)
def test_a_size(text: str, size_bytes: int) -> None:
    """Kubernetes' suffixes: binary with an "i", decimal without, exponents, or plain bytes."""
    assert parse_bytes(text) == size_bytes


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "Mi",
        "512m",
        "512g",
        "1K",
        "512 Mi",
        "512MiB",
        "1_000",
        "٣",
        "nan",
        "inf",
        "0x10",
        "1,5Gi",
        "0",
        "-1",
        "-5Mi",
        "0.5",
        "1e999",
        "9e18k",
        "8Ei",
        "9223372036854775808",
        "1" * 41,
    ],
)
def test_no_size(text: str) -> None:
    """Docker's "512m" would be half a byte here; nothing, less, or more than 63 bits is no size either."""
    with pytest.raises(ValueError, match=r"no size|out of range"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("text", "cores"), [("500m", 0.5), ("1.5", 1.5), ("2", 2.0), ("100m", 0.1), (" 1 ", 1.0), ("1e1", 10.0)]
)
def test_cores(text: str, cores: float) -> None:
    """Whole, fractions, or thousandths with an "m"."""
    assert parse_cores(text) == cores


@pytest.mark.parametrize(
    "text", ["", "m", "0", "0m", "-1", "1mm", "1M", "nan", "inf", "1e999", "1e-999", "2 cores", "٣"]
)
def test_no_cores(text: str) -> None:
    """Nothing, less, endless or another suffix."""
    with pytest.raises(ValueError, match=r"no CPU quantity|out of range"):
        parse_cores(text)


@given(QUANTITIES)
@example("1e400")
@example("1e400Ei")
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    """Never another exception, and never a quantity out of range."""
    for parse, largest in ((parse_bytes, 2**63), (parse_cores, 2**20)):
        try:
            value = parse(text)
        except ValueError:
            continue
        assert 0 < value <= largest


@given(st.integers(1, 2**53))
def test_plain_bytes_come_back(size_bytes: int) -> None:
    """A number without a suffix is exact."""
    assert parse_bytes(str(size_bytes)) == size_bytes


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (20, "20 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (128 << 20, "128 MiB"),
        (3 << 29, "1.5 GiB"),
        (134217728000, "125 GiB"),
        (1 << 60, "1024 PiB"),
    ],
)
def test_a_size_for_people(size_bytes: int, text: str) -> None:
    """Binary units, about three figures, no decimals where they say nothing."""
    assert format_bytes(size_bytes) == text


@pytest.mark.parametrize(
    ("cores", "text"), [(0.5, "0.50"), (2.0, "2.00"), (0.01, "0.01"), (0.005, "0.005"), (64, "64.00")]
)
def test_cores_for_people(cores: float, text: str) -> None:
    """Two decimals, and more where two would show nothing."""
    assert format_cores(cores) == text
