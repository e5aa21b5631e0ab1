"""What is waited for before the program starts, as PID 1 and below a shell."""

from __future__ import annotations

import contextlib
import http.server
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.init_cases import CGTUNE, everywhere
from tests.real.init_harness import AS_PID_1, AsPid1, Stage, run
from tests.real.init_processes import wait_until
from tests.real.init_programs import WAITER, shell

pytestmark = pytest.mark.real


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short-lived folder."""
    with tempfile.TemporaryDirectory(prefix="init-waiting-") as path:
        yield Path(path)


@contextlib.contextmanager
def listener(port: int = 0) -> Iterator[int]:
    """Something that accepts connections at 127.0.0.1, at this port or a free one."""
    with socket.create_server(("127.0.0.1", port)) as server:
        yield server.getsockname()[1]


def closed_port() -> int:
    """A port where nobody listens."""
    with listener() as port:
        return port


@everywhere
def test_a_file_is_waited_for(place: AsPid1, folder: Path) -> None:
    """The program starts when the file is there, and not before."""
    program = shell('[ -e "$1" ] && echo there', str(folder / "ready"))
    with Stage(place, CGTUNE.argv(program, "--wait-for", f"file:{folder}/ready")) as stage:
        with pytest.raises(TimeoutError):
            stage.line(0.3)
        (folder / "ready").touch()
        assert stage.line() == "there"
        assert stage.exit_code() == 0


def test_a_port_is_waited_for() -> None:
    """The program starts when somebody accepts connections."""
    port = closed_port()
    with Stage(AS_PID_1, CGTUNE.argv(["echo", "started"], "--wait-for", f"tcp://127.0.0.1:{port}")) as stage:
        with pytest.raises(TimeoutError):
            stage.line(0.3)
        with listener(port):
            assert stage.line() == "started"
            assert stage.exit_code() == 0


def test_an_answer_is_waited_for() -> None:
    """A server that says 503 is not ready; the program starts after its first 200."""
    answers = [503, 503, 200]
    asked: list[str] = []

    class Sidecar(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(answers[min(len(asked), len(answers)) - 1])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not here."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sidecar) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            target = f"http://127.0.0.1:{server.server_address[1]}/healthz/ready"
            assert run(AS_PID_1, CGTUNE.argv(["echo", "started"], "--wait-for", target))[:2] == (0, "started")
        finally:
            server.shutdown()
            thread.join()
    assert asked == ["/healthz/ready"] * 3


@pytest.mark.parametrize("target", ["tcp://127.0.0.1:{port}", "http://127.0.0.1:{port}/", "file:/no/such/file"])
def test_what_never_comes_is_said(target: str) -> None:
    """After the timeout: 125, one line that names what was missing, and the program never ran."""
    target = target.format(port=closed_port())
    code, output, said = run(AS_PID_1, CGTUNE.argv(["echo", "ran"], "--wait-for", target, "--wait-timeout", "1"))
    assert (code, output) == (125, "")
    assert target in said
    assert said.count("\n") == 1, said


@everywhere
def test_a_stop_ends_the_wait(place: AsPid1) -> None:
    """SIGTERM while it waits ends it, PID 1 or not, as it would end the program: the program never runs."""
    with Stage(place, CGTUNE.argv(["echo", "ran"], "--wait-for", "file:/no/such/file")) as stage:
        assert wait_until(stage.is_there)
        with pytest.raises(TimeoutError):
            stage.line(0.3)
        stage.send(signal.SIGTERM)
        assert stage.exit_code() == 143
        assert stage.lines_so_far() == []


def test_other_signals_wait_for_the_program(folder: Path) -> None:
    """What comes meanwhile and asks for no stop reaches the program when it is there; this one ends by it."""
    with Stage(AS_PID_1, CGTUNE.argv(WAITER, "--wait-for", f"file:{folder}/ready")) as stage:
        with pytest.raises(TimeoutError):
            stage.line(0.3)
        stage.send(signal.SIGUSR1)
        (folder / "ready").touch()
        assert stage.exit_code() == 128 + signal.SIGUSR1


@pytest.mark.parametrize(
    "target", ["", "tcp://", "tcp://host", "tcp://host:x", "ftp://host", "file:", "host:80", "http://"]
)
def test_a_wrong_target_is_a_usage_error(target: str) -> None:
    """What cannot be waited for is one line and exit code 2."""
    code, output, said = run(AS_PID_1, CGTUNE.argv(["echo", "ran"], "--wait-for", target))
    assert (code, output) == (2, "")
    assert said.count("\n") == 1
