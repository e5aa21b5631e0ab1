"""`cgtune plan`: its table, its JSON, its text formats, and what they are for."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.command import call, complaint, write_program

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
    """80 columns, but for a word that is longer itself."""
    text = plan("--env", "POOL={workers * 4}", "--", *words, PYTHONPATH="/srv", OMP_NUM_THREADS="3")
    assert all(len(line) <= 80 or LONG in line or "pythonpath" in line for line in text.splitlines()), text


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


def test_nothing_but_known_settings_is_shown() -> None:
    """The caller's variables are not ours to show."""
    text = plan(
        "--json", "--", "gunicorn", "a:b", DATABASE_PASSWORD="hunter2", GUNICORN_CMD_ARGS="--env TOKEN=hunter2"
    )
    assert "hunter2" not in text


NASTY = "a b'c\"d$e`f\\g#h"


@pytest.mark.parametrize("name", ["env", "shell", "dotenv", "docker", "kubernetes"])
def test_the_text_formats_carry_the_variables(name: str) -> None:
    """Each in its own notation; read back, the values are the plan's."""
    template = NASTY.replace("{", "{{")
    text = plan("--format", name, "--env", f"NASTY={template}", "--", "gunicorn", "--preload", "a:b")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    if name == "kubernetes":
        found = {entry["name"]: entry["value"] for entry in yaml.safe_load(text)}
    else:
        found = {}
        for line in lines:
            key, _, value = line.removeprefix("export ").removeprefix("ENV ").partition("=")
            found[key] = unquote(name, value)
    assert found["WEB_CONCURRENCY"] == "2"
    assert found["NASTY"] == NASTY
    assert "# gc.freeze before fork   (only `cgtune run` can set this" in text or name == "shell"


def unquote(name: str, text: str) -> str:
    """A value as the format's readers understand it."""
    if name == "env":
        return text
    if name == "shell":
        return "".join(shlex.split(text))
    assert text[0] == text[-1] == '"'
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def test_the_shell_format_does_what_run_does(tmp_path: Path) -> None:
    """`eval` of it leaves the very environment that `run` starts the program with."""
    program = write_program(tmp_path / "gunicorn", "#!/bin/sh\nenv | sort\n")
    text = call("plan", "--format", "shell", "--env", f"NASTY={NASTY}", program).stdout
    there = call("-c", f"{text}\nexec {program}", python=["sh"]).stdout
    here = call("run", "-q", "--env", f"NASTY={NASTY}", program).stdout
    assert without_shell(there) == without_shell(here)
    assert "WEB_CONCURRENCY=" in there


def without_shell(text: str) -> list[str]:
    """Without what a shell, or chance, adds; the available memory moves from one moment to the next."""
    return [line for line in text.splitlines() if not line.startswith(("PWD=", "OLDPWD=", "_=", "SHLVL="))]


def test_what_only_argv_can_carry_is_a_comment() -> None:
    """hypercorn reads no variable."""
    text = plan("--format", "env", "--workers", "2", "--", "hypercorn", "a:b")
    assert "# --workers 2   (add to the command: --workers)" in text.splitlines()


def test_kubernetes_does_not_expand_what_we_wrote() -> None:
    """`$(NAME)` in a value would be replaced by the kubelet; doubled it stays."""
    text = plan("--format", "kubernetes", "--env", "X=$(HOME)", "--", "true")
    assert yaml.safe_load(text) == [{"name": "X", "value": "$$(HOME)"}]


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
    from tests.unit.command import COMMAND

    inner = f"{shlex.join(COMMAND)} {line}"
    nested = call("run", "-q", "--cpu-limit", "2", "--workers", "9", program, environment={"PLAN": inner})
    assert json.loads(nested.stdout)["settings"] == as_json("--", "gunicorn", "a:b")["settings"]
