"""What a start can wait for, as people write it. Pure.

tcp://localhost:15021                    somebody accepts connections there
http://localhost:15021/healthz/ready     the answer is 200 to 399, as for a probe of Kubernetes
file:/run/secrets/ready                  it exists
"""

from __future__ import annotations

from cgtune.records import Record

_HTTP_PORT = 80
_LARGEST_PORT = 65535


class Target(Record):
    """One of them. `text` is how it was written."""

    text: str
    scheme: str
    path: str = ""
    host: str = ""
    port: int = 0


def parse_target(text: str) -> Target:
    """ValueError says what is wrong."""
    text = text.strip()
    scheme, _, rest = text.partition(":")
    if not text.isprintable() or " " in text:
        raise ValueError(f"{text!r} has a blank or a control character")
    if scheme == "file":
        # file:/path, file:///path
        path = rest[2:] if rest.startswith("//") else rest
        if not path.startswith("/"):
            raise ValueError(f"{text!r} is no absolute path; write it like file:/run/ready")
        return Target(text=text, scheme=scheme, path=path)
    if scheme not in ("tcp", "http") or not rest.startswith("//"):
        raise ValueError(f"{text!r} is not tcp://HOST:PORT, http://HOST:PORT/PATH or file:/PATH")
    address, _, path = rest[2:].partition("/")
    if scheme == "tcp" and path:
        raise ValueError(f"{text!r}: tcp has no path")
    host, port = _split_address(text, address, _HTTP_PORT if scheme == "http" else None)
    return Target(text=text, scheme=scheme, host=host, port=port, path=f"/{path}" if scheme == "http" else "")


def _split_address(text: str, address: str, default: int | None) -> tuple[str, int]:
    if address.startswith("["):
        host, bracket, rest = address[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        is_whole = bool(bracket) and colon in ("", ":")
    else:
        host, colon, port = address.partition(":")
        is_whole = True
    if not host or not is_whole:
        raise ValueError(f"{text!r} names no host")
    if not colon and default is not None:
        return host, default
    if port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= _LARGEST_PORT:
        return host, int(port)
    raise ValueError(f"{text!r} names no port from 1 to {_LARGEST_PORT}")
