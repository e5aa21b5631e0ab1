"""gunicorn is recognised in every usual way of starting it, and what it is told is read as it reads it itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.runtimes import recognise

RECOGNISED = [
    "gunicorn",
    "gunicorn app:app",
    "/usr/bin/gunicorn app:app",
    "./gunicorn app:app",
    "python -m gunicorn app:app",
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
    "python -W gunicorn app.py",
    "python -- -m gunicorn",
    "python -X gunicorn",
    "python app.py gunicorn",
    "python -m pip install gunicorn",
    "pythonic gunicorn app:app",
    "sh -c gunicorn",
]


@pytest.mark.parametrize("line", RECOGNISED)
def test_gunicorn_is_recognised(line: str) -> None:
    """By its name, as a module, as a script, behind Python's own flags; nothing about it is made up."""
    command = recognise(tuple(line.split()), {})
    assert (command.server, command.runtime, command.kind) == ("gunicorn", "python", "sync-web")
    assert (command.workers, command.workers_from, command.threads) == (None, None, None)
    assert command.argv == tuple(line.split())


@pytest.mark.parametrize("line", OTHERS)
def test_another_program_is_not_gunicorn(line: str) -> None:
    """Also where the word appears: as another program's argument, or as a part of its name."""
    command = recognise(tuple(line.split()), {})
    assert (command.server, command.kind) == (None, None)
    assert command.argv == tuple(line.split())


# Words after "gunicorn" -> workers, their text, threads, kind. Tried with gunicorn 27's own parser.
ARGUMENTS: dict[str, tuple[int | None, str | None, int | None, str]] = {
    "-w 4 app:app": (4, "4", None, "sync-web"),
    "-w4 app:app": (4, "4", None, "sync-web"),
    "-w=4 app:app": (4, "4", None, "sync-web"),
    "--workers 4 app:app": (4, "4", None, "sync-web"),
    "--workers=4 app:app": (4, "4", None, "sync-web"),
    "app:app -w 4": (4, "4", None, "sync-web"),
    "-Dw4 app:app": (4, "4", None, "sync-web"),
    "-DRw 4 app:app": (4, "4", None, "sync-web"),
    "-w 4 -w 2 app:app": (2, "2", None, "sync-web"),
    "-w 0 app:app": (0, "0", None, "sync-web"),
    "-w many app:app": (None, "many", None, "sync-web"),
    "-w": (None, None, None, "sync-web"),
    "app:app -- -w 4": (None, None, None, "sync-web"),
    "--worker-tmp-dir /dev/shm app:app": (None, None, None, "sync-web"),
    "-w 123456 app:app": (123456, "123456", None, "sync-web"),
    "-w 1234567 app:app": (None, "1234567", None, "sync-web"),
    "--wo 4 app:app": (None, None, None, "sync-web"),
    "--workersx 4 app:app": (None, None, None, "sync-web"),
    "--t 8 app:app": (None, None, None, "sync-web"),
    "aw:app": (None, None, None, "sync-web"),
    "--worker-connections 9 app:app": (None, None, None, "sync-web"),
    "-b :80 -n web -c conf.py app:app": (None, None, None, "sync-web"),
    "--threads 8 app:app": (None, None, 8, "sync-web"),
    "--threads=8 app:app": (None, None, 8, "sync-web"),
    "--thread 8 app:app": (None, None, 8, "sync-web"),
    "--th=8 app:app": (None, None, 8, "sync-web"),
    "-t 8 --timeout 8 app:app": (None, None, None, "sync-web"),
    "-k gevent app:app": (None, None, None, "async-web"),
    "-kgevent app:app": (None, None, None, "async-web"),
    "--worker-class gevent app:app": (None, None, None, "async-web"),
    "--worker-cl=eventlet app:app": (None, None, None, "async-web"),
    "-k uvicorn.workers.UvicornWorker app:app": (None, None, None, "async-web"),
    "-k asgi app:app": (None, None, None, "async-web"),
    "-k gthread --threads 4 app:app": (None, None, 4, "sync-web"),
    "-k sync app:app": (None, None, None, "sync-web"),
    "-k gevent -k sync app:app": (None, None, None, "sync-web"),
}


@pytest.mark.parametrize("line", ARGUMENTS)
def test_its_arguments_are_read_as_it_reads_them(line: str) -> None:
    """As argparse does: joined, abbreviated, repeated, and none after `--`."""
    command = recognise(("gunicorn", *line.split()), {})
    assert (command.workers, command.workers_text, command.threads, command.kind) == ARGUMENTS[line]
    assert command.workers_from == (None if command.workers_text is None else "command line")


# Variables -> workers, where they are from.
VARIABLES: list[tuple[dict[str, str], int | None, str | None]] = [
    ({}, None, None),
    ({"WEB_CONCURRENCY": "3"}, 3, "WEB_CONCURRENCY"),
    ({"WEB_CONCURRENCY": " 3 "}, 3, "WEB_CONCURRENCY"),
    ({"WEB_CONCURRENCY": ""}, None, "WEB_CONCURRENCY"),
    ({"WEB_CONCURRENCY": "auto"}, None, "WEB_CONCURRENCY"),
    ({"WEB_CONCURRENCY": "²"}, None, "WEB_CONCURRENCY"),
    ({"GUNICORN_CMD_ARGS": "--workers 3"}, 3, "GUNICORN_CMD_ARGS"),
    ({"GUNICORN_CMD_ARGS": "--name 'my app' -w 3"}, 3, "GUNICORN_CMD_ARGS"),
    ({"GUNICORN_CMD_ARGS": "--name my\\ app --workers='3'"}, 3, "GUNICORN_CMD_ARGS"),
    ({"GUNICORN_CMD_ARGS": "--name 'never closed -w 3"}, 3, "GUNICORN_CMD_ARGS"),
    ({"GUNICORN_CMD_ARGS": ""}, None, None),
    ({"GUNICORN_CMD_ARGS": "-w 3", "WEB_CONCURRENCY": "9"}, 3, "GUNICORN_CMD_ARGS"),
    ({"UNRELATED": "-w 3"}, None, None),
]


@pytest.mark.parametrize(("environment", "workers", "workers_from"), VARIABLES)
def test_its_variables_are_read(environment: dict[str, str], workers: int | None, workers_from: str | None) -> None:
    """The argument variable is stronger than the number alone; what is set and no number is still the user's."""
    command = recognise(("gunicorn", "app:app"), environment)
    assert (command.workers, command.workers_from) == (workers, workers_from)


def test_the_command_line_is_stronger_than_the_variables() -> None:
    """For workers, threads and worker class alike, each by itself."""
    environment = {"GUNICORN_CMD_ARGS": "-w 3 --threads 3 -k gevent", "WEB_CONCURRENCY": "9"}
    command = recognise(("gunicorn", "-w", "2"), environment)
    assert (command.workers, command.workers_from, command.threads) == (2, "command line", 3)
    assert command.kind == "async-web"
    command = recognise(("gunicorn", "--threads", "2", "-k", "gthread"), environment)
    assert (command.workers, command.threads, command.kind) == (3, 2, "sync-web")


WORDS = st.sampled_from(
    ["python", "gunicorn", "-m", "-w", "-w4", "--workers=", "--", "-", "-X", "-Dw", "--th", "", "-k", "gevent"]
)


@given(st.lists(WORDS | st.text(max_size=5), max_size=6), st.text(max_size=20))
def test_any_words_are_some_command(words: list[str], arguments: str) -> None:
    """Nothing raises, the words stay as they are, and a number is a plausible one."""
    command = recognise(tuple(words), {"GUNICORN_CMD_ARGS": arguments})
    assert command.argv == tuple(words)
    assert command.workers is None or 0 <= command.workers < 10**6
    assert (command.workers_text is None) is (command.workers_from is None)
