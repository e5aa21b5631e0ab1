"""`cgtune measure` of real servers: what they hold, and that a plan counts with it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab import Unavailable
from lab.engine import Engine
from lab.pythons import environment
from tests.support import unavailable
from tests.unit.command import COMMAND, DEADLINE_SECONDS, PLAIN

pytestmark = pytest.mark.real

MIB = 1 << 20
_APP = Path(__file__).parents[2] / "bench/apps/state_app.py"
_ASGI = """\
STATE = bytearray(b"x") * (20 << 20)

async def app(scope, receive, send):
    while scope["type"] == "lifespan":
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
"""
# Nobody answers there: the pool is started all the same.
_TASKS = """\
from celery import Celery

app = Celery("tasks", broker="amqp://127.0.0.1:1//")
"""


@pytest.fixture(scope="module")
def python() -> str:
    """A Python with the servers."""
    try:
        return str(environment(sys.version_info[1], "gunicorn", "uvicorn", "celery"))
    except Unavailable as reason:
        unavailable(str(reason))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an application of 20 MiB, and what says its packages."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "state_app.py").write_text(_APP.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "asgi.py").write_text(_ASGI, encoding="utf-8")
    (folder / "tasks.py").write_text(_TASKS, encoding="utf-8")
    (folder / "requirements.txt").write_text("gunicorn\n", encoding="utf-8")
    return folder


def cgtune(project: Path, *words: str) -> dict[str, object]:
    """The JSON that a command prints, with a cache beside the project."""
    variables = {"XDG_CACHE_HOME": str(project.parent / "cache"), "STATE_MIB": "20", "HOME": str(project.parent)}
    done = subprocess.run(
        [*COMMAND, *words],
        env={**PLAIN, **variables},
        cwd=project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def measure(project: Path, argv: Sequence[str]) -> dict[str, int]:
    """The figures of one measurement, after which nothing works in the project any more."""
    document = cgtune(project, "measure", "--json", "--seconds", "1", "--", *argv)
    assert not inhabitants(project)
    return {name: value for name, value in document.items() if isinstance(value, int)}


def budget(project: Path, argv: Sequence[str]) -> dict[str, object]:
    """What `plan` counts with for the same command."""
    found = cgtune(project, "plan", "--json", "--memory-limit", "1Gi", "--", *argv)["budget"]
    assert isinstance(found, dict)
    return found


def inhabitants(folder: Path) -> list[str]:
    """The processes that have it as their working directory."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{name}/cwd") == str(folder):
                found.append(name)
        except OSError:
            continue
    return found


def test_inhabitants_are_seen(tmp_path: Path) -> None:
    """The control: a process that stays would be found."""
    staying = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    try:
        assert inhabitants(tmp_path) == [str(staying.pid)]
    finally:
        staying.kill()
        staying.wait()


def test_a_plan_counts_with_what_a_gunicorn_worker_holds(python: str, project: Path) -> None:
    """20 MiB of state and an interpreter; until its packages change."""
    argv = [python, "-m", "gunicorn", "--bind", "unix:app.sock", "state_app:app"]
    assert budget(project, argv)["worker_bytes_from"] == "default"
    size = measure(project, argv)
    assert 20 * MIB < size["worker_bytes"] < 35 * MIB
    (file,) = (project.parent / "cache/cgtune").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert budget(project, argv) == {
        **budget(project, argv),
        "worker_bytes": size["planned_bytes"],
        "shared_bytes": size["shared_bytes"],
        "worker_bytes_from": "measured",
    }
    assert size["worker_bytes"] * 1.25 <= size["planned_bytes"] < 55 * MIB
    (project / "requirements.txt").write_text("gunicorn\nflask\n", encoding="utf-8")
    assert budget(project, argv)["worker_bytes_from"] == "default"


def test_what_is_preloaded_is_shared(python: str, project: Path) -> None:
    """The master holds the state, of which a worker is taken to copy some under load."""
    argv = [python, "-m", "gunicorn", "--preload", "--bind", "unix:app.sock", "state_app:app"]
    size = measure(project, argv)
    assert size["worker_bytes"] < 15 * MIB
    assert size["inherited_bytes"] > 20 * MIB
    assert 30 * MIB < size["shared_bytes"] < 60 * MIB
    assert size["planned_bytes"] > 1.25 * (size["worker_bytes"] + 10 * MIB)


def test_a_uvicorn_is_its_own_worker(python: str, project: Path) -> None:
    """With more than one it would have a master: what they share is at least what is assumed for that."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    size = measure(project, [python, "-m", "uvicorn", "--port", str(port), "asgi:app"])
    assert 30 * MIB < size["worker_bytes"] < 60 * MIB
    assert size["inherited_bytes"] == 0
    assert size["shared_bytes"] == 32 * MIB
    assert size["is_shared_assumed"]


def test_a_celery_worker_needs_no_broker(python: str, project: Path) -> None:
    """It never listens; its child is the worker, and inherits what the master has imported."""
    size = measure(project, [python, "-m", "celery", "-A", "tasks", "worker", "--loglevel", "error"])
    assert 1 * MIB < size["worker_bytes"] < 25 * MIB
    assert size["inherited_bytes"] > 10 * MIB
    assert size["shared_bytes"] > 20 * MIB


@pytest.mark.parametrize(
    "options", [("--user", "65532"), ("--user", "0")], ids=["nobody", "root, and a worker that is not"]
)
def test_in_a_confined_container(docker: Engine, image: str, options: tuple[str, ...]) -> None:
    """On a read-only root with a small /tmp; also where root's worker becomes another user, unseen."""
    confined = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp"]
    if options == ("--user", "0"):
        confined += ["--cap-add", "SETUID", "--cap-add", "SETGID", "--cap-add", "KILL", "--cap-add", "CHOWN"]
    mount = f"type=bind,source={_APP.parent},target=/srv,readonly"
    settings = [*confined, *options, "--workdir", "/srv", "--mount", mount, "--env", "XDG_CACHE_HOME=/tmp"]
    argv = "gunicorn --user 65532 state_app:app"
    script = f"cgtune measure --seconds 1 -- {argv} >&2 && exec cgtune plan --json --memory-limit 256Mi -- {argv}"
    done = docker.run(image, ["sh", "-c", script], docker_options=settings).check()
    assert json.loads(done.stdout)["budget"]["worker_bytes_from"] == "measured"
    assert ("an estimate" in done.stderr) == (options == ("--user", "0"))
