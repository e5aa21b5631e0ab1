"""One HTTP/1.1 answer, byte by byte: complete, cut short, or no HTTP at all (RFC 9112 section 6).

    HTTP/1.1 200 OK\r\n
    Content-Length: 7\r\n
    \r\n
    20 MiB\n

The length of a body is said by `Transfer-Encoding: chunked`, else by `Content-Length`, else by the end of
the connection. Of chunks only the end is looked for: the last one is empty.
"""

MAX_HEAD_BYTES = 65536


class Answer:
    """Feed it what arrives; it says when the last byte was there."""

    __slots__ = ("_body_bytes", "_data", "_head_bytes", "closes", "status")

    def __init__(self) -> None:
        self._data = b""
        self._head_bytes = 0  # 0 until the empty line was seen
        self._body_bytes: int | None = None  # None: to the end of the connection; -1: chunked
        self.status = 0
        #: true when the server will not take another request on this connection
        self.closes = True

    def feed(self, data: bytes) -> bool:
        """Take what arrived, b"" at the end of the connection; true when the answer is complete.

        Raises ValueError with the reason, when this cannot become a complete answer any more.
        """
        self._data += data
        if not self._head_bytes:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                if not data:
                    raise ValueError("cut short" if self._data else "closed unanswered")
                if len(self._data) > MAX_HEAD_BYTES:
                    raise ValueError("not HTTP")
                return False
            self._head_bytes = end + 4
            self._read_head(self._data[:end])
        if self._is_complete(at_end=not data):
            return True
        if not data:
            raise ValueError("cut short")
        return False

    def _is_complete(self, at_end: bool) -> bool:
        if self._body_bytes is None:
            return at_end
        if self._body_bytes < 0:
            return self._data.endswith(b"0\r\n\r\n")
        return len(self._data) - self._head_bytes >= self._body_bytes

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.split(b"\r\n")
        words = first.split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise ValueError("not HTTP")
        self.status = int(words[1])
        self.closes = words[0] == b"HTTP/1.0"
        for line in lines:
            name, _, value = line.partition(b":")
            name, value = name.lower(), value.strip().lower()
            if name == b"content-length" and self._body_bytes is None:
                if not value.isdigit():
                    raise ValueError("not HTTP")
                self._body_bytes = int(value)
            elif name == b"transfer-encoding" and value.endswith(b"chunked"):
                self._body_bytes = -1
            elif name == b"connection":
                self.closes = value == b"close"
        if self.status in (204, 304):
            self._body_bytes = 0
        if self._body_bytes is None:
            self.closes = True
