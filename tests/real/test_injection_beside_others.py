"""Injected beside others who get into a Python at its start, each before and after us; and celery's own word on it.

The real packages from PyPI: OpenTelemetry's and Datadog's put a folder with a sitecustomize.py in front of PYTHONPATH
as we do, coverage has a .pth file. The first does not chain to the next sitecustomize, the second does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from cgtune.injection import INJECTION_DIR
from lab import Unavailable
from lab.process import Result, run
from lab.pythons import MINORS, environment, require_python
from tests.support import unavailable

pytestmark = pytest.mark.real
TUNED = 54321
INJECT = {"CGTUNE_INJECT": f"gc={TUNED} freeze celery=3", "PYTHONDONTWRITEBYTECODE": "1"}
# Nothing is sent anywhere.
QUIET = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"} | {
    "DD_TRACE_ENABLED": "true",
    "DD_TRACE_AGENT_URL": "http://127.0.0.1:9",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
}
_DEADLINE_SECONDS = 60

#: This Python in every run, the others of this machine in the long one.
EACH_PYTHON = pytest.mark.parametrize(
    "minor",
    [pytest.param(n, marks=[] if n == sys.version_info[1] else [pytest.mark.long]) for n in MINORS if 10 <= n <= 13],
)


@dataclass(frozen=True)
class Place:
    """An environment with an injector in it."""

    python: Path
    #: outside of the environment, with its packages: there is a usercustomize
    base: Path
    packages: Path

    def script(self, name: str) -> list[str | Path]:
        """How to start a command of the environment: its first line names a folder that was renamed."""
        return [self.python, self.python.parent / name]


def place(minor: int, *requirements: str) -> Place:
    """The environment, or a skip."""
    try:
        python = environment(minor, *requirements)
        base = require_python(minor)
    except Unavailable as reason:
        unavailable(str(reason))
    packages = python.parent.parent / f"lib/python3.{minor}/site-packages"
    return Place(python, base, packages)


def start(*words: str | Path, path: list[Path | str], **variables: str) -> Result:
    """A program with these folders on PYTHONPATH."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": os.pathsep.join(map(str, path))}
    return run(["env", "-i", *(f"{name}={value}" for name, value in {**environment, **variables}.items()), *words])


# --- OpenTelemetry

OTEL_APP = (
    "import gc, sys; from opentelemetry import trace\n"
    f"print(type(trace.get_tracer_provider()).__module__, gc.get_threshold()[0], {INJECTION_DIR!r} in sys.path)\n"
)


@pytest.fixture
def otel(minor: int) -> Place:
    """OpenTelemetry's instrumentation, together with what other tests here need."""
    return place(minor, "celery", "coverage", "opentelemetry-distro")


@EACH_PYTHON
def test_opentelemetry_after_us(otel: Place) -> None:
    """Ours makes way for it: both have done their work."""
    folder = otel.packages / "opentelemetry/instrumentation/auto_instrumentation"
    done = start(otel.python, "-c", OTEL_APP, path=[INJECTION_DIR, folder], **INJECT, **QUIET)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"opentelemetry.sdk.trace {TUNED} False\n"


@EACH_PYTHON
def test_opentelemetry_instrument_before_us(otel: Place, tmp_path: Path) -> None:
    """`cgtune run -- opentelemetry-instrument python app.py`: it hides our sitecustomize, not our usercustomize.

    In a virtual environment there is no usercustomize: the program is instrumented, and runs as without us.
    """
    (tmp_path / "app.py").write_text(OTEL_APP)
    command = [*otel.script("opentelemetry-instrument"), otel.base, tmp_path / "app.py"]
    done = start(*command, path=[INJECTION_DIR, otel.packages], **INJECT, **QUIET)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"opentelemetry.sdk.trace {TUNED} False\n"
    done = start(*command[:2], otel.python, *command[3:], path=[INJECTION_DIR], **INJECT, **QUIET)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("opentelemetry.sdk.trace ")


@EACH_PYTHON
def test_opentelemetry_alone(otel: Place) -> None:
    """The control: without it there is no tracer, without us no threshold."""
    plain = start(otel.python, "-c", OTEL_APP, path=[], **QUIET)
    assert plain.stdout.startswith("opentelemetry.trace ")
    folder = otel.packages / "opentelemetry/instrumentation/auto_instrumentation"
    alone = start(otel.python, "-c", OTEL_APP, path=[folder], **QUIET)
    assert alone.stdout.startswith("opentelemetry.sdk.trace ")
    assert str(TUNED) not in alone.stdout + plain.stdout


# --- Datadog

DATADOG_APP = (
    "import gc, sys; d = sys.modules.get('ddtrace.bootstrap.sitecustomize') or sys.modules.get('sitecustomize')\n"
    "print(getattr(d, 'loaded', None), gc.get_threshold()[0])\n"
)


@pytest.mark.long
@EACH_PYTHON
@pytest.mark.parametrize("is_first", [True, False], ids=["ours first", "ours second"])
def test_datadog(minor: int, is_first: bool, tmp_path: Path) -> None:
    """It chains to the next sitecustomize, as we do; afterwards it holds the name, as without us."""
    datadog = place(minor, "ddtrace")
    (tmp_path / "app.py").write_text(DATADOG_APP)
    if is_first:
        command: list[str | Path] = [datadog.python, tmp_path / "app.py"]
        path: list[str | Path] = [INJECTION_DIR, datadog.packages / "ddtrace/bootstrap"]
    else:
        command = [*datadog.script("ddtrace-run"), datadog.python, tmp_path / "app.py"]
        path = [INJECTION_DIR]
    with_us = start(*command, path=path, **INJECT, **QUIET)
    assert (with_us.returncode, with_us.stdout) == (0, f"True {TUNED}\n"), with_us.stderr
    without = start(*command, path=path[1:], **QUIET)
    assert without.returncode == 0
    assert without.stdout.startswith("True ")
    assert str(TUNED) not in without.stdout


# --- coverage

COVERED_APP = "import gc, sys\nprint(gc.get_threshold()[0])\n"


@EACH_PYTHON
@pytest.mark.parametrize("way", ["pth", "sitecustomize before us", "sitecustomize after us"])
def test_coverage_of_subprocesses(otel: Place, way: str, tmp_path: Path) -> None:
    """By its .pth file, or by the sitecustomize its documentation asks for: lines are counted, and we are in."""
    site = tmp_path / "site"
    site.mkdir()
    # What a user writes who has another sitecustomize already.
    (site / "sitecustomize.py").write_text("import coverage\ncoverage.process_startup()\n")
    (tmp_path / "app.py").write_text(COVERED_APP)
    (tmp_path / "coveragerc").write_text(f"[run]\ndata_file = {tmp_path}/data\n")
    paths: dict[str, list[Path | str]] = {
        "pth": [INJECTION_DIR],
        "sitecustomize before us": [site, INJECTION_DIR, otel.packages],
        "sitecustomize after us": [INJECTION_DIR, site, otel.packages],
    }
    # Outside of the environment its .pth is not executed; and there our usercustomize is.
    python = otel.python if way == "pth" else otel.base
    variables = {"COVERAGE_PROCESS_START": str(tmp_path / "coveragerc")}
    done = start(python, tmp_path / "app.py", path=paths[way], **variables, **INJECT)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{TUNED}\n", "")
    report = run([otel.python, "-m", "coverage", "report", "--data-file", tmp_path / "data", tmp_path / "app.py"])
    assert "100%" in report.check().stdout


# --- celery

CELERY_APP = "from celery import Celery\napp = Celery('app', broker='memory://')\napp.conf.worker_concurrency = {}\n"


@dataclass(frozen=True)
class Wish:
    """What the user says in the application, the command line, the environment; and the number that comes of it."""

    concurrency: int | None
    in_app: int | None = None
    words: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()


WISHES = {
    "none": Wish(3, variables=tuple(INJECT.items())),
    "none, and nothing injected": Wish(os.cpu_count()),
    "the application's": Wish(4, in_app=4, variables=tuple(INJECT.items())),
    "the command line's": Wish(2, words=("-c", "2"), variables=tuple(INJECT.items())),
    "the variable's": Wish(5, in_app=4, variables=(*INJECT.items(), ("CELERY_WORKER_CONCURRENCY", "5"))),
}


@EACH_PYTHON
@pytest.mark.parametrize("wish", WISHES)
def test_celery_takes_our_number_only_where_none_is_given(otel: Place, wish: str, tmp_path: Path) -> None:
    """What its banner says it has; a number of the user's wins, wherever it stands."""
    wished = WISHES[wish]
    (tmp_path / "app.py").write_text(CELERY_APP.format(wished.in_app))
    process = subprocess.Popen(
        [otel.python, "-m", "celery", "-A", "app", "worker", *wished.words],
        cwd=tmp_path,
        env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": INJECTION_DIR, **dict(wished.variables)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        assert _concurrency_in_banner(process) == wished.concurrency
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=_DEADLINE_SECONDS)


def _concurrency_in_banner(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    lines = []
    deadline = time.monotonic() + _DEADLINE_SECONDS
    for line in process.stdout:
        lines.append(line)
        if "concurrency:" in line:
            return int(line.split("concurrency:")[1].split()[0])
        assert time.monotonic() < deadline, "".join(lines)
    raise AssertionError("".join(lines))
