"""The program waits for what it is told to wait for, and fails clearly when that does not come."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.command import COMMAND, DEADLINE_SECONDS, PLAIN, call, complaint

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the supervisor is Linux only")


@contextmanager
def server(*answers: bytes) -> Iterator[int]:
    """Gives each caller the next answer, the last one for ever; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for number in range(1000):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                if answers:
                    connection.recv(1000)
                    connection.sendall(answers[min(number, len(answers) - 1)])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_what_is_there_is_not_waited_for(tmp_path: Path) -> None:
    """Nor is anything said about it."""
    ready = tmp_path / "ready"
    ready.touch()
    with server(b"HTTP/1.1 204 No Content\r\n\r\n") as port:
        targets = f"file:{ready},http://127.0.0.1:{port}/healthz,tcp://127.0.0.1:{port}"
        done = call("run", "-q", "--wait-for", targets, "--", "echo", "hi")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hi\n", "")


def test_the_program_starts_when_the_answer_is_good() -> None:
    """Not at 503, nor at what is no answer."""
    with server(b"HTTP/1.1 503 No\r\n\r\n", b"SSH-2.0\r\n", b"", b"HTTP/1.1 200 OK\r\n\r\n") as port:
        done = call("run", "--wait-for", f"http://127.0.0.1:{port}/", "--", "echo", "hi")
    assert (done.returncode, done.stdout) == (0, "hi\n")
    assert done.stderr.startswith(f"cgtune: waiting for http://127.0.0.1:{port}/: HTTP status 503\n")


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("file:/no/such", "no such file"),
        ("tcp://127.0.0.1:{closed}", "Connection refused"),
        ("http://127.0.0.1:{closed}/", "Connection refused"),
        ("http://127.0.0.1:{silent}/", "no answer"),
    ],
)
def test_what_does_not_come_is_one_clear_line(target: str, problem: str) -> None:
    """Exit code 125, nothing started; -q drops what was said before."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = target.format(closed=closed_port(), silent=silent.getsockname()[1])
        done = call("run", "-q", "--wait-for", target, "--wait-timeout", "1", "--", "echo", "hi")
    assert (done.returncode, done.stdout) == (125, "")
    assert complaint(done) == f"{target}: {problem} after 1 s; the program is not started (--wait-timeout)"


@pytest.mark.parametrize("words", [(), ("--supervise",)], ids=["exec", "supervise"])
def test_being_told_to_stop_ends_the_wait(words: tuple[str, ...]) -> None:
    """By the signal, as it would the program; nothing is started."""
    started = subprocess.Popen(
        [*COMMAND, "run", *words, "--wait-for", "file:/no/such", "--", "echo", "hi"],
        env=PLAIN,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert started.stderr is not None
    assert started.stderr.readline() == b"cgtune: waiting for file:/no/such: no such file\n"
    began = time.monotonic()
    started.terminate()
    output, _ = started.communicate(timeout=DEADLINE_SECONDS)
    assert (started.returncode, output) == (-15, b"")
    assert time.monotonic() - began < 5
