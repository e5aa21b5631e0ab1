"""Queues: each form in which a number of processes or threads is said, and where ours may be put."""

from __future__ import annotations

import pytest

from cgtune.settings import Slot
from tests.unit.programs import number, recognised

Number = tuple[str, int | None, str] | None
ARGV = "command line"

CELERY: list[tuple[str, dict[str, str], Number]] = [
    ("celery worker", {}, None),
    ("celery -A app worker", {}, None),
    ("celery -A app worker -c 4", {}, ("4", 4, ARGV)),
    ("celery -A app worker -c4", {}, ("4", 4, ARGV)),
    ("celery -A app worker -Ec4", {}, ("4", 4, ARGV)),
    ("celery -A app worker -BEc 4", {}, ("4", 4, ARGV)),
    ("celery -A app worker --concurrency=4 -l INFO", {}, ("4", 4, ARGV)),
    ("celery -A app worker --concurrency 4 -c 2", {}, ("2", 2, ARGV)),
    ("celery -A app worker --conc 4", {}, None),
    ("celery -A worker worker -c 4", {}, ("4", 4, ARGV)),
    ("celery -Aapp -q worker -c 4", {}, ("4", 4, ARGV)),
    ("celery -qA app worker -c 4", {}, ("4", 4, ARGV)),
    ("celery --app=app -b redis:// --workdir /srv -C worker -c 4", {}, ("4", 4, ARGV)),
    ("python -m celery --app app worker -c 4", {}, ("4", 4, ARGV)),
    ("celery -A app worker -c auto", {}, ("auto", None, ARGV)),
    ("celery -A app worker -c 0", {}, ("0", None, ARGV)),
    ("celery -A app worker --autoscale 8,2", {}, ("8,2", 8, ARGV)),
    ("celery -A app worker --autoscale=2,8", {}, ("2,8", 8, ARGV)),
    ("celery -A app worker --autoscale 8", {}, ("8", 8, ARGV)),
    ("celery -A app worker --autoscale 8,x", {}, ("8,x", None, ARGV)),
    ("celery -A app worker --autoscale 8,2 -c 4", {}, ("8,2", 8, ARGV)),
    ("celery -A app worker", {"CELERY_WORKER_CONCURRENCY": "3"}, ("3", 3, "CELERY_WORKER_CONCURRENCY")),
    ("celery -A app worker", {"CELERY_WORKER_CONCURRENCY": "auto"}, ("auto", None, "CELERY_WORKER_CONCURRENCY")),
    ("celery -A app worker", {"CELERY_WORKER_CONCURRENCY": ""}, ("", None, "CELERY_WORKER_CONCURRENCY")),
    ("celery -A app worker", {"CELERY_WORKER_AUTOSCALE": ""}, None),
    ("celery -A app worker -c 2", {"CELERY_WORKER_AUTOSCALE": ""}, ("2", 2, ARGV)),
    ("celery -A app worker -c 2", {"CELERY_WORKER_CONCURRENCY": "3"}, ("2", 2, ARGV)),
    ("celery -A app worker -c 2", {"CELERY_WORKER_AUTOSCALE": "8,2"}, ("8,2", 8, "CELERY_WORKER_AUTOSCALE")),
    ("celery -A app worker", {"CELERYD_CONCURRENCY": "3", "CELERY_CONCURRENCY": "3"}, None),
    ("celery -A app worker", {"WEB_CONCURRENCY": "3"}, None),
]


@pytest.mark.parametrize(("line", "environment", "workers"), CELERY)
def test_celery(line: str, environment: dict[str, str], workers: Number) -> None:
    """click's rules; autoscale wins over all. The weak slot is Celery's own question, how many CPUs there are."""
    command = recognised(line, environment)
    assert (command.server, command.kind, number(command.workers)) == ("celery", "queue-cpu", workers)
    assert command.workers_slot == Slot(name="billiard.cpu_count", via="inject")
    assert (command.default_workers, command.is_preloading, command.threads) == (None, True, None)


@pytest.mark.parametrize("pool", ["threads", "gevent", "eventlet"])
@pytest.mark.parametrize("form", ["-P {}", "-P{}", "--pool={}", "--pool {}"])
def test_a_celery_pool_in_one_process_has_threads(pool: str, form: str) -> None:
    """The same number then is not one of processes, and nothing asks for more of them."""
    command = recognised(f"celery -A app worker -c 9 {form.format(pool)}")
    assert (command.kind, command.workers, number(command.threads)) == ("queue-io", None, ("9", 9, ARGV))
    assert (command.workers_slot, command.threads_slot, command.is_preloading) == (None, None, False)
    by_variable = recognised("celery -A app worker -c 9", {"CELERY_WORKER_POOL": pool})
    assert by_variable.replace(argv=()) == command.replace(argv=())
    assert recognised("celery -A app worker -c 9 -P prefork", {"CELERY_WORKER_POOL": pool}).kind == "queue-cpu"


def test_celerys_solo_pool_has_no_number() -> None:
    """Tasks run in the worker itself, one by one, whatever is said."""
    command = recognised("celery -A app worker -P solo -c 9")
    assert (command.kind, command.workers, command.threads, command.workers_slot) == ("queue-io", None, None, None)


DRAMATIQ: list[tuple[str, Number, Number]] = [
    ("dramatiq tasks", None, None),
    ("dramatiq -p 4 -t 8 tasks", ("4", 4, ARGV), ("8", 8, ARGV)),
    ("dramatiq -p4 -t8 tasks", ("4", 4, ARGV), ("8", 8, ARGV)),
    ("dramatiq -vvp4 tasks", ("4", 4, ARGV), None),
    ("dramatiq --processes=4 --threads 8 tasks", ("4", 4, ARGV), ("8", 8, ARGV)),
    ("dramatiq --pr 4 --t 8 tasks", ("4", 4, ARGV), ("8", 8, ARGV)),
    ("dramatiq --p 4 tasks", None, None),
    ("dramatiq --pid-file 4 --path . tasks", None, None),
    ("dramatiq tasks -Q high low -p 4", ("4", 4, ARGV), None),
    ("dramatiq-gevent tasks -p 4 -t 100", ("4", 4, ARGV), ("100", 100, ARGV)),
    ("dramatiq tasks -p 4 -p 2", ("2", 2, ARGV), None),
]


@pytest.mark.parametrize(("line", "workers", "threads"), DRAMATIQ)
def test_dramatiq(line: str, workers: Number, threads: Number) -> None:
    """argparse's rules, no variable; ours come first, since -Q and -P take all words that follow them."""
    command = recognised(line, {"dramatiq_processes": "9", "WEB_CONCURRENCY": "9"})
    assert (command.server, command.kind) == ("dramatiq", "queue-cpu")
    assert (number(command.workers), number(command.threads)) == (workers, threads)
    assert command.workers_slot == Slot(name="--processes", via="argv")
    assert command.threads_slot == Slot(name="--threads", via="argv")
    assert (command.default_workers, command.position, command.words_before) == (None, 1, 0)


RQ: list[tuple[str, Number, int]] = [
    ("rq worker-pool", None, 1),
    ("rq worker-pool -n 4 high", ("4", 4, ARGV), 1),
    ("rq worker-pool -bn4 high", ("4", 4, ARGV), 1),
    ("rq worker-pool --num-workers=4", ("4", 4, ARGV), 1),
    ("rq worker-pool high -n 4 -n 2", ("2", 2, ARGV), 1),
    ("rq worker-pool --num 4", None, 1),
    ("python -m rq.cli worker-pool -n 4", ("4", 4, ARGV), 1),
]


@pytest.mark.parametrize(("line", "workers", "words_before"), RQ)
def test_rqs_pool(line: str, workers: Number, words_before: int) -> None:
    """click's rules, no variable; ours comes right behind the subcommand."""
    command = recognised(line, {"RQ_NUM_WORKERS": "9"})
    assert (command.server, command.kind, number(command.workers)) == ("rq", "queue-io", workers)
    assert (command.workers_slot, command.words_before) == (Slot(name="--num-workers", via="argv"), words_before)
    assert command.default_workers == 1


@pytest.mark.parametrize(
    "line", ["rq worker high low", "rqworker high", "rq worker -n name", "python -m rq.cli worker"]
)
def test_rqs_worker_is_one(line: str) -> None:
    """It forks for each job, one at a time; -n is its name there."""
    command = recognised(line)
    assert (command.server, command.kind) == ("rq", "queue-io")
    assert (command.workers, command.workers_slot, command.threads_slot) == (None, None, None)
