"""`cgtune plan`: its table, its JSON, its text formats, and what they are for."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.unit.command import COMMAND, call, complaint, write_program

HALF = ("--what-if-cpus", "0.5", "--what-if-memory", "256Mi")


def plan(*words: str | Path, **environment: str) -> str:
    """What it prints about half a core and 256 MiB."""
    done = call("plan", *HALF, *words, environment=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def as_json(*words: str | Path, **environment: str) -> dict[str, Any]:
    """The same as JSON."""
    document = json.loads(plan("--json", *words, **environment))
    assert isinstance(document, dict)
    return document


def test_the_table_says_what_and_why() -> None:
    """A summary, a row a setting with its reason, where the figures come from."""
    lines = plan("--", "gunicorn", "shop.wsgi").splitlines()
    assert lines[0] == "2 workers x 1 thread x 1 native thread, 0.50 cores, 256 MiB"
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in lines if line.startswith("  ")}
    assert rows["WEB_CONCURRENCY"] == ["2", "CPU 0.50"]
    assert rows["OMP_NUM_THREADS"] == ["1", "CPU 0.50 shared by 2 workers"]
    assert "from: --what-if-cpus" in lines


LONG = "a-variable-of-the-users-that-is-far-too-long-for-any-terminal" * 3


@pytest.mark.parametrize(
    "words",
    [
        ("gunicorn", "a:b"),
        ("uvicorn", "a:b"),
        ("celery", "-A", "a", "worker"),
        ("gunicorn", "-w", LONG),
        (LONG,),
        ("python", "-I", "-m", "gunicorn"),
    ],
    ids=["gunicorn", "uvicorn", "celery", "a long value", "a long name", "isolated"],
)
def test_the_table_fits_a_terminal(words: tuple[str, ...]) -> None:
    """80 columns; a word that is longer itself is broken, behind a slash where it has one, and nothing is lost."""
    path = "/srv/a-folder-of-some-length" * 4
    options = ("--env", "POOL={workers * 4}", "--env", f"PLUGINS={path}", "--env", f"{LONG.replace('-', '_')}=1")
    text = plan(*options, "--", *words, PYTHONPATH="/srv", OMP_NUM_THREADS="3" * 90)
    assert all(len(line) <= 80 for line in text.splitlines()), text
    joined = "".join(line.strip() for line in text.splitlines())
    assert path in joined
    assert "3" * 90 in joined or words == (LONG,)
    assert all(
        line.strip().endswith("/") for line in text.splitlines() if "/srv/a-folder" in line and path[-9:] not in line
    )


def test_what_is_kept_and_what_is_left_alone_is_listed() -> None:
    """With whose it is, and why."""
    text = plan("--disable", "malloc", "--", "uvicorn", "a:b", OMP_NUM_THREADS="3")
    assert "kept: OMP_NUM_THREADS=3 (yours)" in text
    assert "not set: MALLOC_ARENA_MAX (--disable malloc)" in text
    assert "not set: WEB_CONCURRENCY (uvicorn is one process by habit)" in text


def test_without_a_command_it_says_what_there_is() -> None:
    """And JSON has null for the command."""
    assert plan() == "1 worker x 1 thread, 0.50 cores, 256 MiB\n"
    assert as_json()["command"] is None


def test_the_json_is_the_contracts() -> None:
    """Every key of it, and for each setting what the program will see."""
    document = as_json("--", "gunicorn", "shop.wsgi")
    assert document["schema"] == 1
    assert document["mode"] in ("exec", "supervise")
    assert document["command"] == {
        "argv": ["gunicorn", "shop.wsgi"],
        "runtime": "python",
        "server": "gunicorn",
        "kind": "sync-web",
    }
    assert (document["workers"], document["threads"], document["native_threads"]) == (2, 1, 1)
    assert set(document["budget"]) == {"reserve_bytes", "shared_bytes", "worker_bytes", "worker_bytes_from"}
    assert document["limits"]["cpu"]["quota_cores"] == 0.5
    assert document["limits"]["memory"]["effective_bytes"] == 256 << 20
    for setting in document["settings"]:
        assert {"name", "value", "via", "reason", "source", "provenance"} <= set(setting)
        assert setting["via"] in ("env", "argv", "inject", "live")
        assert setting["provenance"] in ("calculated", "user", "default")
        assert isinstance(setting["value"], str)
        assert setting["added"] is None
    by_name = {setting["name"]: setting for setting in document["settings"]}
    assert by_name["WEB_CONCURRENCY"]["value"] == "2"
    assert by_name["gc.set_threshold"]["via"] == "inject"
    assert document["not_set"] == []
    assert document["notices"] == []


def test_the_users_number_shows_as_theirs() -> None:
    """`-w 3` of the command line: provenance user, and the plan counts with it."""
    document = as_json("--", "gunicorn", "-w", "3", "a:b")
    theirs = next(setting for setting in document["settings"] if setting["name"] == "--workers")
    assert (theirs["value"], theirs["provenance"], theirs["via"], theirs["is_kept"]) == ("3", "user", "argv", True)
    assert document["workers"] == 3


def test_of_a_variable_with_the_users_own_in_it_only_ours_is_shown() -> None:
    """The program sees both, so there is no value to tell; a known one that is kept is told."""
    options = ("--threads", "2", "--env", "DATABASE_URL=x", "--", "gunicorn", "a:b")
    theirs = {"GUNICORN_CMD_ARGS": "--env TOKEN=hunter2", "DATABASE_URL": "hunter2", "OMP_NUM_THREADS": "3"}
    by_name = {setting["name"]: setting for setting in as_json(*options, **theirs)["settings"]}
    figures = {name: (by_name[name]["value"], by_name[name]["added"], by_name[name]["is_kept"]) for name in theirs}
    assert figures == {
        "GUNICORN_CMD_ARGS": (None, "--threads 2", False),
        "DATABASE_URL": (None, None, True),
        "OMP_NUM_THREADS": ("3", None, True),
    }
    lines = plan(*options, **theirs).splitlines()
    assert "kept: DATABASE_URL (yours)" in lines
    assert "kept: OMP_NUM_THREADS=3 (yours)" in lines
    assert [line.split(maxsplit=1)[1] for line in lines if "GUNICORN_CMD_ARGS" in line] == [
        "--threads 2  --threads, in front of yours"
    ]
    text = plan("--format", "env", *options, **theirs)
    assert "# GUNICORN_CMD_ARGS --threads 2   (put it in front of your own value: --threads)" in text.splitlines()


def test_a_placeholder_is_shown_as_it_was_written() -> None:
    """Not as what stands for it while the command line is read."""
    words = ("--", "gunicorn", "a:b", "--threads", "$(CGTUNE_PLAN_THREADS)")
    assert "kept: --threads=$(CGTUNE_PLAN_THREADS) (yours, command line)" in plan(*words).splitlines()
    (theirs,) = [setting["value"] for setting in as_json(*words)["settings"] if setting["name"] == "--threads"]
    assert theirs == "$(CGTUNE_PLAN_THREADS)"


def test_a_program_that_is_not_recognised_is_called_so() -> None:
    """In the table and in the texts: the counts are only what it is told. One that is, or that was said, is not."""
    note = "./start.sh: not recognised: only CGTUNE_PLAN_… is told"
    assert plan("--", "./start.sh").splitlines()[1:] == [f"note: {note}"]
    assert plan("--format", "env", "--", "./start.sh") == f"# {note}\n"
    for words in ((), ("--", "python"), ("--runtime", "none", "--", "./start.sh"), ("--", "gunicorn", "a:b")):
        assert "not recognised" not in plan(*words)


def test_several_sources_say_what_comes_from_them(tmp_path: Path) -> None:
    """One of them is that of all figures, and needs no names; of many names the first are enough."""
    (tmp_path / "c.yaml").write_text("env:\n  POOL: '{workers}'\n  SIZE: '{threads}'\n")
    lines = plan("--config", tmp_path / "c.yaml", "--", "gunicorn", "a:b").splitlines()
    text = re.sub(r"\s+", " ", " ".join(lines))
    assert f"from: {tmp_path}/c.yaml:2 (POOL)" in text
    assert f"from: {tmp_path}/c.yaml:3 (SIZE)" in text
    found = re.search(
        r"from: --what-if-cpus \(WEB_CONCURRENCY, OMP_NUM_THREADS, NUMBA_NUM_THREADS and (\d+) +more\)", text
    )
    assert found is not None
    assert int(found[1]) > 1


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--format", "xml"], "--format: 'xml' is not"),
        (["--json", "--format", "env"], "--json and --format env: say one of them"),
        (["--what-if-cpus", "-1"], "--what-if-cpus: '-1' is out of range"),
        (["--what-if-memory", "nan"], "--what-if-memory: 'nan' is no size"),
        (["--root", "/no/such"], "--root /no/such: no such directory"),
        (["--wrokers", "3"], "no such option --wrokers (did you mean --workers?)"),
        (["--env", "A={workers ** 2}"], "--env:"),
        (["--workers", "8", "--max-workers", "4"], "--workers"),
    ],
)
def test_a_wrong_word_is_one_line_and_exit_code_2(words: list[str], problem: str) -> None:
    """Nothing is printed on stdout."""
    done = call("plan", *words, "--", "gunicorn")
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint(done).startswith(problem)


def test_a_wrong_variable_is_an_error_here() -> None:
    """What `run` only warns of."""
    done = call("plan", "gunicorn", environment={"CGTUNE_WORKERS": "many"})
    assert done.returncode == 2
    assert complaint(done).startswith("CGTUNE_WORKERS: 'many' is not")


def test_a_recording_speaks_for_itself(tmp_path: Path) -> None:
    """Neither the caller's variables nor its programs count; the recorded process's variables do."""
    self_folder = tmp_path / "proc/self"
    self_folder.mkdir(parents=True)
    (self_folder / "environ").write_bytes(b"WEB_CONCURRENCY=5\0")
    done = call("plan", "--json", "--root", tmp_path, "--", "gunicorn", environment={"WEB_CONCURRENCY": "7"})
    assert json.loads(done.stdout)["workers"] == 5


def test_planning_inside_a_program_that_was_planned_for_is_the_same(tmp_path: Path) -> None:
    """The variables of the outer one are not taken for the user's."""
    program = write_program(tmp_path / "gunicorn", '#!/bin/sh\nexec sh -c "$PLAN"\n')
    line = f"plan --json {' '.join(HALF)} -- gunicorn a:b"
    inner = f"{shlex.join(COMMAND)} {line}"
    nested = call("run", "-q", "--cpu-limit", "2", "--workers", "9", program, environment={"PLAN": inner})
    assert json.loads(nested.stdout)["settings"] == as_json("--", "gunicorn", "a:b")["settings"]
