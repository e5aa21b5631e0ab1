"""What each path loads beyond a bare interpreter, to the module: each import is paid for at every start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.command import COMMAND, DEADLINE_SECONDS, PACKAGE, PLAIN, write_program

# Dear ones: milliseconds each, against 9 for a bare start. `collections` and `functools` come with most of them.
FORBIDDEN = {
    *(
        "argparse",
        "click",
        "collections",
        "dataclasses",
        "enum",
        "functools",
        "inspect",
        "json",
        "logging",
        "pathlib",
    ),
    *("prometheus_client", "psutil", "re", "shlex", "signal", "subprocess", "typing", "yaml"),
}

PACKAGE_ONLY = {"__future__", "cgtune"}
START = PACKAGE_ONLY | {"cgtune.__main__", "cgtune.cli", "cgtune.cli.output", "cgtune.errors", "cgtune.messages"}
OPTIONS = {
    "cgtune.config",
    "cgtune.limits",
    "cgtune.notices",
    "cgtune.arguments",
    "cgtune.options",
    "cgtune.records",
    "cgtune.units",
    "cgtune.values",
}
READING = {
    "cgtune.cgroup",
    "cgtune.cgroup.cpu",
    "cgtune.cgroup.files",
    "cgtune.cgroup.levels",
    "cgtune.cgroup.locate",
    "cgtune.cgroup.memory",
    "cgtune.cgroup.memory_use",
    "cgtune.cgroup.pids",
    "cgtune.cgroup.pressure",
    "cgtune.detect",
    "cgtune.host",
    "cgtune.parse",
}
PLANNING = {
    "cgtune.apply",
    "cgtune.budget",
    "cgtune.command_line",
    "cgtune.config_file",
    "cgtune.files",
    "cgtune.marker",
    "cgtune.placeholders",
    "cgtune.plan",
    "cgtune.planning",
    "cgtune.resources",
    "cgtune.runtimes",
    "cgtune.settings",
    "cgtune.sizing",
    "cgtune.words",
    "cgtune.wrappers",
}
PYTHON = {
    "cgtune.injection",
    "cgtune.injection_plan",
    "cgtune.interpreter",
    "cgtune.measured",
    "cgtune.runtimes.cpython",
    "cgtune.runtimes.glibc",
    "cgtune.runtimes.native",
}
GUNICORN = {*PYTHON, "cgtune.runtimes.gunicorn"}
STARTING = {"cgtune.cli.run", "cgtune.handover", "cgtune.launch", "cgtune.mode", "cgtune.signal_mask"}
RUN = START | OPTIONS | READING | PLANNING | STARTING
INSPECT = START | OPTIONS | READING | {"cgtune.cli.inspect", "cgtune.config_file", "cgtune.container"}
# Switched off, nothing of what reads or plans is needed but the door itself and the text it would open.
OFF = START | OPTIONS | STARTING | {"cgtune.host", "cgtune.parse"}


def loaded_by(*words: str | Path, **environment: str) -> set[str]:
    """The modules a Python imports while it runs these words, up to its exec."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        env={**PLAIN, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert len(lines) > 10, done.stderr
    return {line.rsplit("|", 1)[1].strip() for line in lines[1:]}


def added_by(*words: str | Path, **environment: str) -> set[str]:
    """The same for the real command, without what a bare interpreter loads."""
    script = COMMAND if len(COMMAND) == 1 else COMMAND[1:]
    return loaded_by(*script, *words, **environment) - loaded_by("-c", "pass")


def test_run_loads_what_it_needs() -> None:
    """A program that nothing is planned for: a whole detection and a plan, and no more than these."""
    assert added_by("run", "--", "true") == RUN


def test_run_loads_as_little_for_a_program_that_is_planned_for(tmp_path: Path) -> None:
    """The module of its server; to say something, poll(2) comes in addition."""
    program = write_program(tmp_path / "gunicorn", "#!/bin/sh\n")
    assert added_by("run", "--quiet", program) == RUN | GUNICORN
    assert added_by("run", program) == RUN | GUNICORN | {"select"}
    assert added_by("run", "-q", program, GUNICORN_CMD_ARGS="-w 3 -k gevent") == RUN | GUNICORN


def test_run_loads_next_to_nothing_when_it_is_switched_off() -> None:
    """Neither the reader nor the planner."""
    assert added_by("run", "--", "true", CGTUNE="off") == OFF


def test_inspect_loads_what_it_needs() -> None:
    """The reader and the markers, no planner."""
    assert added_by("inspect") == INSPECT


def test_inspect_as_json_adds_json_alone() -> None:
    """With what `json` itself loads, which differs from Python to Python."""
    added = added_by("inspect", "--json")
    assert added - loaded_by("-c", "import json") == INSPECT


def test_the_library_loads_nothing() -> None:
    """`import cgtune` is free until something of it is used."""
    code = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); import cgtune"
    assert loaded_by("-c", code) - loaded_by("-c", "pass") == PACKAGE_ONLY


@pytest.mark.parametrize("modules", [RUN, INSPECT, OFF, PACKAGE_ONLY], ids=["run", "inspect", "off", "import"])
def test_none_of_the_dear_ones_is_among_them(modules: set[str]) -> None:
    """What is pinned above holds no slow module, nor any other that is not ours."""
    assert not modules & FORBIDDEN
    assert {name for name in modules if name.split(".")[0] != "cgtune"} == {"__future__"}


def test_the_dear_ones_would_be_seen() -> None:
    """The control: a Python that imports them shows them."""
    standard = FORBIDDEN - {"click", "yaml", "psutil", "prometheus_client"}
    assert standard <= loaded_by("-c", f"import {', '.join(sorted(standard))}")
    assert "json" in added_by("inspect", "--json")


def test_run_needs_nothing_but_the_standard_library() -> None:
    """`pip install --no-deps` gives a working run and inspect: without site-packages they work as well."""
    code = (
        "import sys, importlib.machinery as m\n"
        f"spec = m.PathFinder.find_spec('cgtune', [{str(PACKAGE.parent)!r}])\n"
        "import importlib.util as u\n"
        "module = u.module_from_spec(spec); sys.modules['cgtune'] = module; spec.loader.exec_module(module)\n"
        "from cgtune.__main__ import main; sys.exit(main())"
    )
    for words in (["run", "--", "true"], ["inspect", "--json"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code, *words],
            capture_output=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert words[0] != "inspect" or json.loads(done.stdout)["schema"] == 1
