"""`cgtune plan --format`: each notation as its readers understand it, and nothing of the user's own in it."""

from __future__ import annotations

import codecs
import re
import shlex
from pathlib import Path

import pytest
import yaml

from cgtune import marker
from tests.unit.command import COMMAND, call, write_program

HALF = ("--what-if-cpus", "0.5", "--what-if-memory", "256Mi")


def plan(*words: str | Path, **environment: str) -> str:
    """What it prints about half a core and 256 MiB."""
    done = call("plan", *HALF, *words, environment=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


NASTY = "a b'c\"d$e`f\\g#h"


@pytest.mark.parametrize("name", ["env", "shell", "dotenv", "docker", "kubernetes"])
def test_the_text_formats_carry_the_variables(name: str) -> None:
    """Each in its own notation; read back, the values are the plan's."""
    nasty = NASTY.replace("'", "") if name == "dotenv" else NASTY
    text = plan("--format", name, "--env", f"NASTY={nasty}", "--", "gunicorn", "--preload", "a:b")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    if name == "kubernetes":
        found = {entry["name"]: expand_as_kubernetes(entry["value"]) for entry in yaml.safe_load(text)}
    else:
        found = {}
        for line in lines:
            key, _, value = line.removeprefix("export ").removeprefix("ENV ").partition("=")
            found[key] = unquote(name, value)
    assert found["WEB_CONCURRENCY"] == "2"
    assert found["NASTY"] == nasty
    assert "# gc.freeze before fork   (only `cgtune run` can set this" in text or name == "shell"


def unquote(name: str, text: str) -> str:
    """A value as the format's readers understand it."""
    if name == "env":
        return text
    if name == "shell":
        return "".join(shlex.split(text))
    if name == "dotenv":
        return read_as_python_dotenv(text)
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


def test_the_shell_puts_ours_in_front_of_the_users_own(tmp_path: Path) -> None:
    """Whatever that is: it is not in the text, and the program has all of it."""
    program = write_program(tmp_path / "gunicorn", "#!/bin/sh\nenv | sort\n")
    theirs = {"GUNICORN_CMD_ARGS": f"--env TOKEN={NASTY}", "PYTHONPATH": "/srv/hunter2"}
    words = ("--workers", "3", "--threads", "2", program)
    text = call("plan", "--format", "shell", *words, environment=theirs).stdout
    assert NASTY not in text
    assert "hunter2" not in text
    there = call("-c", f"{text}\nexec {program}", python=["sh"], environment=theirs).stdout
    here = call("run", "-q", *words, environment=theirs).stdout
    assert f"GUNICORN_CMD_ARGS=--threads 2 --env TOKEN={NASTY}\n" in there
    assert marked(there) == marked(here) - {"GUNICORN_CMD_ARGS", "PYTHONPATH"}
    assert without_marker(there) == without_marker(here)


def marked(text: str) -> set[str]:
    """The names in the marker of a printed environment."""
    (line,) = [line for line in text.splitlines() if line.startswith("CGTUNE_PLAN=")]
    return {name for name, _, _ in marker.parse(line.partition("=")[2])}


def without_marker(text: str) -> list[str]:
    """And without that."""
    return [line for line in without_shell(text) if not line.startswith("CGTUNE_PLAN=")]


def test_a_second_eval_adds_nothing(tmp_path: Path) -> None:
    """What stands in front already is the user's by then, and theirs wins."""
    program = write_program(tmp_path / "gunicorn", "#!/bin/sh\n")
    environment = {"GUNICORN_CMD_ARGS": "--threads 2 --reload"}
    text = call("plan", "--format", "shell", "--threads", "2", program, environment=environment).stdout
    assert "GUNICORN_CMD_ARGS" not in text


def test_a_value_of_another_cgtune_is_not_taken_for_the_users(tmp_path: Path) -> None:
    """Below a `run` the shell's variable has its part in it already: then ours is a comment."""
    program = write_program(tmp_path / "gunicorn", '#!/bin/sh\nexec sh -c "$PLAN"\n')
    plan_words = ("plan", "--format", "shell", "--threads", "3", "--", "gunicorn", "a:b")
    done = call(
        "run",
        "-q",
        "--threads",
        "2",
        program,
        environment={"PLAN": shlex.join([*COMMAND, *plan_words]), "GUNICORN_CMD_ARGS": "--reload"},
    )
    assert (
        "# GUNICORN_CMD_ARGS --threads 3   (put it in front of your own value: --threads)" in done.stdout.splitlines()
    )
    assert "export GUNICORN_CMD_ARGS" not in done.stdout


def without_shell(text: str) -> list[str]:
    """Without what a shell, or chance, adds; the available memory moves from one moment to the next."""
    return [line for line in text.splitlines() if not line.startswith(("PWD=", "OLDPWD=", "_=", "SHLVL="))]


def test_what_only_argv_can_carry_is_a_comment() -> None:
    """hypercorn reads no variable."""
    text = plan("--format", "env", "--workers", "2", "--", "hypercorn", "a:b")
    assert "# add to the command: --workers 2   (--workers)" in text.splitlines()
    text = plan("--format", "env", "--", "hypercorn", "-w", "$(CGTUNE_PLAN_WORKERS)", "a:b")
    assert "# in the command, $(CGTUNE_PLAN_WORKERS) is 1   (CPU 0.50)" in text.splitlines()


def expand_as_kubernetes(text: str) -> str:
    """What the kubelet makes of a value where NAME is not known: $$ is one $, $(NAME) is itself, all else too."""
    return text.replace("$$", "$")


@pytest.mark.parametrize("value", ["$(HOME)", "$$(HOME)", "a$$b", "a$b", "$", "$$", "$$$", "$(", "a$$$(B)$$"])
def test_kubernetes_does_not_expand_what_we_wrote(value: str) -> None:
    """`$(NAME)` in a value would be replaced by the kubelet, and `$$` be one `$`; doubled they stay."""
    text = plan("--format", "kubernetes", "--env", f"X={value}", "--", "python")
    (found,) = [entry["value"] for entry in yaml.safe_load(text) if entry["name"] == "X"]
    assert "$(" not in found.replace("$$", "")
    assert expand_as_kubernetes(found) == value


def test_names_that_yaml_takes_for_something_else_stay_names() -> None:
    """ON is not true, and Y is no number of anything."""
    names = ["ON", "NO", "Y", "NULL", "TRUE", "E1"]
    options = [word for name in names for word in ("--env", f"{name}=1")]
    entries = yaml.safe_load(plan("--format", "kubernetes", *options, "--", "python"))
    assert [entry["name"] for entry in entries][-len(names) :] == names


DOTENV = {
    "2": "'2'",
    "a$b`id`": "'a$b`id`'",
    'say "x"': "'say \"x\"'",
    "it's": '"it\'s"',
    "back\\slash": "'back\\slash'",
    "end\\": '"end\\\\"',
    "two\\\\": '"two\\\\\\\\"',
    "it's $5": None,
    "${HOME}": None,
}


@pytest.mark.parametrize("value", DOTENV)
def test_a_dotenv_file_is_the_same_to_all_its_readers(value: str) -> None:
    """In single quotes nothing is expanded, in double ones only what both a shell and python-dotenv take so."""
    template = value.replace("{", "{{").replace("}", "}}")
    lines = plan("--format", "dotenv", "--env", f"X={template}", "--", "python").splitlines()
    expected = DOTENV[value]
    if expected is None:
        assert "# X: no notation that all readers of such files agree on" in lines
        return
    assert f"X={expected}" in lines
    assert call("-c", f'X={expected}\nprintf %s "$X"', python=["sh"]).stdout == value
    assert read_as_python_dotenv(expected) == value


def read_as_python_dotenv(text: str) -> str:
    """Version 1.2: backslashes in quotes, then `${NAME}` wherever it stands."""
    escapes = r"\\[\\']" if text[0] == "'" else r"\\[\\'\"abfnrtv]"
    value = re.sub(escapes, lambda match: codecs.decode(match[0], "unicode-escape"), text[1:-1])
    return re.sub(r"\$\{[^}]*\}", "", value)
