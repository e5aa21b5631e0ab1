"""Measuring a worker: a program is waited for, measured and stopped, and nothing outlives it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from cgtune.measuring import processes
from cgtune.measuring.tree import BELOW, ITSELF
from tests.unit.command import COMMAND, DEADLINE_SECONDS, PACKAGE, PLAIN, call, complaint

MIB = 1 << 20

# In a process of its own: a measuring process takes every orphan for its program's.
_DRIVER = """
import json, os, sys
sys.path.insert(0, {tree!r})
from cgtune.errors import CgtuneError
from cgtune.measuring.measurement import Patience, measure
from cgtune.measuring.program import Interrupted, started
from cgtune.measuring.tree import Expected
argv, patience, expected = json.loads(sys.argv[1])
patience = Patience(**patience)
try:
    with started(argv, dict(os.environ), patience.grace_seconds) as program:
        found = measure(program, Expected(**expected), patience, lambda line: print(line, file=sys.stderr))
    said = dict(at_rest=found.is_at_rest, alone=found.is_alone, ready=found.ready_seconds, samples=len(found.samples),
                worker=found.size.worker_bytes, shared=found.size.shared_bytes, workers=found.size.workers)
except CgtuneError as error:
    said = dict(error=str(error), code=error.exit_code)
print(json.dumps(said))
"""


@dataclass(frozen=True)
class Driven:
    """What a measurement in a process of its own gave."""

    result: dict[str, float]
    error: str | None
    seconds: float
    stderr: str


def drive(code: str, folder: Path, *, place: str = ITSELF, must_listen: bool = False, **patience: float) -> Driven:
    """Measure `python -c code` in short steps; `ready(name)` in the code leaves its process id in a file."""
    prelude = "import mmap, os, signal, socket, subprocess, sys, time\n"
    prelude += "def ready(name): open(name + '.part', 'w').write(str(os.getpid())); os.rename(name + '.part', name)\n"
    steps = {"seconds": 0.05, "rest_seconds": 0.05, "between_seconds": 0.01, "grace_seconds": 0.1, **patience}
    expected = {"workers": place, "must_listen": must_listen, "is_queue": not must_listen}
    driver = _DRIVER.format(tree=str(PACKAGE.parent))
    begun = time.monotonic()
    done = subprocess.run(
        [
            sys.executable,
            "-IS",
            "-c",
            driver,
            json.dumps([[sys.executable, "-c", prelude + code], steps, expected]),
        ],
        env=PLAIN,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    return Driven(result, result.get("error"), time.monotonic() - begun, done.stderr)


def is_alive(folder: Path, name: str) -> bool:
    """Whether the process that called `ready(name)` lives."""
    found = processes.read_stat(int((folder / name).read_text()))
    return found is not None and not found.is_dead


def test_a_program_that_is_one_process_is_measured_whole(tmp_path: Path) -> None:
    """Written memory counts, memory only asked for does not; it is gone afterwards."""
    code = "kept = bytearray(b'x') * (30 << 20); asked = mmap.mmap(-1, 500 << 20); ready('main'); time.sleep(1000)"
    driven = drive(code, tmp_path, rest_seconds=0.1)
    assert 30 * MIB < driven.result["worker"] < 45 * MIB
    assert (driven.result["at_rest"], driven.result["alone"], driven.result["samples"]) == (True, True, 3)
    assert not is_alive(tmp_path, "main")


def test_a_worker_is_told_from_its_master(tmp_path: Path) -> None:
    """The master's 20 MiB are shared, of which the child inherits the pages; its own 30 are its private ones."""
    code = (
        "master = bytearray(b'x') * (20 << 20)\n"
        "if os.fork() == 0:\n"
        "    own = bytearray(b'y') * (30 << 20); ready('worker'); time.sleep(1000)\n"
        "time.sleep(1000)"
    )
    driven = drive(code, tmp_path, place=BELOW, rest_seconds=0.1)
    assert 30 * MIB < driven.result["worker"] < 40 * MIB
    assert 20 * MIB < driven.result["shared"] < 40 * MIB
    assert not driven.result["alone"]
    assert not is_alive(tmp_path, "worker")


def test_it_is_not_ready_before_its_worker_is(tmp_path: Path) -> None:
    """A master that listens, and rests, while its worker has not been started yet."""
    code = (
        "listening = socket.create_server(('127.0.0.1', 0))\n"
        "time.sleep(0.2)\n"
        "if os.fork() == 0:\n"
        "    own = bytearray(b'y') * (30 << 20); time.sleep(1000)\n"
        "time.sleep(1000)"
    )
    driven = drive(code, tmp_path, place=BELOW, must_listen=True, rest_seconds=0.1)
    assert driven.result["ready"] >= 0.2
    assert 30 * MIB < driven.result["worker"] < 40 * MIB


@pytest.mark.parametrize("kind", ["socket.create_server(('127.0.0.1', 0))", "unix()"])
def test_a_web_server_is_not_ready_before_it_listens(tmp_path: Path, kind: str) -> None:
    """On a TCP or a unix socket; it may rest before as long as it likes."""
    code = (
        "def unix():\n"
        "    made = socket.socket(socket.AF_UNIX); made.bind('s'); made.listen(); return made\n"
        f"time.sleep(0.2); listening = {kind}; time.sleep(1000)"
    )
    driven = drive(code, tmp_path, must_listen=True)
    assert driven.result["ready"] >= 0.2


def test_a_web_server_that_never_listens_is_told(tmp_path: Path) -> None:
    """Established connections, and sockets that are only bound, are no service."""
    code = "bound = socket.socket(); bound.bind(('127.0.0.1', 0)); time.sleep(1000)"
    never = drive(code, tmp_path, must_listen=True, ready_seconds=0.2, tell_seconds=0.05)
    assert "not ready yet, it does not listen; waiting for up to 0.2 s" in never.stderr
    assert never.error == "it does not listen 0.2 s after its start"


def test_one_that_never_rests_is_measured_as_it_is(tmp_path: Path) -> None:
    """And the result says so."""
    code = "kept = []\nwhile True: kept.append(bytearray(b'x') * (1 << 20)); time.sleep(0.02)"
    driven = drive(code, tmp_path, ready_seconds=0.2, rest_seconds=0.2)
    assert not driven.result["at_rest"]
    assert "not at rest" in driven.stderr


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("sys.exit(3)", "it ended before it was ready, with exit code 3; what it said is above"),
        ("pass", "it ended before it was ready, with exit code 0; measure needs one that stays, in the foreground"),
        ("os.kill(os.getpid(), 9)", "signal 9 ended it before it was ready; was there too little memory?"),
        ("os.kill(os.getpid(), 15)", "signal 15 ended it before it was ready"),
        ("import nowhere", "it ended before it was ready, with exit code 1; what it said is above"),
    ],
)
def test_one_that_ends_at_once_is_told(tmp_path: Path, code: str, error: str) -> None:
    """Within a second, whatever there was to wait for; its own output is there."""
    driven = drive(code, tmp_path, must_listen=True)
    assert driven.error == error
    assert driven.seconds < 5
    assert ("nowhere" in driven.stderr) is ("nowhere" in code)


def test_one_that_ends_while_it_is_measured_is_told_at_once(tmp_path: Path) -> None:
    """Not only when the time is over."""
    driven = drive("time.sleep(0.3); sys.exit(4)", tmp_path, seconds=60.0)
    assert driven.error == "it ended while it was measured, with exit code 4; what it said is above"
    assert driven.seconds < 10


def test_a_program_without_a_worker_is_told(tmp_path: Path) -> None:
    """A master that starts none."""
    never = drive("time.sleep(1000)", tmp_path, place=BELOW, ready_seconds=0.2)
    assert never.error == "no worker of it is there 0.2 s after its start"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (
            "a worker that ignores SIGTERM",
            "if os.fork() == 0: signal.signal(15, signal.SIG_IGN); ready('last'); time.sleep(1000)\ntime.sleep(1000)",
        ),
        (
            "a program that is stopped",
            (
                "if os.fork() == 0: ready('last'); os.kill(os.getppid(), signal.SIGSTOP); time.sleep(1000)\n"
                "time.sleep(1000)"
            ),
        ),
        (
            "a daemon in a session of its own, its parents gone",
            (
                "if os.fork() == 0:\n"
                "    os.setsid()\n"
                "    if os.fork() == 0: ready('last'); time.sleep(1000)\n"
                "    os._exit(0)\n"
                "os.wait(); time.sleep(1000)"
            ),
        ),
        (
            "the same, of a program that is gone itself",
            (
                "if os.fork() == 0:\n"
                "    os.setsid()\n"
                "    if os.fork() == 0: signal.signal(15, signal.SIG_IGN); ready('last'); time.sleep(1000)\n"
                "    os._exit(0)\n"
                "os.wait()"
            ),
        ),
        (
            "one that starts another when it is told to end",
            (
                "def again(*_):\n"
                "    if os.fork() == 0: signal.signal(15, signal.SIG_IGN); ready('last'); time.sleep(1000)\n"
                "    os._exit(0)\n"
                "signal.signal(15, again); ready('last'); time.sleep(1000)"
            ),
        ),
    ],
)
def test_nothing_outlives_a_measurement(tmp_path: Path, name: str, code: str) -> None:
    """Whatever it does to stay: what cannot be asked to end is killed."""
    drive(code, tmp_path)
    assert not is_alive(tmp_path, "last"), name


def test_one_that_ends_in_order_is_given_the_time(tmp_path: Path) -> None:
    """SIGTERM comes first, to the program alone: it ends its own workers."""
    code = (
        "worker = subprocess.Popen([sys.executable, '-c', 'import signal, time\\n'\n"
        '    \'signal.signal(15, lambda *_: open("told", "w")); time.sleep(1000)\'])\n'
        "def end(*_):\n"
        "    time.sleep(0.1); worker.kill(); ready('ended'); os._exit(0)\n"
        "signal.signal(15, end); time.sleep(1000)"
    )
    drive(code, tmp_path, grace_seconds=30.0)
    assert (tmp_path / "ended").exists()
    assert not (tmp_path / "told").exists()


# --- the command


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], 2, "no command to measure"),
        (["--"], 2, "no command to measure"),
        (["--seconds", "0", "--", "true"], 2, "--seconds: '0' is not a number of seconds from 1 to 3600"),
        (["--workers", "2", "--", "true"], 2, "no such option --workers"),
        (["--", "cgtune", "run", "--", "gunicorn"], 2, "measure takes the program itself"),
        (["--", "no-such-program"], 127, "no-such-program: not found in PATH"),
        (["--", "/no/such/program"], 127, "/no/such/program: not found"),
        (["--", "/etc/passwd"], 126, "/etc/passwd: Permission denied"),
        (["--", ""], 127, "the command is empty"),
    ],
)
def test_what_cannot_be_measured_is_one_line(words: list[str], code: int, says: str) -> None:
    """With the exit code that `run` has for it."""
    done = call("measure", *words)
    assert done.returncode == code
    assert complaint(done).startswith(says)
    assert done.stdout == ""


def test_a_program_that_fails_is_125_after_its_own_words() -> None:
    """Its output comes first, on stderr, also what it wrote to stdout."""
    done = call("measure", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr.splitlines() == [
        "cgtune: starting sh; what it says follows",
        "out",
        "err",
        "cgtune: sh: it ended before it was ready, with exit code 3; what it said is above",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_all_it_has_started(tmp_path: Path, number: int) -> None:
    """128 + its number, no result, and nobody left: a second one cuts the waiting short."""
    code = "import os, signal, time\nsignal.signal(15, signal.SIG_IGN)\nopen('pid', 'w').write(str(os.getpid()))\n"
    code += "os.rename('pid', 'main')\ntime.sleep(1000)"
    measuring = subprocess.Popen(
        [*COMMAND, "measure", "--", sys.executable, "-c", code],
        env=PLAIN,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (tmp_path / "main").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert is_alive(tmp_path, "main")
        begun = time.monotonic()
        # The first is taken before the second comes: else they would be one.
        for _ in range(200):
            measuring.send_signal(number)
            try:
                measuring.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            break
        assert measuring.returncode == 128 + number
        assert time.monotonic() - begun < 9  # less than the ten seconds a program has to end
        said, told = measuring.communicate(timeout=DEADLINE_SECONDS)
        assert said == ""
        assert told.splitlines()[-1].startswith("cgtune: interrupted; ending python")
        assert not is_alive(tmp_path, "main")
    finally:
        measuring.kill()
        measuring.communicate()
