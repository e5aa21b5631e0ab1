"""Programs that start another one: how many words are theirs, tried with the real ones where they are here."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.command_line import look_through
from cgtune.wrappers import WRAPPERS, count_words
from tests.support import unavailable
from tests.unit.command import DEADLINE_SECONDS

# What stands before a program; each line leads to it.
HERE = [
    "env A=1",
    "env -C / A=1",
    "env --chdir=/",
    "env -v",
    "env -u A",
    "env -uA --unset=B -u C D=1",
    "env -v -C / --unset A",
    "env A=1 B=2 nice",
    "nice",
    "nice -n 5",
    "nice -n5",
    "nice -5",
    "nice --adjustment 5",
    "nice --adjustment=5",
    "nohup",
    "nohup --",
    "timeout 60",
    "timeout -k 5 60",
    "timeout -k5 -s TERM 1m",
    "timeout --signal=TERM --kill-after 5 60",
    "timeout --foreground -v 60",
    "setsid -w",
    "setsid --wait",
    "stdbuf -oL",
    "stdbuf -o L -e 0",
    "stdbuf --output=L",
    "stdbuf --output L",
    "ionice -c 3",
    "ionice -c2 -n7",
    "ionice --class 3 -t",
    "chrt -o 0",
    "chrt --batch 0",
    "taskset 1",
    "taskset -c 0",
    "taskset --cpu-list 0",
    "setpriv --no-new-privs",
    "setpriv --reuid 0 --regid=0 --clear-groups",
]
ELSEWHERE = [
    "tini --",
    "tini -g --",
    "/usr/bin/tini -gvv -p SIGTERM -e 143 --",
    "tini-static --",
    "dumb-init --",
    "dumb-init -c -v --rewrite 15:3",
    "dumb-init -r 15:3 --",
    "catatonit --",
    "gosu www-data",
    "su-exec www-data:www-data",
    "s6-setuidgid www-data",
    "numactl -m 0 --localalloc",
    "numactl --membind 0 --preferred=0 -bp 0",
    "numactl -C 0",
    "numactl -C0 -b",
    "numactl --physcpubind=0 -m 0",
    "numactl --physcpubind 0",
    "ddtrace-run",
    "newrelic-admin run-program",
    "opentelemetry-instrument",
    "opentelemetry-instrument --traces_exporter console --service_name=x",
    "dotenv run",
    "dotenv -f app.env run --no-override",
    "dotenv --file=app.env run --",
    "pipenv run",
    "pipenv --python 3.12 run",
    "poetry run",
    "poetry -C /srv run",
    "poetry --directory=/srv run",
    "pdm run",
    "pdm run -p /srv",
    "rye run",
    "uv run",
    "uv run --",
    "uv run --frozen --no-dev --extra web --with x",
    "uv --directory srv run -p 3.12",
    "uv run --env-file=.env -q",
]


def _words(line: str) -> list[str]:
    return [*line.split(), "gunicorn", "-w", "3", "app:app"]


@pytest.mark.parametrize("line", HERE + ELSEWHERE)
def test_the_program_behind_is_found(line: str) -> None:
    """With its own words, and their place in the command line."""
    words = _words(line)
    program = look_through(words)
    assert (program.name, program.arguments) == ("gunicorn", ("-w", "3", "app:app"))
    assert program.position == len(words) - 3


@pytest.mark.parametrize("line", HERE)
def test_the_real_one_starts_it_too(line: str) -> None:
    """The lines above are what these programs take."""
    name = line.partition(" ")[0]
    if shutil.which(name) is None:
        unavailable(f"no {name}")
    code = "import sys; print(*sys.argv[1:])"
    words = [*line.split(), sys.executable, "-ISc", code, "-w", "3"]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=DEADLINE_SECONDS, check=False)
    if done.returncode != 0 and "not permitted" in done.stderr:
        unavailable(done.stderr.strip())
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["-w 3"]), done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "env",
        "env A=1",
        "env -i gunicorn",
        "env - gunicorn",
        "env --ignore-environment gunicorn",
        "env -u A -i gunicorn",
        "env -u gunicorn",
        "taskset $MASK gunicorn",
        "taskset -c $CPUS gunicorn",
        "taskset -c 0, gunicorn",
        "taskset -c 0:0 gunicorn",
        "taskset -c 3-0 gunicorn",
        "taskset -c +1 gunicorn",
        "taskset 0 gunicorn",
        "taskset 0xg gunicorn",
        "taskset , gunicorn",
        "numactl -C +0 gunicorn",
        "numactl -C !0 gunicorn",
        "numactl -C 0 -C $A gunicorn",
        "numactl -N 0 gunicorn",
        "numactl --cpunodebind=0 gunicorn",
        "numactl -bN0 gunicorn",
        "numactl -c 0 gunicorn",
        "env -S '$A gunicorn'",
        "env -0 gunicorn",
        "nice",
        "nice -n 5",
        "timeout",
        "timeout 5",
        "timeout gunicorn",
        "taskset 1",
        "gosu gunicorn",
        "poetry gunicorn",
        "poetry -C run gunicorn",
        "poetry install run gunicorn",
        "pipenv shell gunicorn",
        "uv gunicorn",
        "uv pip run gunicorn",
        "uv run",
        "uv tool run gunicorn",
        "dotenv list gunicorn",
        "newrelic-admin record-deploy gunicorn",
        "coverage report gunicorn",
        "coverage gunicorn",
        " ".join(["nice"] * 11),
        " ".join(["nice"] * 11) + " gunicorn",
    ],
)
def test_without_a_program_there_is_none(line: str) -> None:
    """Other subcommands, words that are not there, variables taken away, and what would go on for ever."""
    assert look_through(line.split()).name != "gunicorn"


# Line -> module or script, its words.
OF_PYTHON: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "uv run -m gunicorn app": ("gunicorn", ("app",), True),
    "uv run --module gunicorn app": ("gunicorn", ("app",), True),
    "uv run -p 3.12 -m gunicorn app": ("gunicorn", ("app",), True),
    "uv run manage.py runserver": ("manage.py", ("runserver",), False),
    "uv run python -m gunicorn app": ("gunicorn", ("app",), True),
    "coverage run -m gunicorn app": ("gunicorn", ("app",), True),
    "coverage run --source=shop -p -m gunicorn app": ("gunicorn", ("app",), True),
    "coverage run --source shop manage.py runserver": ("manage.py", ("runserver",), False),
    "python -m gunicorn app": ("gunicorn", ("app",), True),
}


@pytest.mark.parametrize("line", OF_PYTHON)
def test_some_take_modules_and_scripts_as_python_does(line: str) -> None:
    """`-m` too; the place of the words stays that of the line."""
    name, arguments, is_module = OF_PYTHON[line]
    program = look_through(line.split())
    assert (program.name, program.arguments, program.is_module) == (name, arguments, is_module)
    assert (program.is_python, program.position) == (True, len(line.split()) - len(arguments))


@pytest.mark.parametrize(
    ("line", "is_hidden"),
    [
        ("poetry run", True),
        ("pipenv run", True),
        ("pdm run", True),
        ("rye run", True),
        ("uv run", True),
        ("env PATH=/opt/bin", True),
        ("nice", False),
        ("env A=1", False),
        ("tini --", False),
        ("dotenv run", False),
    ],
)
def test_whose_python_it_is_may_be_the_wrappers_alone_to_know(line: str, is_hidden: bool) -> None:
    """Then the one in our PATH tells nothing; a full path always does."""
    words = line.split()
    assert look_through([*words, "python3", "-m", "gunicorn"]).is_python_hidden is is_hidden
    assert look_through([*words, "gunicorn"]).is_python_hidden is is_hidden
    assert look_through([*words, "/opt/venv/bin/python3", "-m", "gunicorn"]).is_python_hidden is False


def test_a_wrapper_that_changes_the_folder_is_heeded() -> None:
    """Settings files then are looked for there, or nowhere."""
    assert look_through(["env", "-C", "/srv", "gunicorn"]).folder == "/srv"
    assert look_through(["env", "--chdir=srv", "gunicorn"]).folder == "srv"
    assert look_through(["uv", "run", "--directory", "srv", "gunicorn"]).folder is None
    assert look_through(["uv", "run", "gunicorn"]).folder == ""


@pytest.mark.parametrize(
    ("line", "unset", "variables"),
    [
        ("env -u A", ("A",), ()),
        ("env -uA --unset=B --unset C", ("A", "B", "C"), ()),
        ("env -u A A=1", ("A",), (("A", "1"),)),
        ("env A=1 env -u A", ("A",), ()),
        ("env A=1 env -u A B=2", ("A",), (("B", "2"),)),
    ],
)
def test_what_env_takes_away_is_told(
    line: str, unset: tuple[str, ...], variables: tuple[tuple[str, str], ...]
) -> None:
    """And no longer among what is set on the way."""
    program = look_through([*line.split(), "gunicorn"])
    assert (program.name, program.unset, program.variables) == ("gunicorn", unset, variables)


@given(st.sampled_from(sorted(WRAPPERS)), st.lists(st.sampled_from(["-n", "--", "run", "-m", "x", "", "-", "--x=y"])))
def test_any_words_leave_a_program_or_none(name: str, words: list[str]) -> None:
    """There is a word behind those that are the wrapper's."""
    count = count_words([name, *words], WRAPPERS[name])
    assert count is None or 1 <= count <= len(words)
