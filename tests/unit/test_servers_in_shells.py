"""Servers in a shell line, or behind env: what may be told to them there, and what is said and not known."""

from __future__ import annotations

import pytest

from cgtune.runtimes import recognise
from cgtune.settings import Command
from tests.unit.programs import Files, number, recognised

ARGV = "command line"


@pytest.mark.parametrize("line", ["hypercorn app:app", "dramatiq tasks", "rq worker-pool"])
def test_what_takes_only_words_is_told_nothing_in_a_shell_line(line: str) -> None:
    """No word can be added to it there."""
    assert recognised(line).workers_slot is not None
    for wrapped in (f"sh -c 'exec {line}'", f"env -S '{line}'"):
        command = recognised(wrapped)
        assert (command.server, command.workers_slot, command.threads_slot) == (recognised(line).server, None, None)


@pytest.mark.parametrize("line", ["gunicorn app:app", "uvicorn app:app", "granian app:app", "uwsgi"])
def test_what_reads_a_variable_is_told_in_a_shell_line_too(line: str) -> None:
    """The shell passes it on."""
    assert recognised(f"sh -c 'exec {line}'").workers_slot == recognised(line).workers_slot


# Servers that take workers as words -> the option, and the one for threads.
TOLD_BY = {
    "gunicorn app:app": ("-w", "--threads"),
    "uvicorn app:app": ("--workers", None),
    "fastapi run": ("--workers", None),
    "hypercorn app:app": ("-w", None),
    "granian app:app": ("--workers", "--blocking-threads"),
    "uwsgi --master": ("-p", "--threads"),
    "celery -A app worker": ("-c", None),
    "dramatiq tasks": ("-p", "-t"),
    "rq worker-pool": ("-n", None),
}
HIDDEN = ("…", None, ARGV)


@pytest.mark.parametrize("word", ["$ARGS", "${ARGS:-}", "$@", '"$(cat args)"'])
@pytest.mark.parametrize("line", TOLD_BY)
def test_words_that_only_the_shell_knows_may_say_any_number(line: str, word: str) -> None:
    """Theirs, and not known; a number behind them wins, one before them may not."""
    option, threads = TOLD_BY[line]

    def shell(words: str) -> Command:
        return recognise(("sh", "-c", f"shift; exec {line} {words}"), {"WEB_CONCURRENCY": "3"}, Files({}))

    assert number(shell(word).workers) == HIDDEN
    assert number(shell(f"{option} 2 {word}").workers) == HIDDEN
    assert number(shell(f"{word} {option} 2").workers) == ("2", 2, ARGV)
    if threads is not None:
        assert number(shell(word).threads) == HIDDEN
        assert number(shell(f"{word} {threads} 5").threads) == ("5", 5, ARGV)
        assert number(shell(f"{word} {option} 2").threads) == HIDDEN


def test_other_words_of_the_shells_say_no_number() -> None:
    """Values of options, parts of words; and words that the shell is given are known."""
    for words in ("-b :$PORT app", "-b $BIND app", "-b $HOST:$PORT $A.wsgi", "--name '$A' app", "-- $A"):
        assert recognise(("sh", "-c", f"gunicorn {words}"), {}, Files({})).workers is None
    given = recognise(("sh", "-c", 'exec gunicorn "$@"', "sh", "-w", "7", "app:app"), {}, Files({}))
    assert number(given.workers) == ("7", 7, ARGV)
    assert recognise(("sh", "-c", 'exec gunicorn app:app "$@"', "sh"), {}, Files({})).workers is None
    whole = recognise(("sh", "-c", 'exec "$@"', "sh", "nice", "gunicorn", "-w", "7"), {}, Files({}))
    assert (whole.server, number(whole.workers)) == ("gunicorn", ("7", 7, ARGV))
    assert recognise(("gunicorn", "$ARGS"), {}, Files({})).workers is None


def test_gunicorns_variable_of_words_may_be_the_shells_too() -> None:
    """A whole word of it; the command line wins."""
    line = "sh -c 'GUNICORN_CMD_ARGS=\"{}\" exec gunicorn {} app:app'"
    place = "GUNICORN_CMD_ARGS"
    assert number(recognised(line.format("$ARGS", "")).workers) == ("…", None, place)
    assert number(recognised(line.format("$ARGS -w 2", "")).workers) == ("2", 2, place)
    assert number(recognised(line.format("$ARGS", "-w 2")).workers) == ("2", 2, ARGV)
    assert recognised(line.format("-b :$PORT", "")).workers is None


@pytest.mark.parametrize(
    ("line", "server"),
    [
        ("env -u DEBUG gunicorn app:app", "gunicorn"),
        ("env -u WEB_CONCURRENCY gunicorn app:app", None),
        ("env -u GUNICORN_CMD_ARGS gunicorn app:app", None),
        ("env -u GUNICORN_CMD_ARGS uvicorn app:app", "uvicorn"),
        ("env -u OMP_NUM_THREADS gunicorn app:app", None),
        ("env -u PYTHONPATH gunicorn app:app", None),
        ("env -u CGTUNE_INJECT gunicorn app:app", None),
        ("env -u CELERY_WORKER_CONCURRENCY celery -A app worker", None),
        ("env -u UWSGI_INI uwsgi", "uwsgi"),
    ],
)
def test_what_env_takes_away_is_not_there(line: str, server: str | None) -> None:
    """Where it is one that we might set, nothing is."""
    command = recognised(line, {"UWSGI_INI": "a.ini", "DEBUG": "1"}, {"a.ini": "[uwsgi]\nprocesses = 3\n"})
    assert (command.server, command.workers) == (server, None)
    assert command.runtime == (server and "python")


@pytest.mark.parametrize(
    "line",
    [
        "sh -c 'exec gunicorn -w $N app:app'",
        "sh -c 'exec gunicorn -w \"${N:-2}\" app:app'",
        "sh -c 'WEB_CONCURRENCY=$N exec gunicorn app:app'",
        "sh -c 'export WEB_CONCURRENCY=${N:-2}; exec gunicorn app:app'",
        "bash -c 'exec uvicorn app:app --workers ${N:-2}'",
        "sh -c 'exec uwsgi -p $N'",
    ],
)
def test_a_number_that_a_shell_has_yet_to_fill_in_is_the_users(line: str) -> None:
    """Said, not known, and never overruled: a word of the line, or a variable that it sets."""
    workers = recognised(line).workers
    assert workers is not None
    assert (workers.value, workers.via, workers.source) == (None, "argv", "command line")
