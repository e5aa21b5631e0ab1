"""Quantities as people write them, and as people read them.

Sizes and cores are written as Kubernetes writes them (apimachinery's `resource.Quantity`):

    memory   "512Mi" "1.5Gi" binary, "512M" "1G" decimal, "1e9", "268435456"; Docker's "512m" "1g" are *not*
             accepted for memory, because "m" is Kubernetes' milli: 512m would be half a byte
    cpu      "500m" -> 0.5, "1.5", "2"
"""

from __future__ import annotations

_BINARY = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60}
_DECIMAL = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_LARGEST_BYTES = 1 << 63
_LARGEST_CORES = 1 << 20


def parse_bytes(text: str) -> int:
    """Bytes of a Kubernetes memory quantity; ValueError says what is wrong with it."""
    stripped = text.strip()
    factor = 1
    for table in (_BINARY, _DECIMAL):
        for suffix, size in table.items():
            if stripped.endswith(suffix):
                stripped, factor = stripped[: -len(suffix)], size
                break
        if factor != 1:
            break
    number = _number(stripped)
    if number is None:
        hint = f": {stripped[:-1]}Mi? A small m is milli here" if stripped.endswith("m") else ""
        raise ValueError(f"{text!r} is no size{hint or '; write it like 512Mi, 1.5Gi, 1G or 536870912'}")
    # Before int(), which has no answer for the infinity that 1e999 is.
    if not 1 <= number * factor < _LARGEST_BYTES:
        raise ValueError(f"{text!r} is out of range for a size")
    return int(number * factor)


def parse_cores(text: str) -> float:
    """Cores of a Kubernetes CPU quantity; ValueError says what is wrong with it."""
    stripped = text.strip()
    factor = 1.0
    if stripped.endswith("m"):
        stripped, factor = stripped[:-1], 1000.0
    number = _number(stripped)
    if number is None:
        raise ValueError(f"{text!r} is no CPU quantity; write it like 500m, 1.5 or 2")
    cores = number / factor
    if not 0 < cores <= _LARGEST_CORES:
        raise ValueError(f"{text!r} is out of range for a CPU quantity")
    return cores


def _number(text: str) -> float | None:
    """A plain decimal number; float() alone would also take "nan", "inf", "1_000" and other scripts' digits."""
    if not text or len(text) > 40 or not all(char in "0123456789.eE+-" for char in text):
        return None
    try:
        return float(text)
    except ValueError:
        return None


def format_bytes(size_bytes: int) -> str:
    """A size for people, in binary units with about three figures: 128 MiB, 1.5 GiB, 20 B."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1024 or unit == "PiB":
            break
        size /= 1024
    if unit == "B":
        return f"{size_bytes} B"
    text = f"{size:.1f}" if size < 100 else f"{size:.0f}"
    return f"{text[:-2] if text.endswith('.0') else text} {unit}"


def format_cores(cores: float) -> str:
    """Cores for people, two decimals: 0.50; more where two would show nothing: 0.005."""
    return f"{cores:.2f}" if cores >= 0.01 else f"{cores:.3g}"


def format_number(number: float) -> str:
    """A number for a program: plain decimal, whole where it is whole, never in powers of ten."""
    if number == int(number):
        return str(int(number))
    return f"{number:.6f}".rstrip("0")
