"""What a start can wait for, as people write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.targets import Target, parse_target

GOOD = {
    "tcp://localhost:15021": ("tcp", "localhost", 15021, ""),
    "tcp://10.0.0.1:1/": ("tcp", "10.0.0.1", 1, ""),
    "tcp://[::1]:65535": ("tcp", "::1", 65535, ""),
    "http://localhost/healthz/ready": ("http", "localhost", 80, "/healthz/ready"),
    "http://localhost:15021": ("http", "localhost", 15021, "/"),
    "http://[fe80::1]/a?b=c:d": ("http", "fe80::1", 80, "/a?b=c:d"),
    "file:/run/ready": ("file", "", 0, "/run/ready"),
    "file:///run/ready": ("file", "", 0, "/run/ready"),
    " file:/run/a=b ": ("file", "", 0, "/run/a=b"),
}
BAD = (
    *("", "localhost:80", "tcp:localhost:80", "tcp://localhost", "tcp://:80", "tcp://localhost:", "tcp://a:0"),
    *("tcp://a:65536", "tcp://a:+1", "tcp://a:1/x", "tcp://[::1", "tcp://[::1]80", "tcp://[]:80", "https://a/"),
    *(
        "file:run",
        "file:",
        "file://host/run",
        "http:///x",
        "http://a b/",
        "http://a/\r\nX: y",
        "tcp://a:٣",
        "udp://a:1",
    ),
)


@pytest.mark.parametrize("text", GOOD)
def test_a_target_is_read(text: str) -> None:
    """In the forms that others have for it."""
    target = parse_target(text)
    assert (target.scheme, target.host, target.port, target.path) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_refused_with_the_reason(text: str) -> None:
    """Which repeats what was written."""
    with pytest.raises(ValueError, match=r"^'.*' (is no|names no|has a)|tcp has no path"):
        parse_target(text)


@given(st.text(max_size=20) | st.from_regex(r"\A(tcp|http|file):/?/?[a-z\[\]:/0-9]*\Z"))
def test_a_text_is_a_target_or_refused(text: str) -> None:
    """And what is one has all its parts."""
    try:
        target = parse_target(text)
    except ValueError:
        return
    assert isinstance(target, Target)
    assert target.path.startswith("/") or target.scheme == "tcp"
    assert target.scheme == "file" or (target.host and 1 <= target.port <= 65535)
