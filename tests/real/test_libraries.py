"""The real libraries in real containers, each asked what it believes it may use, tuned and untuned.

| | untuned, of a machine with H CPUs | tuned |
|---|---|---|
| CPython | H CPUs, executors of H + 4 threads, its thresholds | ceil(q - 0.25), that + 4, higher in servers |
| gunicorn | 1 worker | 2q + 1 |
| uvicorn, granian | 1 worker | 1, and ceil(q - 0.25) when asked |
| Celery | H children | ceil(q - 0.25); 4q where its tasks wait |
| NumPy's OpenBLAS, NumExpr, pyarrow, torch | H threads | floor(q + 0.25) |
| Polars, DuckDB, joblib | floor(q), ceil(q), ceil(q): they read the quota | the same, as far as they read it alike |

The containers are nearly empty; the interpreters and their packages are mounted into them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lab import Unavailable
from lab.engine import Engine
from lab.host_image import host_image, host_mount_options
from lab.pythons import environment
from tests.real.library_probe import MARK
from tests.support import unavailable
from tests.unit.command import COMMAND, PACKAGE

pytestmark = pytest.mark.real
HERE = Path(__file__).resolve().parent
HOST = os.cpu_count() or 1
#: The one that has all packages; torch's file is for this one.
MINOR = 11
_NUMERIC = ("duckdb", "joblib", "numexpr", "numpy", "polars", "pyarrow", "threadpoolctl")
_ROOM = ("--memory", "2g", "--memory-swap", "2g")
_DEADLINE_SECONDS = 60
#: No line more for so long: all workers have spoken.
_SETTLED_SECONDS = 0.5

Beliefs = dict[str, Any]


@pytest.fixture(autouse=True)
def _cpus_to_lose() -> None:
    """With one CPU nothing could be told apart; with some kept from us, who counts which would matter more."""
    if HOST < 2 or len(os.sched_getaffinity(0)) < HOST:
        unavailable("needs a machine with two CPUs, and all of them")


def place(minor: int, *requirements: str) -> Path:
    """The interpreter of an environment with these packages."""
    try:
        return environment(minor, *requirements)
    except Unavailable as reason:
        unavailable(str(reason))


def options(python: Path, cpus: str) -> list[str]:
    """Options of `docker run`: the limits, and all that the command needs mounted."""
    folders = (PACKAGE.parent, python.parent.parent, Path(os.path.realpath(python)).parent.parent, HERE)
    return [*host_mount_options(*folders), "--workdir", str(HERE), "--cpus", cpus, *_ROOM]


def tuned(*words: str | Path) -> list[str | Path]:
    """`cgtune run WORDS`; they start with its options."""
    return [*COMMAND, "run", *words]


def ask(docker: Engine, python: Path, cpus: str, command: Sequence[str | Path]) -> Beliefs:
    """The last line that a command prints, in a container of so many CPUs."""
    done = docker.run(host_image(docker), command, docker_options=options(python, cpus)).check()
    beliefs: Beliefs = json.loads(done.stdout.splitlines()[-1])
    return beliefs


def listen(docker: Engine, python: Path, cpus: str, command: Sequence[str | Path]) -> list[Beliefs]:
    """What each process of a server says of itself, once all have spoken."""
    with docker.start(host_image(docker), command, docker_options=options(python, cpus)) as container:
        deadline = time.monotonic() + _DEADLINE_SECONDS
        lines: list[str] = []
        changed = time.monotonic()
        while time.monotonic() < deadline and not (lines and time.monotonic() - changed > _SETTLED_SECONDS):
            logs = container.logs()
            now = [line.split(MARK, 1)[1] for line in (logs.stdout + logs.stderr).splitlines() if MARK in line]
            if len(now) != len(lines):
                lines, changed = now, time.monotonic()
            assert container.is_running, logs.stderr
            time.sleep(0.1)
        assert lines, container.logs().stderr
    return [json.loads(line) for line in lines]


# --- CPython and gunicorn

GUNICORN = ("-m", "gunicorn", "library_probe:wsgi")
OWN_THRESHOLD = {10: 700, 11: 700, 12: 700, 13: 2000}
EACH_PYTHON = pytest.mark.parametrize("minor", OWN_THRESHOLD)


@EACH_PYTHON
def test_python_under_gunicorn_untuned(docker: Engine, minor: int) -> None:
    """The control: one worker, that believes in the machine's CPUs."""
    python = place(minor, "gunicorn")
    workers = listen(docker, python, "0.5", [python, *GUNICORN])
    assert [worker["cpus"] for worker in workers] == [HOST]
    assert workers[0]["executor"] == min(32, HOST + 4)
    assert workers[0]["threshold"][0] == OWN_THRESHOLD[minor]


@EACH_PYTHON
def test_python_under_gunicorn_tuned(docker: Engine, minor: int) -> None:
    """Two workers in half a CPU; each believes in one CPU, and searches what lives on less often."""
    python = place(minor, "gunicorn")
    workers = listen(docker, python, "0.5", tuned("--", python, *GUNICORN))
    assert [worker["version"] for worker in workers] == [[3, minor]] * 2
    assert [worker["cpus"] for worker in workers] == [1, 1]
    assert [worker["executor"] for worker in workers] == [5, 5]
    assert [worker["threshold"] for worker in workers] == [[50_000, 10, 10]] * 2
    assert not any(worker["frozen"] for worker in workers)


# --- uvicorn, granian

SERVERS = {
    "uvicorn": ("-m", "uvicorn", "library_probe:asgi"),
    "granian-asgi": ("-m", "granian", "--interface", "asgi", "library_probe:asgi"),
    "granian-wsgi": ("-m", "granian", "--interface", "wsgi", "library_probe:wsgi"),
}
# web_workers(1.5) is 4: a WSGI application may have as many.
ASKED = {"uvicorn": 2, "granian-asgi": 2, "granian-wsgi": 4}


@pytest.mark.parametrize("server", SERVERS)
def test_servers_of_one_process(docker: Engine, server: str) -> None:
    """By themselves, and with us, one process; with --workers auto as many as the CPUs keep busy."""
    python = place(MINOR, "granian", "uvicorn")
    command: list[str | Path] = [python, *SERVERS[server]]
    untuned = listen(docker, python, "1.5", command)
    assert [worker["executor"] for worker in untuned] == [min(32, HOST + 4)]
    by_habit = listen(docker, python, "0.5", tuned("--", *command))
    assert [worker["executor"] for worker in by_habit] == [5]
    asked = listen(docker, python, "1.5", tuned("--workers", "auto", "--", *command))
    assert [worker["executor"] for worker in asked] == [6] * ASKED[server]


# --- Celery

CELERY = ("-m", "celery", "-A", "library_probe", "worker")


@pytest.mark.parametrize(("options", "children"), [(None, HOST), ((), 1), (("--kind", "queue-io"), 4)], ids=str)
def test_celery(docker: Engine, options: tuple[str, ...] | None, children: int) -> None:
    """In one CPU: as many children as the machine has CPUs; one; four where its tasks wait. Ours share the import."""
    python = place(MINOR, "celery")
    command: list[str | Path] = [python, *CELERY]
    if options is not None:
        command = tuned(*options, "--", *command)
    said = listen(docker, python, "1", command)
    assert len(said) == children
    assert {child["frozen"] for child in said} == {options is not None}
    assert {child["threshold"][0] for child in said} == {700 if options is None else 50_000}


# --- Libraries that compute

# Untuned, then tuned. Each dictionary is complete.
NUMERIC = {
    "1": (
        {"numpy": HOST, "numexpr": min(HOST, 16), "pyarrow": HOST, "polars": 1, "duckdb": 1, "joblib": 1},
        {"numpy": 1, "numexpr": 1, "pyarrow": 1, "polars": 1, "duckdb": 1, "joblib": 1},
    ),
    "1.5": (
        {"numpy": HOST, "numexpr": min(HOST, 16), "pyarrow": HOST, "polars": 1, "duckdb": 2, "joblib": 2},
        {"numpy": 1, "numexpr": 1, "pyarrow": 1, "polars": 1, "duckdb": 2, "joblib": 2},
    ),
}


@pytest.mark.parametrize("cpus", NUMERIC)
def test_numeric_libraries(docker: Engine, cpus: str) -> None:
    """Pools that spin get what the quota can run at once; who reads the quota keeps what it read."""
    python = place(MINOR, *_NUMERIC)
    before, after = NUMERIC[cpus]
    command: list[str | Path] = [python, "library_probe.py", *before]
    untuned = ask(docker, python, cpus, command)
    assert untuned.pop("python")["cpus"] == HOST
    assert untuned == before
    found = ask(docker, python, cpus, tuned("--", *command))
    assert found.pop("python")["cpus"] == max(1, round(float(cpus)))
    assert found == after


def test_the_users_own_threads_stay(docker: Engine) -> None:
    """Two for OpenMP, three for Polars: so it is."""
    python = place(MINOR, *_NUMERIC)
    command: list[str | Path] = [python, "library_probe.py", "numexpr", "pyarrow", "polars"]
    mine = ["env", "OMP_NUM_THREADS=2", "POLARS_MAX_THREADS=3"]
    found = ask(docker, python, "0.5", [*mine, *tuned("--", *command)])
    assert {name: found[name] for name in ("numexpr", "pyarrow", "polars")} == {
        "numexpr": 2,
        "pyarrow": 2,
        "polars": 3,
    }


def test_torch(docker: Engine) -> None:
    """torch 2.13.0 for CPUs: all of the machine's for one operation, or what one CPU can run."""
    python = place(MINOR, "torch==2.13.0+cpu")
    command: list[str | Path] = [python, "library_probe.py", "torch"]
    assert ask(docker, python, "1", command)["torch"] == HOST
    assert ask(docker, python, "1", tuned("--", *command))["torch"] == 1
