"""What the caller has in variables that are none of cgtune's is in no output, whatever is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.apply import apply_to_environment
from cgtune.cli.plan import format_json, format_table
from cgtune.cli.plan_formats import NAMES, format_plan
from cgtune.cli.run import report
from cgtune.config import Config
from cgtune.limits import Limits
from cgtune.marker import strip
from cgtune.plan import Plan
from cgtune.planning import plan_command
from cgtune.templates import parse_template
from tests.unit.command import call, write_program
from tests.unit.planning import config_of, limits_of

SECRET = "hunter2"
# How a program may be handed one: in a variable of its own, among other words, in an address, in a list of folders.
THEIRS = {
    "DATABASE_URL": f"postgres://u:{SECRET}@h/db",
    "API_TOKEN": SECRET,
    "GUNICORN_CMD_ARGS": f"--env DB_PASS={SECRET}",
    "UWSGI_SET": f"pass={SECRET}",
    "GRANIAN_SSL_KEYFILE_PASSWORD": SECRET,
    "CELERY_BROKER_URL": f"redis://:{SECRET}@h",
    "PYTHONPATH": f"/srv/{SECRET}",
    "GLIBC_TUNABLES": f"glibc.malloc.check={SECRET}",
    "NOTIFY_SOCKET": f"/{SECRET}",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "KUBERNETES_SERVICE_HOST": SECRET,
}
# What a cgtune before us leaves, where it has put its part in front.
BEFORE = {
    "GUNICORN_CMD_ARGS": f"--threads 4 {THEIRS['GUNICORN_CMD_ARGS']}",
    "CGTUNE_PLAN": f"GUNICORN_CMD_ARGS=--threads%204%20--env%20DB_PASS%3D{SECRET}&--env%20DB_PASS%3D{SECRET}",
}
COMMANDS = (
    ("gunicorn", "app:app"),
    ("gunicorn", "--preload", "-w", "$(CGTUNE_PLAN_WORKERS)", "app:app"),
    ("uvicorn", "app:app"),
    ("celery", "-A", "app", "worker"),
    ("uwsgi", "--http", ":80"),
    ("granian", "--interface", "wsgi", "app:app"),
    ("hypercorn", "app:app"),
    ("python", "app.py"),
    ("sh", "-c", "exec gunicorn app:app"),
    ("./start.sh",),
)
TEMPLATES = ("none", "{workers * 4}", "{1 // 0}")
CONFIGS = st.builds(
    config_of,
    workers=st.sampled_from(["auto", "keep", 3]),
    threads=st.sampled_from(["auto", "keep", 2]),
    disable=st.sampled_from([(), ("native",), ("inject",)]),
    env=st.dictionaries(st.sampled_from([*THEIRS, "POOL"]), st.sampled_from(TEMPLATES).map(parse_template)).map(
        lambda env: tuple(env.items())
    ),
    verbose=st.booleans(),
)


def outputs_of(
    limits: Limits, config: Config, argv: tuple[str, ...], environment: dict[str, str]
) -> tuple[Plan, dict[str, str]]:
    """A plan, and all that `run` and `plan` say of it."""
    plan, clean = plan_command(limits, config, argv, environment)
    texts = {name: format_plan(plan, name, clean, environment) for name in NAMES}
    texts["table"] = format_table(plan, limits)
    texts["json"] = format_json(plan, limits)
    texts["log"] = "\n".join(report(plan, config, limits))
    return plan, texts


@given(
    st.sampled_from([limits_of(2, 2048), limits_of(None, None), limits_of(0.5, 64)]),
    CONFIGS,
    st.sampled_from(COMMANDS),
    st.sets(st.sampled_from(list(THEIRS))),
    st.sampled_from([{}, BEFORE]),
)
def test_no_output_has_a_secret_of_the_callers(
    limits: Limits, config: Config, argv: tuple[str, ...], names: set[str], before: dict[str, str]
) -> None:
    """In any format, whatever is planned; the program has all of it, behind our part where there is one."""
    environment = {name: THEIRS[name] for name in names} | before
    plan, texts = outputs_of(limits, config, argv, environment)
    assert not [name for name, text in texts.items() if SECRET in text]
    clean = strip(environment)
    after = apply_to_environment(plan, clean)
    assert all(after[name].endswith(value) for name, value in clean.items())


def test_it_would_be_seen() -> None:
    """The control: what is cgtune's own to set, or its own setting, is shown."""
    config = config_of(env=(("POOL", parse_template(SECRET)),))
    _, texts = outputs_of(limits_of(2, 2048), config, ("gunicorn", "app:app"), {})
    assert all(SECRET in text for text in texts.values())
    _, texts = outputs_of(limits_of(2, 2048), config_of(), ("gunicorn", "app:app"), {"OMP_NUM_THREADS": SECRET})
    assert [name for name, text in texts.items() if SECRET in text] == ["table", "json", "log"]


def test_the_log_says_what_is_kept_and_what_is_added() -> None:
    """By name, and by our own part."""
    config = config_of(threads=2, env=(("DATABASE_URL", parse_template("x")),))
    names = ("DATABASE_URL", "GUNICORN_CMD_ARGS")
    environment = {name: THEIRS[name] for name in names}
    _, texts = outputs_of(limits_of(2, 2048), config, ("gunicorn", "app:app"), environment)
    lines = texts["log"].splitlines()
    assert "kept DATABASE_URL (yours)" in lines
    assert "GUNICORN_CMD_ARGS=--threads 2, in front of yours (--threads)" in lines


OPTIONS = ("--threads", "2", "--env", "DATABASE_URL=x{workers}", "--env", "API_TOKEN=none")


@pytest.mark.parametrize("form", ["table", "json", *NAMES])
def test_the_real_plan_has_none(form: str) -> None:
    """As people call it."""
    how = ("--json",) if form == "json" else ("--format", form)
    done = call("plan", *how, *OPTIONS, "--", "gunicorn", "app:app", environment=THEIRS)
    assert (done.returncode, done.stderr) == (0, "")
    assert "WEB_CONCURRENCY" in done.stdout
    assert SECRET not in done.stdout


@pytest.mark.parametrize("words", [(), ("--verbose",), ("--quiet",)])
def test_the_real_run_has_none_and_hands_it_on(words: tuple[str, ...], tmp_path: Path) -> None:
    """What cgtune says has no secret; the program that it starts has each of them."""
    program = write_program(tmp_path / "gunicorn", "#!/bin/sh\nenv\n")
    done = call("run", *words, *OPTIONS, program, environment=THEIRS)
    assert done.returncode == 0
    assert SECRET not in done.stderr
    lines = done.stdout.splitlines()
    assert f"DATABASE_URL={THEIRS['DATABASE_URL']}" in lines
    assert f"GUNICORN_CMD_ARGS=--threads 2 {THEIRS['GUNICORN_CMD_ARGS']}" in lines
    assert any(line.startswith("PYTHONPATH=") and line.endswith(THEIRS["PYTHONPATH"]) for line in lines)
