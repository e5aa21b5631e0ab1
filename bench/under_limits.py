"""One app under one limit, started in several ways: requests/s, p99, failures and OOM kills of each.

    python -m bench.under_limits [--cpus 0.5] [--memory 128m] [--seconds 8] [--clients 16] [--rounds 2]

Each way gets a fresh container, and load from outside it. The ways take turns, so that whatever else the machine
does falls on all alike; quote the ratio, not the figures. The OOM kills are the kernel's own count.
"""

from __future__ import annotations

import argparse
import http.client
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.load import LoadResult, run_load
from lab.container import Container
from lab.engine import Engine, engine, free_port
from lab.image import app_image
from lab.oom import oom_kills
from lab.wheel import build_wheel

PROJECT = Path(__file__).resolve().parent.parent
APP = "bench.apps.state_app:app"
# gunicorn's documentation: "(2 x $num_cores) + 1", and a container counts the machine's cores, 2 or more.
UNTUNED = ("gunicorn", "-w", "5")
TUNED = ("cgtune", "run", "--", "gunicorn")
_READY_SECONDS = 30


class ContainerEnded(RuntimeError):
    """The container did not live to the end of the measurement."""


@dataclass(frozen=True)
class Limit:
    """What the container may use, as `docker run` is told."""

    cpus: str = "0.5"
    memory: str = "128m"

    def docker_options(self) -> list[str]:
        # As much swap as memory would hide what is measured here.
        return ["--cpus", self.cpus, "--memory", self.memory, "--memory-swap", self.memory]


@dataclass(frozen=True)
class Outcome:
    """What one container did under load."""

    command: tuple[str, ...]
    workers: int
    load: LoadResult
    oom_kills: int
    said: tuple[str, ...]


def run_under(
    engine: Engine,
    image: str,
    command: Sequence[str],
    limit: Limit,
    *,
    clients: int,
    seconds: float,
    warm_up_seconds: float = 0,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Start the app by `command` in a fresh container, put load on it, and read the kernel's counters.

    The load of the warm-up is not counted; its OOM kills are. ContainerEnded when the container did.
    """
    port = free_port()
    options = [*limit.docker_options(), *engine.network_options(), "--workdir", "/srv"]
    options += [f"--env={name}={value}" for name, value in (environment or {}).items()]
    options += ["--mount", f"type=bind,source={PROJECT / 'bench'},target=/srv/bench,readonly"]
    argv = [*command, "--bind", f"127.0.0.1:{port}", APP]
    with engine.start(image, argv, docker_options=options) as container:
        _wait_until_ready(container, port)
        memory = container.cgroup("memory")
        if warm_up_seconds:
            run_load("127.0.0.1", port, clients=clients, seconds=warm_up_seconds)
        load = run_load("127.0.0.1", port, clients=clients, seconds=seconds)
        lines = container.logs().stderr.splitlines()
        try:
            workers = _count_workers(container.pid)
            kills = oom_kills(memory)
        except FileNotFoundError:
            raise ContainerEnded(f"the container ended under load: {lines[-20:]}") from None
    said = tuple(line for line in lines if line.startswith("cgtune: "))
    return Outcome(tuple(command), workers, load, kills, said)


def _count_workers(first: int) -> int:
    """The children of gunicorn's master, which is PID 1 itself or the child of cgtune as PID 1."""
    is_supervised = Path(f"/proc/{first}/comm").read_text() == "cgtune\n"
    master = _children(first)[0] if is_supervised else first
    return len(_children(master))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def compare(
    engine: Engine,
    image: str,
    commands: Sequence[Sequence[str]],
    limit: Limit,
    *,
    clients: int = 16,
    seconds: float = 8,
    rounds: int = 1,
) -> list[list[Outcome]]:
    """The outcomes of each command, `rounds` of each, taken in turn."""
    outcomes: list[list[Outcome]] = [[] for _ in commands]
    for _ in range(rounds):
        for kept, command in zip(outcomes, commands, strict=True):
            kept.append(run_under(engine, image, command, limit, clients=clients, seconds=seconds))
    return outcomes


def format_table(outcomes: Sequence[Sequence[Outcome]]) -> str:
    """One row a command, the rounds averaged and the kills and failures added up; at most 80 columns."""
    lines = [f"{'':<32}workers  requests/s      p99   failed  OOM kills"]
    for rounds in outcomes:
        rate = sum(outcome.load.requests_per_second for outcome in rounds) / len(rounds)
        p99 = max(outcome.load.p99_ms or 0 for outcome in rounds)
        failures = sum(outcome.load.failures for outcome in rounds)
        kills = sum(outcome.oom_kills for outcome in rounds)
        name = " ".join(rounds[0].command)
        lines.append(f"{name:<32}{rounds[-1].workers:>7}{rate:>12.0f}{p99:>6.0f} ms{failures:>9}{kills:>11}")
    return "\n".join(lines)


def _wait_until_ready(container: Container, port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            if not container.is_running:
                break
            time.sleep(0.05)
        finally:
            connection.close()
    raise ContainerEnded(f"the app did not answer: {container.logs().stderr[-2000:]}")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="bench.under_limits")
    parser.add_argument("--cpus", default="0.5")
    parser.add_argument("--memory", default="128m")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    limit = Limit(cpus=options.cpus, memory=options.memory)
    with engine() as docker:
        image = app_image(docker, build_wheel())
        commands = (UNTUNED, ("gunicorn", "-w", "1"), ("gunicorn", "-w", "2"), TUNED)
        outcomes = compare(
            docker, image, commands, limit, clients=options.clients, seconds=options.seconds, rounds=options.rounds
        )
    print(format_table(outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
