"""Wait until something else is there before the program is started: a sidecar's port, its health, a file.

A proxy beside the program (Istio's, the Cloud SQL one) starts with it, and whoever connects before it is ready fails.
All is done before anything stays resident, so it costs nothing afterwards.
"""

from __future__ import annotations

import os
import time

from cgtune import signal_mask
from cgtune.errors import NotReady
from cgtune.messages import say
from cgtune.signals import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from cgtune.targets import Target

_PAUSE_SECONDS = 0.1
# One that does not answer must not take all the time there is.
_MOST_SECONDS = 2.0
_LONGEST_ANSWER_BYTES = 1024
_CONSEQUENCE = "the program is not started"
_THERE = "there"


def wait_for(targets: Sequence[Target], timeout_seconds: float, *, is_quiet: bool = False) -> None:
    """Until each is there. NotReady: one is not in time, or we have been told to stop."""
    deadline = time.monotonic() + timeout_seconds
    for target in targets:
        is_told = is_quiet
        while (problem := _probe(target, deadline)) is not None:
            if time.monotonic() >= deadline:
                raise NotReady(
                    f"{target.text}: {problem} after {timeout_seconds:g} s; {_CONSEQUENCE} (--wait-timeout)"
                )
            if not is_told:
                say(f"waiting for {target.text}: {problem}")
                is_told = True
            _pause(target, _PAUSE_SECONDS)


def _pause(target: Target, seconds: float) -> None:
    number = signal_mask.wait(seconds)
    if number is not None:
        raise NotReady(f"{name_of(number)} while waiting for {target.text}; {_CONSEQUENCE}", number)


def _probe(target: Target, deadline: float) -> str | None:
    """What is missing; None where it is there. A name server that does not answer cannot be interrupted, so a process
    of its own asks."""
    if target.scheme == "file":
        return None if os.path.exists(target.path) else "no such file"
    reader, writer = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(reader)
        os.close(writer)
        return f"nobody could ask: {error.strerror}"
    if pid == 0:
        try:
            os.write(writer, (_connect(target) or _THERE).encode("utf-8", "replace"))
        finally:
            os._exit(0)
    os.close(writer)
    try:
        return _read_answer(reader, target, deadline)
    finally:
        os.close(reader)
        try:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):  # SIGCHLD is ignored: nobody has to wait
            pass


def _read_answer(reader: int, target: Target, deadline: float) -> str | None:
    from select import POLLIN, poll

    poller = poll()
    poller.register(reader, POLLIN)
    while not poller.poll(_PAUSE_SECONDS * 1000):
        _pause(target, 0)
        if time.monotonic() >= deadline:
            return "no answer"
    text = os.read(reader, _LONGEST_ANSWER_BYTES).decode("utf-8", "replace")
    return None if text == _THERE else text or "nobody could ask"


def _connect(target: Target) -> str | None:
    import socket

    try:
        with socket.create_connection((target.host, target.port), _MOST_SECONDS) as connection:
            return _ask(connection, target) if target.scheme == "http" else None
    except TimeoutError:
        return "no answer"
    except (OSError, UnicodeError) as error:
        return str(getattr(error, "strerror", None) or error)


def _ask(connection: socket.socket, target: Target) -> str | None:
    deadline = time.monotonic() + _MOST_SECONDS
    host = f"[{target.host}]" if ":" in target.host else target.host
    request = f"GET {target.path} HTTP/1.0\r\nHost: {host}:{target.port}\r\nUser-Agent: cgtune\r\n\r\n"
    connection.sendall(request.encode("utf-8"))
    answer = b""
    while b"\n" not in answer and len(answer) < _LONGEST_ANSWER_BYTES and (left := deadline - time.monotonic()) > 0:
        connection.settimeout(left)
        data = connection.recv(_LONGEST_ANSWER_BYTES)
        if not data:
            break
        answer += data
    words = answer.split(b"\n")[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return "an answer that is not HTTP"
    return None if 200 <= int(words[1]) <= 399 else f"HTTP status {int(words[1])}"
