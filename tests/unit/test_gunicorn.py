"""gunicorn is recognised in every usual way of starting it, and what it is told is read as it reads it itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.files import NoFiles
from cgtune.runtimes import recognise
from cgtune.settings import Slot
from tests.unit.programs import number, recognised

RECOGNISED = [
    "gunicorn",
    "gunicorn app:app",
    "/usr/bin/gunicorn app:app",
    "./gunicorn app:app",
    "python -m gunicorn app:app",
    "python -m gunicorn.__main__ app:app",
    "python -m gunicorn.app.wsgiapp app:app",
    "python -mgunicorn app:app",
    "python -um gunicorn app:app",
    "python3 -I -m gunicorn app:app",
    "python -X dev -W ignore -m gunicorn.app.wsgiapp app:app",
    "python -Ximporttime -m gunicorn.app.wsgiapp app:app",
    "python --check-hash-based-pycs always -m gunicorn.app.wsgiapp app:app",
    "/opt/bin/python3.12 -X dev -m gunicorn app:app",
    "python3.13t -Xgil=0 -W ignore -OO -m gunicorn app:app",
    "python -uX dev -m gunicorn app:app",
    "python /venv/bin/gunicorn app:app",
    "python -u /venv/bin/gunicorn app:app",
    "python -- /venv/bin/gunicorn app:app",
]
OTHERS = [
    "",
    "true",
    "gunicorn_paster app.ini",
    "gunicornc status",
    "gunicorn.py",
    "mygunicorn app:app",
    "/srv/gunicorn/run app:app",
    "echo gunicorn",
    "python",
    "python -",
    "python - gunicorn",
    "python -c gunicorn",
    "python -cgunicorn gunicorn",
    "python -m",
    "python -m http.server gunicorn",
    "python -m gunicornc",
    "python -m gunicorn.config",
    "python -W gunicorn app.py",
    "python -- -m gunicorn",
    "python -X gunicorn",
    "python app.py gunicorn",
    "python -m pip install gunicorn",
    "pythonic gunicorn app:app",
]


@pytest.mark.parametrize("line", RECOGNISED)
def test_gunicorn_is_recognised(line: str) -> None:
    """By its name, as a module, as a script, behind Python's own flags; nothing about it is made up."""
    command = recognised(line)
    assert (command.server, command.runtime, command.kind) == ("gunicorn", "python", "sync-web")
    assert (command.workers, command.threads, command.is_preloading) == (None, None, False)
    assert (command.is_one_by_habit, command.default_workers) == (False, 1)
    assert command.argv == tuple(line.split())


@pytest.mark.parametrize("line", OTHERS)
def test_another_program_is_not_gunicorn(line: str) -> None:
    """Also where the word appears: as another program's argument, or as a part of its name."""
    command = recognised(line)
    assert (command.server, command.kind) == (None, None)
    assert command.argv == tuple(line.split())


# Words after "gunicorn" -> the text of workers, of threads, kind. Tried with gunicorn 27's own parser.
ARGUMENTS: dict[str, tuple[str | None, str | None, str]] = {
    "-w 4 app:app": ("4", None, "sync-web"),
    "-w4 app:app": ("4", None, "sync-web"),
    "-w=4 app:app": ("4", None, "sync-web"),
    "--workers 4 app:app": ("4", None, "sync-web"),
    "--workers=4 app:app": ("4", None, "sync-web"),
    "app:app -w 4": ("4", None, "sync-web"),
    "-Dw4 app:app": ("4", None, "sync-web"),
    "-DRw 4 app:app": ("4", None, "sync-web"),
    "-w 4 -w 2 app:app": ("2", None, "sync-web"),
    "-w 4 --workers=2 app:app": ("2", None, "sync-web"),
    "-w 0 app:app": ("0", None, "sync-web"),
    "-w": (None, None, "sync-web"),
    "app:app -- -w 4": (None, None, "sync-web"),
    "--worker-tmp-dir /dev/shm app:app": (None, None, "sync-web"),
    "--wo 4 app:app": (None, None, "sync-web"),
    "--workersx 4 app:app": (None, None, "sync-web"),
    "--t 8 app:app": (None, None, "sync-web"),
    "aw:app": (None, None, "sync-web"),
    "--worker-connections 9 app:app": (None, None, "sync-web"),
    "-b :80 -n web app:app": (None, None, "sync-web"),
    "--threads 8 app:app": (None, "8", "sync-web"),
    "--threads=8 app:app": (None, "8", "sync-web"),
    "--thread 8 app:app": (None, "8", "sync-web"),
    "--th=8 app:app": (None, "8", "sync-web"),
    "-t 8 --timeout 8 app:app": (None, None, "sync-web"),
    "-k gevent app:app": (None, None, "async-web"),
    "-kgevent app:app": (None, None, "async-web"),
    "-Dkgevent app:app": (None, None, "async-web"),
    "--worker-class gevent app:app": (None, None, "async-web"),
    "--worker-cl=eventlet app:app": (None, None, "async-web"),
    "-k uvicorn.workers.UvicornWorker app:app": (None, None, "async-web"),
    "-k uvicorn_worker.UvicornWorker app:app": (None, None, "async-web"),
    "-k asgi app:app": (None, None, "async-web"),
    "-k gthread --threads 4 app:app": (None, "4", "sync-web"),
    "-k sync app:app": (None, None, "sync-web"),
    "-k gevent -k sync app:app": (None, None, "sync-web"),
}


@pytest.mark.parametrize("line", ARGUMENTS)
def test_its_arguments_are_read_as_it_reads_them(line: str) -> None:
    """As argparse does: joined, abbreviated, repeated, and none after `--`."""
    command = recognised(f"gunicorn {line}")
    workers, threads = command.workers, command.threads
    assert (workers and workers.text, threads and threads.text, command.kind) == ARGUMENTS[line]
    for given_number in (workers, threads):
        assert given_number is None or (given_number.via, given_number.source) == ("argv", "command line")


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("+3", 3), ("123456", 123456), ("1234567", None), ("many", None), ("-1", None)]
)
def test_what_is_said_is_theirs_also_where_it_is_no_number(text: str, value: int | None) -> None:
    """It stays as it is; only what is a plausible count is one."""
    assert number(recognised(f"gunicorn -w {text} app:app").workers) == (text, value, "command line")


# Variables -> text and number of workers, where they are from.
VARIABLES: list[tuple[dict[str, str], tuple[str, int | None, str] | None]] = [
    ({}, None),
    ({"WEB_CONCURRENCY": "3"}, ("3", 3, "WEB_CONCURRENCY")),
    ({"WEB_CONCURRENCY": " 3 "}, (" 3 ", 3, "WEB_CONCURRENCY")),
    ({"WEB_CONCURRENCY": ""}, ("", None, "WEB_CONCURRENCY")),
    ({"WEB_CONCURRENCY": "auto"}, ("auto", None, "WEB_CONCURRENCY")),
    ({"WEB_CONCURRENCY": "²"}, ("²", None, "WEB_CONCURRENCY")),
    ({"GUNICORN_CMD_ARGS": "--workers 3"}, ("3", 3, "GUNICORN_CMD_ARGS")),
    ({"GUNICORN_CMD_ARGS": "--name 'my app' -w 3"}, ("3", 3, "GUNICORN_CMD_ARGS")),
    ({"GUNICORN_CMD_ARGS": "--name my\\ app --workers='3'"}, ("3", 3, "GUNICORN_CMD_ARGS")),
    ({"GUNICORN_CMD_ARGS": "--name 'never closed -w 3"}, ("3", 3, "GUNICORN_CMD_ARGS")),
    ({"GUNICORN_CMD_ARGS": ""}, None),
    ({"GUNICORN_CMD_ARGS": "-w 3", "WEB_CONCURRENCY": "9"}, ("3", 3, "GUNICORN_CMD_ARGS")),
    ({"UNRELATED": "-w 3"}, None),
]


@pytest.mark.parametrize(("environment", "workers"), VARIABLES)
def test_its_variables_are_read(environment: dict[str, str], workers: tuple[str, int | None, str] | None) -> None:
    """The argument variable is stronger than the number alone; what is set and no number is still the user's."""
    assert number(recognised("gunicorn app:app", environment).workers) == workers


def test_the_command_line_is_stronger_than_the_variables() -> None:
    """For workers, threads and worker class alike, each by itself."""
    environment = {"GUNICORN_CMD_ARGS": "-w 3 --threads 3 -k gevent", "WEB_CONCURRENCY": "9"}
    command = recognised("gunicorn -w 2", environment)
    assert number(command.workers) == ("2", 2, "command line")
    assert number(command.threads) == ("3", 3, "GUNICORN_CMD_ARGS")
    assert command.kind == "async-web"
    command = recognised("gunicorn --threads 2 -k gthread", environment)
    assert number(command.workers) == ("3", 3, "GUNICORN_CMD_ARGS")
    assert (number(command.threads), command.kind) == (("2", 2, "command line"), "sync-web")


THREADS_SLOT = Slot(name="GUNICORN_CMD_ARGS", via="env")


@pytest.mark.parametrize(
    ("line", "files", "slot"),
    [
        ("gunicorn app:app", {}, THREADS_SLOT),
        ("gunicorn app:app", {"gunicorn.conf.py": "workers = 2"}, THREADS_SLOT),
        ("gunicorn -k gevent app:app", {}, None),
        ("gunicorn app:app", {"gunicorn.conf.py": "from base import *"}, None),
        ("gunicorn app:app", {"gunicorn.conf.py": "no Python"}, None),
        ("gunicorn app:app", {"gunicorn.conf.py": None}, None),
        ("gunicorn -c missing.py app:app", {}, None),
        ("gunicorn --paste app.ini", {}, None),
        ("gunicorn --paster app.ini", {}, None),
        ("uv run --directory srv gunicorn app:app", {}, None),
    ],
)
def test_threads_are_only_added_where_nothing_else_can_say_them(
    line: str, files: dict[str, str | None], slot: Slot | None
) -> None:
    """GUNICORN_CMD_ARGS would win over the config file. The weak slot for workers is always there."""
    command = recognised(line, files=files)
    assert command.threads_slot == slot
    assert command.workers_slot == Slot(name="WEB_CONCURRENCY", via="env")


@pytest.mark.parametrize(
    ("line", "environment", "is_preloading"),
    [
        ("gunicorn --preload app:app", {}, True),
        ("gunicorn --preloa app:app", {}, True),
        ("gunicorn app:app", {"GUNICORN_CMD_ARGS": "--preload"}, True),
        ("gunicorn app:app -- --preload", {}, False),
        ("gunicorn --preload-app app:app", {}, False),
        ("gunicorn app:app", {"PRELOAD": "--preload"}, False),
    ],
)
def test_a_master_that_imports_the_application_is_told(
    line: str, environment: dict[str, str], is_preloading: bool
) -> None:
    """Its forks share what it imported."""
    assert recognised(line, environment).is_preloading is is_preloading


WORDS = st.sampled_from(
    ["python", "gunicorn", "-m", "-w", "-w4", "--workers=", "--", "-", "-X", "-Dw", "--th", "", "-k", "gevent", "-c"]
)


@given(st.lists(WORDS | st.text(max_size=5), max_size=6), st.text(max_size=20))
def test_any_words_are_some_command(words: list[str], arguments: str) -> None:
    """Nothing raises, the words stay as they are, and a number is a plausible one."""
    command = recognise(tuple(words), {"GUNICORN_CMD_ARGS": arguments}, NoFiles())
    assert command.argv == tuple(words)
    for found in (command.workers, command.threads):
        assert found is None or found.value is None or 0 <= found.value < 10**6
