"""Load on an HTTP/1.1 server from N clients at once, and what they saw.

    python -m bench.load http://127.0.0.1:8000/ -c 16 -t 8

One thread and bare sockets, because the generator shares the machine with what it measures: about 60
microseconds of CPU a request. It is a closed loop, each client sends its next request when it has the
answer to its last, so a slow server is asked less and its p99 is kinder than an open crowd would see.
Compare two runs with the same clients; do not quote the p99 as anyone's experience.
"""

import argparse
import errno
import selectors
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bench.http_answer import Answer

Address = tuple[Any, ...]

#: After a failure a client waits this long: a refused connection costs nothing, and 16 clients spinning on
#: one would take the CPU from the server that is being started again.
PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class LoadResult:
    """What all clients saw together; times from connect to the last byte, of answered requests only."""

    #: answered in full with 200
    requests: int
    #: refused, reset, cut short, timed out, or any other status
    failures: int
    #: sent but not answered when the time was up: about the number of clients, all of them if it hung
    unfinished: int
    requests_per_second: float
    p50_ms: float | None
    p99_ms: float | None
    #: why, and how often
    reasons: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """One line for people."""
        p50, p99 = (f"{ms:.1f} ms" if ms is not None else "none" for ms in (self.p50_ms, self.p99_ms))
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(self.reasons.items()))
        failed = f"{self.failures} failures" + (f" ({why})" if why else "")
        return f"{self.requests} requests, {self.requests_per_second:.0f}/s, p50 {p50}, p99 {p99}, {failed}"


@dataclass
class Tally:
    """What has happened so far."""

    seconds: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


class Client:
    """One client: a connection, the request on it, and when to try again after a failure."""

    def __init__(self, address: tuple[socket.AddressFamily, Address], request: bytes, keep_alive: bool) -> None:
        self.family, self.address = address
        self.request = request
        self.keep_alive = keep_alive
        self.sock: socket.socket | None = None
        self.answer = Answer()
        self.busy = False
        self.started = 0.0
        self.not_before = 0.0

    def start(self, selector: selectors.BaseSelector, now: float) -> None:
        """Send the next request, on a new connection unless the old one is still open."""
        self.busy = True
        self.started = now
        self.answer = Answer()
        if self.sock is not None:
            self.sock.send(self.request)
            return
        self.sock = sock = socket.socket(self.family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(self.address)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, errno.errorcode.get(code, "connect"))
        selector.register(sock, selectors.EVENT_WRITE, self)

    def ready(self, selector: selectors.BaseSelector, events: int) -> bool:
        """Go one step on; true when the answer is complete."""
        sock = self.sock
        assert sock is not None  # only a registered socket has events
        if events & selectors.EVENT_WRITE:
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, errno.errorcode.get(code, "connect"))
            sock.send(self.request)  # some 60 bytes into an empty buffer: never partial
            selector.modify(sock, selectors.EVENT_READ, self)
            return False
        data = sock.recv(65536)
        if not self.answer.feed(data):
            return False
        if not self.keep_alive or self.answer.closes or not data:
            self.close(selector)
        return True

    def close(self, selector: selectors.BaseSelector) -> None:
        """Drop the connection, whatever state it is in."""
        if self.sock is None:
            return
        if self.sock in selector.get_map():
            selector.unregister(self.sock)
        self.sock.close()
        self.sock = None


def run_load(
    host: str,
    port: int,
    *,
    clients: int = 16,
    seconds: float = 8,
    path: str = "/",
    keep_alive: bool = False,
    timeout: float = 10,
) -> LoadResult:
    """Load the server for that long; never raises for what the server does, never stays longer.

    A request without an answer after `timeout` seconds is a failure and its client goes on.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    connection = "keep-alive" if keep_alive else "close"
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: {connection}\r\n\r\n".encode()
    crowd = [Client((family, address), request, keep_alive) for _ in range(clients)]
    tally = Tally()
    with selectors.DefaultSelector() as selector:
        begin = time.perf_counter()
        try:
            drive(selector, crowd, tally, begin + seconds, timeout)
        finally:
            elapsed = time.perf_counter() - begin
            unfinished = sum(client.busy for client in crowd)
            for client in crowd:
                client.close(selector)
    return summary(tally, elapsed, unfinished)


def drive(selector: selectors.BaseSelector, crowd: list[Client], tally: Tally, end: float, timeout: float) -> None:
    """Keep every client busy until the end."""
    waiting = list(crowd)
    next_look = 0.0
    while (now := time.perf_counter()) < end:
        if now >= next_look:  # timeouts are seconds: no need to look at them at each event
            next_look = now + PAUSE_SECONDS
            for client in crowd:
                if client.busy and now - client.started > timeout:
                    fail(client, TimeoutError(), selector, tally, now)
                    waiting.append(client)
        for client in [client for client in waiting if client.not_before <= now]:
            waiting.remove(client)
            try:
                client.start(selector, now)
            except OSError as error:
                fail(client, error, selector, tally, now)
                waiting.append(client)
        for key, events in selector.select(min(end - now, PAUSE_SECONDS)):
            client = key.data
            try:
                if not client.ready(selector, events):
                    continue
            except (OSError, ValueError) as error:
                fail(client, error, selector, tally, time.perf_counter())
            else:
                done(client, tally)
            waiting.append(client)


def done(client: Client, tally: Tally) -> None:
    """Count a complete answer."""
    client.busy = False
    if client.answer.status == 200:
        tally.seconds.append(time.perf_counter() - client.started)
    else:
        tally.reasons[f"status {client.answer.status}"] += 1


def fail(client: Client, error: Exception, selector: selectors.BaseSelector, tally: Tally, now: float) -> None:
    """Count a request that got no answer, and let its client rest a moment."""
    number = error.errno if isinstance(error, OSError) else None
    names = {errno.ECONNREFUSED: "refused", errno.ECONNRESET: "reset", errno.EPIPE: "reset"}
    default = "timeout" if isinstance(error, TimeoutError) else str(error)
    tally.reasons[names.get(number, default) if number is not None else default] += 1
    client.close(selector)
    client.busy = False
    client.not_before = now + PAUSE_SECONDS


def summary(tally: Tally, elapsed: float, unfinished: int) -> LoadResult:
    """The figures, from every single time."""
    times = sorted(tally.seconds)
    return LoadResult(
        requests=len(times),
        failures=tally.reasons.total(),
        unfinished=unfinished,
        requests_per_second=len(times) / elapsed,
        p50_ms=percentile_ms(times, 0.50),
        p99_ms=percentile_ms(times, 0.99),
        reasons=dict(tally.reasons),
    )


def percentile_ms(times: list[float], share: float) -> float | None:
    """The time that this share of all answers did not exceed (nearest rank); None without answers."""
    if not times:
        return None
    rank = -int(-share * len(times) // 1)  # the ceiling: of 100 times, p99 is the 99th
    return times[max(rank, 1) - 1] * 1000


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description="Load on an HTTP server.")
    parser.add_argument("url")
    parser.add_argument("-c", "--clients", type=int, default=16, metavar="N")
    parser.add_argument("-t", "--seconds", type=float, default=8, metavar="S")
    parser.add_argument("-k", "--keep-alive", action="store_true", help="reuse connections where the server does")
    options = parser.parse_args()
    url = urlsplit(options.url)
    if url.scheme != "http" or not url.hostname:
        parser.error(f"not an http:// address: {options.url}")
    result = run_load(
        url.hostname,
        url.port or 80,
        clients=options.clients,
        seconds=options.seconds,
        path=url.path or "/",
        keep_alive=options.keep_alive,
    )
    print(result)


if __name__ == "__main__":
    main()
