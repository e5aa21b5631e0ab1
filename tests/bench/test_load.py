"""The load generator against servers that answer, refuse, cut short, lie and hang."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.http_answer import Answer
from bench.load import percentile_ms, run_load

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
Serve = Callable[[socket.socket], None]


@contextmanager
def server(serve: Serve) -> Iterator[int]:
    """A port where each connection is handed to `serve` in turn, then closed."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    try:
                        serve(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)  # wakes accept, which closing alone does not
    thread.join(5)


def answering(*parts: bytes) -> Serve:
    """Read one request, then send these parts, each in a packet of its own."""

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        for part in parts:
            connection.sendall(part)
            time.sleep(0.001 if len(parts) > 1 else 0)

    return serve


def load(serve: Serve, seconds: float = 0.3, **options: float) -> dict[str, int]:
    """What two clients saw: the number of good answers, and the reasons of the others."""
    with server(serve) as port:
        result = run_load("127.0.0.1", port, clients=2, seconds=seconds, **options)  # type: ignore[arg-type]
    assert result.failures == sum(result.reasons.values())
    return {"good": result.requests, **result.reasons}


def test_counts_good_answers_and_their_times() -> None:
    """A healthy server: requests, a rate that fits them, and both percentiles in order."""
    with server(answering(OK)) as port:
        result = run_load("127.0.0.1", port, clients=4, seconds=0.5)
    assert result.failures == 0
    assert result.requests > 50
    assert result.requests_per_second == pytest.approx(result.requests / 0.5, rel=0.5)
    assert result.p50_ms is not None
    assert result.p99_ms is not None
    assert 0 < result.p50_ms <= result.p99_ms


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([OK], id="length"),
        pytest.param([OK[:9], OK[9:25], OK[25:]], id="in-pieces"),
        pytest.param([b"HTTP/1.0 200 OK\r\n\r\nok"], id="until-the-end"),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n", b"0\r\n\r\n"],
            id="chunked",
        ),
    ],
)
def test_knows_the_end_of_an_answer(parts: list[bytes]) -> None:
    """Each way HTTP says where a body ends is understood."""
    seen = load(answering(*parts))
    assert seen.pop("good") > 0
    assert seen == {}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "status 503", id="status"),
        pytest.param(OK[:-1], "cut short", id="body-cut"),
        pytest.param(OK[:12], "cut short", id="head-cut"),
        pytest.param(b"", "closed unanswered", id="nothing"),
        pytest.param(b"SSH-2.0-x\r\n\r\n", "not HTTP", id="not-http"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "not HTTP", id="bad-length"),
    ],
)
def test_anything_but_a_whole_200_is_a_failure(answer: bytes, reason: str) -> None:
    """A worker that dies in the middle must never count as an answer."""
    seen = load(answering(answer))
    assert seen.pop("good") == 0
    assert seen.keys() == {reason}


def test_reset_connections_are_counted() -> None:
    """A process that is killed leaves a reset behind, not an orderly end."""

    def reset(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    assert load(reset).keys() == {"good", "reset"}


def test_refused_connections_are_counted_but_not_hammered() -> None:
    """Nobody listens: each client tries on, at a pace that leaves the CPU to others."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = run_load("127.0.0.1", port, clients=2, seconds=0.5)
    assert result.reasons.keys() == {"refused"}
    assert 2 < result.failures <= 60
    assert result.p99_ms is None


def test_a_server_that_hangs_does_not_hold_us() -> None:
    """The deadline is kept, and the hanging requests are seen."""
    begin = time.monotonic()
    with server(lambda connection: time.sleep(0.6)) as port:
        result = run_load("127.0.0.1", port, clients=3, seconds=0.4)
    assert time.monotonic() - begin < 3
    assert (result.requests, result.unfinished) == (0, 3)


def test_a_request_may_time_out() -> None:
    """An answer that does not come is a failure, and its client goes on."""
    assert load(lambda connection: time.sleep(0.1), seconds=0.5, timeout=0.1)["timeout"] >= 2


def test_keep_alive_reuses_the_connection() -> None:
    """With keep-alive many requests come over one connection, and all are counted."""
    served: list[int] = []

    def serve(connection: socket.socket) -> None:
        count = 0
        while connection.recv(4096):
            connection.sendall(OK)
            count += 1
        served.append(count)

    with server(serve) as port:
        result = run_load("127.0.0.1", port, clients=1, seconds=0.3, keep_alive=True)
    assert result.failures == 0
    assert served[0] >= result.requests > 10


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50_000), (0.99, 99_000), (1.0, 100_000)], ids=["p50", "p99", "max"]
)
def test_percentiles_are_nearest_rank(share: float, expected: float) -> None:
    """Of the times 1 to 100 s, p99 is the 99th, not the greatest."""
    assert percentile_ms([float(second) for second in range(1, 101)], share) == expected


def test_no_times_have_no_percentile() -> None:
    """Without an answer there is no time: None, not zero."""
    assert percentile_ms([], 0.99) is None


def test_an_answer_without_a_body_is_complete_at_its_head() -> None:
    """204 has no body, whatever else it says."""
    answer = Answer()
    assert answer.feed(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert (answer.status, answer.closes) == (204, False)


def test_as_a_command() -> None:
    """`python -m bench.load URL` prints one line."""
    with server(answering(OK)) as port:
        command = [sys.executable, "-m", "bench.load", f"http://127.0.0.1:{port}", "-c", "2", "-t", "0.2"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert run.stdout.count("\n") == 1
    assert ", 0 failures" in run.stdout
