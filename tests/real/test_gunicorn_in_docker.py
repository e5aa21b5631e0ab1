"""`cgtune run -- gunicorn` in real containers: what gunicorn then is, and how it fares under load."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.under_limits import PROJECT, TUNED, UNTUNED, Limit, Outcome, compare
from lab.container import Container
from lab.engine import Engine, free_port

pytestmark = pytest.mark.real
_START_SECONDS = 30
#: What the research behind this project measured was twice; less than this is a broken promise.
PROMISED_RATIO = 1.8
# How often the kernel kills one of the five workers is chance, so single pairs scatter from 1.6 to 2.3 around 1.9
# (bench/README.md, a standard deviation of 0.19). More rounds follow only while the average of all is too low: 14
# pairs leave an error of 0.05, and a real loss, one worker too many, stays below at every look.
_ROUNDS = (2, 4, 8)


@dataclass(frozen=True)
class Gunicorn:
    """A gunicorn at work in a container."""

    container: Container
    workers: int
    environment: dict[str, str]
    said: list[str]


@contextlib.contextmanager
def gunicorn(
    docker: Engine, image: str, *options: str, command: tuple[str, ...] = TUNED, workers: int
) -> Iterator[Gunicorn]:
    """Start it, and wait until it has that many workers, and no more a moment later."""
    bind = f"127.0.0.1:{free_port()}"
    mount = f"type=bind,source={PROJECT / 'bench'},target=/srv/bench,readonly"
    settings = [*options, *docker.network_options(), "--workdir", "/srv", "--mount", mount]
    argv = [*command, "--bind", bind, "bench.apps.state_app:app"]
    with docker.start(image, argv, docker_options=settings) as container:
        deadline = time.monotonic() + _START_SECONDS
        while (count := _booted(container)) < workers and time.monotonic() < deadline:
            assert container.is_running, container.logs().stderr
            time.sleep(0.05)
        environ = Path(f"/proc/{container.inspect('{{.State.Pid}}')}/environ").read_bytes()
        pairs = (entry.partition(b"=") for entry in environ.split(b"\0") if entry)
        said = [line for line in container.logs().stderr.splitlines() if line.startswith("cgtune: ")]
        yield Gunicorn(container, count, {name.decode(): value.decode() for name, _, value in pairs}, said)


def _booted(container: Container) -> int:
    return container.logs().stderr.count("Booting worker")


@pytest.mark.parametrize(("cpus", "workers"), [("0.5", 2), ("1", 3), ("1.5", 4)])
def test_workers_follow_the_cpu_quota(docker: Engine, image: str, cpus: str, workers: int) -> None:
    """With memory to spare, gunicorn has 2q + 1 workers, at least 2, and each its share of native threads."""
    with gunicorn(docker, image, "--cpus", cpus, "--memory", "1g", workers=workers) as found:
        assert found.workers == workers
        assert found.environment["WEB_CONCURRENCY"] == str(workers)
        assert found.environment["OMP_NUM_THREADS"] == "1"
        assert found.environment["MALLOC_ARENA_MAX"] == "2"
        assert any(f"WEB_CONCURRENCY={workers}" in line and "/sys/fs/cgroup" in line for line in found.said)


def test_memory_cuts_the_workers(docker: Engine, image: str) -> None:
    """256 MiB hold two workers of the assumed 80, where the CPU alone would take three."""
    with gunicorn(docker, image, "--cpus", "1", "--memory", "256m", workers=2) as found:
        assert found.workers == 2
        assert "memory 256 MiB" in " ".join(found.said)


@pytest.mark.parametrize(
    ("options", "command"),
    [
        pytest.param((), (*TUNED, "-w", "3"), id="argv"),
        pytest.param(("-e", "WEB_CONCURRENCY=3"), TUNED, id="variable"),
        pytest.param(("-e", "GUNICORN_CMD_ARGS=--workers 3"), TUNED, id="gunicorn's own variable"),
        pytest.param(("-e", "CGTUNE_WORKERS=3"), TUNED, id="our option"),
    ],
)
def test_the_users_number_wins(
    docker: Engine, image: str, options: tuple[str, ...], command: tuple[str, ...]
) -> None:
    """Three workers asked for are three workers, wherever that was said."""
    with gunicorn(docker, image, "--cpus", "0.5", "--memory", "1g", *options, command=command, workers=3) as found:
        assert found.workers == 3
        assert any("=3 (" in line for line in found.said)


def test_switched_off_sets_nothing(docker: Engine, image: str) -> None:
    """With CGTUNE=off gunicorn starts as it would have alone: one worker, none of our variables, not a word."""
    with gunicorn(docker, image, "--cpus", "1", "--memory", "1g", "-e", "CGTUNE=off", workers=1) as found:
        assert found.workers == 1
        assert not {"WEB_CONCURRENCY", "OMP_NUM_THREADS", "MALLOC_ARENA_MAX"} & found.environment.keys()
        assert found.said == []


def test_docker_stop_reaches_gunicorn(docker: Engine, image: str) -> None:
    """gunicorn is process 1 itself, hears SIGTERM, stops gracefully and its exit code is the container's."""
    with gunicorn(docker, image, "--cpus", "1", "--memory", "256m", workers=1) as found:
        start = time.monotonic()
        assert found.container.stop(grace_seconds=10) == 0
        assert time.monotonic() - start < 8
        assert "Shutting down: Master" in found.container.logs().stderr


@pytest.mark.timing
def test_no_oom_kill_and_nearly_twice_the_requests(docker: Engine, image: str) -> None:
    """In 0.5 CPU and 128 MiB, against gunicorn's own rule in the same run: no OOM kill, 1.8 times the requests/s."""
    untuned: list[Outcome] = []
    tuned: list[Outcome] = []
    for rounds in _ROUNDS:
        more = compare(docker, image, (UNTUNED, TUNED), Limit(), seconds=8, rounds=rounds)
        untuned += more[0]
        tuned += more[1]
        if _ratio(untuned, tuned) >= PROMISED_RATIO:
            break
    assert sum(outcome.oom_kills for outcome in untuned) > 0, "the control must be in trouble"
    assert {outcome.oom_kills for outcome in tuned} == {0}
    assert {outcome.load.failures for outcome in tuned} == {0}
    assert _ratio(untuned, tuned) >= PROMISED_RATIO


def _ratio(untuned: list[Outcome], tuned: list[Outcome]) -> float:
    """How many times the requests/s, over all rounds."""
    rates = [sum(outcome.load.requests_per_second for outcome in rounds) for rounds in (untuned, tuned)]
    return rates[1] / rates[0]
