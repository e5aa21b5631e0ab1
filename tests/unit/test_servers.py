"""Web servers besides gunicorn: each form in which workers or threads are said, and where ours may be put."""

from __future__ import annotations

import pytest

from cgtune.runtimes import MODULES, OPTIONS, SERVERS
from cgtune.settings import Slot
from tests.unit.programs import number, recognised

Number = tuple[str, int | None, str] | None
ARGV = "command line"


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_is_known_by_its_script(name: str) -> None:
    """By its name, by its path, and as a script that Python is given."""
    words = {"celery": " worker", "fastapi": " run", "rq": " worker"}.get(name, "")
    for start in (name, f"/opt/venv/bin/{name}", f"python3 /opt/venv/bin/{name}"):
        command = recognised(f"{start}{words}")
        assert (command.runtime, command.server) == ("python", SERVERS[name])
        assert command.kind is not None
        assert (command.workers, command.threads) == (None, None)


def test_each_server_has_options() -> None:
    """With which a word that only a shell knows may tell it a number."""
    assert set(OPTIONS) == {*SERVERS.values(), *MODULES.values()}


@pytest.mark.parametrize("name", MODULES)
def test_a_server_is_known_as_a_module(name: str) -> None:
    """`python -m`, also with the .__main__ that Python itself adds."""
    words = {"celery": " worker", "fastapi": " run", "rq.cli": " worker"}.get(name, "")
    for start in (f"python -m {name}", f"python -m {name}.__main__"):
        assert recognised(f"{start}{words}").server == MODULES[name]


@pytest.mark.parametrize(
    "line",
    [
        "python -m rq worker",
        "python -m uwsgi",
        "python -m rqworker",
        "python -m celery.bin worker",
        "uvicorn.py app:app",
        "celeryd",
        "rqinfo",
        "fastapi dev",
        "fastapi",
        "fastapi --version",
        "rq info",
        "rq",
        "rq --version",
        "rq enqueue worker",
        "celery",
        "celery -A worker beat",
        "celery --app=worker beat",
        "celery -A app beat worker",
        "celery -A app flower",
        "celery -A app inspect active -d worker",
        "celery --workdir worker",
        "celery -A app multi start worker",
        "uwsgi --emperor /etc/vassals",
        "uwsgi --emperor=/etc/vassals -p 4",
    ],
)
def test_what_starts_no_worker_is_none(line: str) -> None:
    """Other subcommands, names that only look alike, and a uWSGI that starts other uWSGIs."""
    command = recognised(line)
    assert (command.server, command.kind, command.workers_slot) == (None, None, None)


UVICORN: list[tuple[str, dict[str, str], Number]] = [
    ("uvicorn app:app", {}, None),
    ("uvicorn --workers 4 app:app", {}, ("4", 4, ARGV)),
    ("uvicorn app:app --workers=4", {}, ("4", 4, ARGV)),
    ("uvicorn --workers 4 --workers 2 app:app", {}, ("2", 2, ARGV)),
    ("uvicorn --worker 4 app:app", {}, None),
    ("uvicorn -w 4 app:app", {}, None),
    ("uvicorn --timeout-worker-healthcheck 4 app:app", {}, None),
    ("uvicorn app:app -- --workers 4", {}, None),
    ("uvicorn --workers 0 app:app", {}, ("0", 1, ARGV)),
    ("uvicorn --workers many app:app", {}, ("many", None, ARGV)),
    ("uvicorn app:app", {"WEB_CONCURRENCY": "3"}, ("3", 3, "WEB_CONCURRENCY")),
    ("uvicorn app:app", {"WEB_CONCURRENCY": ""}, ("", None, "WEB_CONCURRENCY")),
    ("uvicorn app:app", {"UVICORN_WORKERS": "3", "WEB_CONCURRENCY": "9"}, ("3", 3, "UVICORN_WORKERS")),
    ("uvicorn app:app", {"UVICORN_WORKERS": "", "WEB_CONCURRENCY": "9"}, ("9", 9, "WEB_CONCURRENCY")),
    ("uvicorn app:app", {"UVICORN_WORKERS": ""}, None),
    ("uvicorn --workers 2 app:app", {"UVICORN_WORKERS": "3", "WEB_CONCURRENCY": "9"}, ("2", 2, ARGV)),
    ("uvicorn --workers 4 --reload app:app", {"WEB_CONCURRENCY": "9"}, None),
    ("uvicorn --workers 4 --reload-dir src app:app", {}, ("4", 4, ARGV)),
    ("uvicorn --workers 4 app:app", {"UVICORN_RELOAD": "true"}, None),
    ("uvicorn --workers 4 app:app", {"UVICORN_RELOAD": "False"}, ("4", 4, ARGV)),
    ("fastapi run app.py --workers 4", {}, ("4", 4, ARGV)),
    ("fastapi run", {"WEB_CONCURRENCY": "3"}, ("3", 3, "WEB_CONCURRENCY")),
    ("fastapi run", {"UVICORN_WORKERS": "3", "UVICORN_RELOAD": "1"}, None),
    ("fastapi run --reload --workers 4", {}, None),
]


@pytest.mark.parametrize(("line", "environment", "workers"), UVICORN)
def test_uvicorn(line: str, environment: dict[str, str], workers: Number) -> None:
    """click's rules: no abbreviations, no letter; --workers > UVICORN_WORKERS > WEB_CONCURRENCY; --reload is one."""
    command = recognised(line, environment)
    assert (command.server, command.kind, number(command.workers)) == ("uvicorn", "async-web", workers)
    assert (command.is_one_by_habit, command.default_workers, command.is_preloading) == (True, 1, False)


WEAK = Slot(name="WEB_CONCURRENCY", via="env")


def test_uvicorn_is_told_in_the_weakest_place() -> None:
    """A variable that any number of the user's wins over; nothing is told to one that reloads."""
    assert recognised("uvicorn app:app").workers_slot == WEAK
    assert recognised("fastapi run").workers_slot == WEAK
    assert recognised("uvicorn app:app --reload").workers_slot is None
    assert recognised("uvicorn app:app", {"UVICORN_RELOAD": "1"}).workers_slot is None
    assert recognised("fastapi run", {"UVICORN_RELOAD": "1"}).workers_slot == WEAK


@pytest.mark.parametrize(
    ("text", "workers", "slot"),
    [
        ("WEB_CONCURRENCY=5\n", ("5", 5, "app.env"), WEAK),
        ("export WEB_CONCURRENCY='5' # five\n", ("5", 5, "app.env"), WEAK),
        ("UVICORN_WORKERS=5\n", None, WEAK),
        ("# WEB_CONCURRENCY=5\n", None, WEAK),
        (None, None, None),
    ],
)
@pytest.mark.parametrize("place", ["argv", "env"])
def test_uvicorns_file_of_variables_is_weaker_than_the_environment(
    place: str, text: str | None, workers: Number, slot: Slot | None
) -> None:
    """It brings what the environment does not have; where it cannot be read, ours must not get in front of it."""
    line = "uvicorn --env-file app.env app:app" if place == "argv" else "uvicorn app:app"
    environment = {} if place == "argv" else {"UVICORN_ENV_FILE": "app.env"}
    command = recognised(line, environment, {"app.env": text})
    assert (number(command.workers), command.workers_slot) == (workers, slot)
    stronger = recognised(line, {**environment, "WEB_CONCURRENCY": "2"}, {"app.env": text})
    assert number(stronger.workers) == ("2", 2, "WEB_CONCURRENCY")


TOML = 'bind = ["[::]:80"]\nworkers = 3\n[tls]\nworkers = 9\n'
HYPERCORN: list[tuple[str, dict[str, str | None], Number, bool]] = [
    ("hypercorn app:app", {}, None, True),
    ("hypercorn -w 4 app:app", {}, ("4", 4, ARGV), True),
    ("hypercorn -w4 app:app", {}, ("4", 4, ARGV), True),
    ("hypercorn -w=4 app:app", {}, ("4", 4, ARGV), True),
    ("hypercorn -Dw4 app:app", {}, ("4", 4, ARGV), True),
    ("hypercorn app:app --workers=4", {}, ("4", 4, ARGV), True),
    ("hypercorn --worker 4 app:app", {}, None, True),
    ("hypercorn --worker-class uvloop app:app", {}, None, True),
    ("hypercorn -w 4 -w 2 app:app", {}, ("2", 2, ARGV), True),
    ("hypercorn -c h.toml app:app", {"h.toml": TOML}, ("3", 3, "h.toml"), True),
    ("hypercorn --co h.toml app:app", {"h.toml": TOML}, ("3", 3, "h.toml"), True),
    ("hypercorn -c h.toml -w 2 app:app", {"h.toml": TOML}, ("2", 2, ARGV), True),
    ("hypercorn -c h.toml app:app", {"h.toml": "bind = ':80'\n"}, None, True),
    ("hypercorn -c h.toml app:app", {}, ("…", None, "h.toml"), False),
    ("hypercorn -c h.toml app:app", {"h.toml": None}, ("…", None, "h.toml"), False),
    ("hypercorn -c h.toml -w 2 app:app", {}, ("2", 2, ARGV), False),
    ("hypercorn -c file:h.py app:app", {"h.py": "workers = 3"}, ("3", 3, "file:h.py"), True),
    ("hypercorn -c file:h.py app:app", {"h.py": "workers = cpu_count()"}, ("…", None, "file:h.py"), True),
    ("hypercorn -c file:h.py app:app", {"h.py": "from base import *"}, ("…", None, "file:h.py"), False),
    ("hypercorn -c python:shop.conf app:app", {"shop/conf.py": "workers = 3"}, ("3", 3, "python:shop.conf"), True),
    (
        "hypercorn -c python:shop.conf.Production app:app",
        {"shop/conf.py": "workers = 3"},
        ("…", None, "python:shop.conf.Production"),
        False,
    ),
    ("hypercorn app:app", {"hypercorn.toml": TOML}, None, True),
]


@pytest.mark.parametrize(("line", "files", "workers", "has_slot"), HYPERCORN)
def test_hypercorn(line: str, files: dict[str, str | None], workers: Number, has_slot: bool) -> None:
    """An argument, or its config file, also one that cannot be read. Ours would win over that: so it is not said."""
    command = recognised(line, {"WEB_CONCURRENCY": "9", "HYPERCORN_WORKERS": "9"}, files)
    assert (command.server, command.kind, number(command.workers)) == ("hypercorn", "async-web", workers)
    assert command.workers_slot == (Slot(name="--workers", via="argv") if has_slot else None)
    assert (command.is_one_by_habit, command.default_workers, command.position) == (True, 1, 1)


GRANIAN: list[tuple[str, dict[str, str], Number, Number, str]] = [
    ("granian app:app", {}, None, None, "async-web"),
    ("granian --workers 4 app:app", {}, ("4", 4, ARGV), None, "async-web"),
    ("granian --workers 4 --workers=2 app:app", {}, ("2", 2, ARGV), None, "async-web"),
    ("granian --workers-lifetime 4 app:app", {}, None, None, "async-web"),
    ("granian --worker 4 app:app", {}, None, None, "async-web"),
    ("granian app:app", {"GRANIAN_WORKERS": "3"}, ("3", 3, "GRANIAN_WORKERS"), None, "async-web"),
    ("granian --workers 2 app:app", {"GRANIAN_WORKERS": "3"}, ("2", 2, ARGV), None, "async-web"),
    ("granian app:app", {"GRANIAN_WORKERS": ""}, ("", None, "GRANIAN_WORKERS"), None, "async-web"),
    ("granian app:app", {"WEB_CONCURRENCY": "3"}, None, None, "async-web"),
    ("granian --interface wsgi app:app", {}, None, None, "sync-web"),
    ("granian --interface=wsgi --blocking-threads 8 app:app", {}, None, ("8", 8, ARGV), "sync-web"),
    ("granian app:app", {"GRANIAN_INTERFACE": "WSGI"}, None, None, "sync-web"),
    ("granian --interface asgi app:app", {"GRANIAN_INTERFACE": "wsgi"}, None, None, "async-web"),
    (
        "granian --interface wsgi app:app",
        {"GRANIAN_BLOCKING_THREADS": "8"},
        None,
        ("8", 8, "GRANIAN_BLOCKING_THREADS"),
        "sync-web",
    ),
    ("granian --runtime-threads 4 --runtime-blocking-threads 4 app:app", {}, None, None, "async-web"),
]


@pytest.mark.parametrize(("line", "environment", "workers", "threads", "kind"), GRANIAN)
def test_granian(line: str, environment: dict[str, str], workers: Number, threads: Number, kind: str) -> None:
    """click's rules, variables of its own; blocking threads, which stop ASGI from starting, for WSGI only."""
    command = recognised(line, environment)
    assert (command.server, command.kind) == ("granian", kind)
    assert (number(command.workers), number(command.threads)) == (workers, threads)
    assert command.workers_slot == Slot(name="GRANIAN_WORKERS", via="env")
    threads_slot = Slot(name="GRANIAN_BLOCKING_THREADS", via="env") if kind == "sync-web" else None
    assert command.threads_slot == threads_slot
    assert (command.is_one_by_habit, command.default_workers) == (True, 1)
