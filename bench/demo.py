"""`make demo`: what cgtune is for, on this machine, in four minutes.

With Docker (as root on Debian it is installed, or an engine that already runs is used): first a gunicorn app in a
real container of 0.5 CPU and 128 MiB, by gunicorn's own rule and by cgtune; then every sensible number of workers
for two apps in two sizes, and cgtune's pick among them (bench/oracle.py). Without: what cgtune sees here, and what
it would set under such a limit.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from bench import oracle
from bench.under_limits import TUNED, UNTUNED, ContainerEnded, Limit, compare, format_table
from lab import Unavailable
from lab.engine import Engine, engine
from lab.image import app_image
from lab.wheel import build_wheel

SECONDS = 8
CLIENTS = 16
CGTUNE = str(Path(sys.executable).parent / "cgtune")


def show_in_containers(docker: Engine) -> None:
    """Untuned and tuned, then the sweep."""
    say("Making an image with cgtune and gunicorn (the first time: a minute) …")
    image = app_image(docker, build_wheel())
    show_untuned_and_tuned(docker, image)
    say("", "Is there a better number of workers? Every sensible one, and cgtune's pick")
    say("(three minutes; Ctrl-C ends it) …", "")
    oracle.show(docker, image, clients=CLIENTS)


def show_untuned_and_tuned(docker: Engine, image: str) -> None:
    """The table, what cgtune said, and what it sees in such a container."""
    limit = Limit()
    say(f"Each way: a fresh container of {limit.cpus} CPU and 128 MiB, {CLIENTS} clients, {SECONDS} s …")
    outcomes = compare(docker, image, (UNTUNED, TUNED), limit, clients=CLIENTS, seconds=SECONDS)
    say("", "A gunicorn app with 20 MiB of state a worker. 5 workers is gunicorn's own rule,", "2 x CPUs + 1:", "")
    say(format_table(outcomes), "")
    untuned, tuned = outcomes[0][0], outcomes[1][0]
    ratio = tuned.load.requests_per_second / untuned.load.requests_per_second
    say(f"{ratio:.1f} times the requests/s. OOM kills: {untuned.oom_kills} -> {tuned.oom_kills}. cgtune said:", "")
    for line in tuned.said:
        say(*textwrap.wrap(line, 78, initial_indent="  ", subsequent_indent="          "))
    say("", "$ docker run --cpus 0.5 --memory 128m IMAGE cgtune inspect")
    say(docker.run(image, ["cgtune", "inspect"], docker_options=limit.docker_options()).check().stdout.rstrip())


def show_here() -> None:
    """What can be shown without a container."""
    for argv in (
        [CGTUNE, "inspect"],
        [CGTUNE, "run", "--cpu-limit", "0.5", "--memory-limit", "128Mi", "--", sys.executable, "-m", "gunicorn"],
    ):
        say("", "$ " + " ".join(["cgtune", *argv[1:]]).replace(sys.executable, "python"))
        # The interpreter has no gunicorn: what cgtune would set for it is what is shown.
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        say((done.stdout + "".join(line for line in done.stderr.splitlines(True) if "cgtune:" in line)).rstrip())


def say(*lines: str) -> None:
    """Print at once, also into a pipe."""
    print("\n".join(lines), flush=True)


def main() -> int:
    """Show what can be shown here."""
    try:
        with engine() as docker:
            show_in_containers(docker)
    except KeyboardInterrupt:
        return 130
    except ContainerEnded as reason:
        say(f"Stopped: {reason}")
        return 1
    except (Unavailable, RuntimeError) as reason:
        # RuntimeError: an engine that answers, and cannot do what an engine does.
        say(f"No real container here ({reason}), so only what can be shown without one:")
        show_here()
    return 0


if __name__ == "__main__":
    sys.exit(main())
