"""Values that break programs, and programs that read them in odd ways: we neither fall in nor push anybody."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from cgtune.limits import Cpu
from cgtune.settings import NotSet
from tests.support import unavailable
from tests.unit.command import DEADLINE_SECONDS, PLAIN
from tests.unit.planning import POOLS, codes, config_of, limits_of, plan_for, set_by, setting
from tests.unit.programs import Files, number, recognised

QUOTAS = [0.01, 0.1, 0.5, 0.9, 1, 1.5, 2, 7.3, 64]
LINES = [
    *("gunicorn app:app", "gunicorn -k gevent app:app", "uvicorn app:app", "hypercorn app:app", "granian app:app"),
    *("granian --interface wsgi app:app", "uwsgi -w app", "celery -A app worker", "celery -A app worker -P threads"),
    *("dramatiq tasks", "rq worker", "rq worker-pool", "python app.py"),
]
COUNTS = (
    *("WEB_CONCURRENCY", "GRANIAN_WORKERS", "UWSGI_PROCESSES", "CELERY_WORKER_CONCURRENCY", "--workers"),
    *("--processes", "--num-workers", "billiard.cpu_count", "os.cpu_count", "PYTHON_CPU_COUNT", "MALLOC_ARENA_MAX"),
    *("LOKY_MAX_CPU_COUNT", "NUMEXPR_MAX_THREADS", "POLARS_MAX_THREADS", *POOLS),
)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("cores", QUOTAS)
def test_no_count_is_ever_rounded_to_nothing(line: str, cores: float) -> None:
    """int(0.5) is 0: a 0 is dropped as no answer, and the machine's CPUs are taken; uWSGI starts no worker at all."""
    for config in (config_of(), config_of(workers="auto"), config_of(workers="auto", threads="auto")):
        plan = plan_for(limits_of(cores), line, config)
        said = {setting.name: setting.value for setting in plan.settings if setting.name in COUNTS}
        assert len(said) >= 2
        assert all(value.isascii() and value.isdigit() and int(value) >= 1 for value in said.values()), said


@pytest.mark.parametrize("text", ["", "auto", "2.5", "-1"])
@pytest.mark.parametrize("line", ["gunicorn app:app", "uvicorn app:app"])
def test_a_concurrency_that_stops_the_server_is_kept_and_doubted(line: str, text: str) -> None:
    """gunicorn and uvicorn raise ValueError at their import for one that is no number; 0 they take."""
    environment = {"WEB_CONCURRENCY": text}
    plan = plan_for(limits_of(2), line, environment=environment)
    assert (setting(plan, "WEB_CONCURRENCY").value, setting(plan, "WEB_CONCURRENCY").is_kept) == (text, True)
    assert "WEB_CONCURRENCY" not in set_by(plan, environment)
    assert "VALUE_BREAKS_START" in codes(plan)
    zero = plan_for(limits_of(2), line, environment={"WEB_CONCURRENCY": "0"})
    assert (codes(zero), setting(zero, "WEB_CONCURRENCY").value) == ([], "0")


def test_gunicorn_reads_the_variable_also_where_another_number_wins() -> None:
    """At its import, whatever else is said; uvicorn does not."""
    environment = {"WEB_CONCURRENCY": ""}
    gunicorn = plan_for(limits_of(2), "gunicorn -w 2 app:app", environment=environment)
    assert (gunicorn.workers, codes(gunicorn)) == (2, ["VALUE_BREAKS_START"])
    uvicorn = plan_for(limits_of(2), "uvicorn --workers 2 app:app", environment=environment)
    assert (uvicorn.workers, codes(uvicorn)) == (2, [])


FATAL_COUNTS = ["0", "-1", "1.5", "abc", "99999999999"]


@pytest.mark.parametrize("text", FATAL_COUNTS)
def test_a_cpu_count_that_stops_python_is_kept_and_doubted(text: str) -> None:
    """Python 3.13 and later do not start with it."""
    environment = {"PYTHON_CPU_COUNT": text}
    plan = plan_for(limits_of(2), environment=environment)
    assert (setting(plan, "PYTHON_CPU_COUNT").value, codes(plan)) == (text, ["VALUE_BREAKS_START"])
    assert "PYTHON_CPU_COUNT" not in set_by(plan, environment)


@pytest.mark.parametrize("text", ["", "default", "3"])
def test_a_cpu_count_that_python_takes_is_kept(text: str) -> None:
    """An empty one it ignores."""
    plan = plan_for(limits_of(2), environment={"PYTHON_CPU_COUNT": text})
    assert (setting(plan, "PYTHON_CPU_COUNT").value, codes(plan)) == (text, [])


@pytest.mark.parametrize(("text", "starts"), [*((text, False) for text in FATAL_COUNTS), ("", True), ("3", True)])
def test_the_real_python_agrees(text: str, starts: bool) -> None:
    """Before 3.13 it knows no such variable."""
    done = subprocess.run(
        [sys.executable, "-c", "pass"],
        env={**PLAIN, "PYTHON_CPU_COUNT": text},
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (done.returncode == 0) is (starts or sys.version_info < (3, 13))


@pytest.mark.parametrize("text", ["", "0", "abc", "4,2"])
def test_pool_sizes_of_the_users_are_kept(text: str) -> None:
    """libgomp complains of them and takes the machine's, and numexpr fails for a list: theirs to mend."""
    environment = dict.fromkeys((*POOLS, "POLARS_MAX_THREADS", "MALLOC_ARENA_MAX"), text)
    plan = plan_for(limits_of(2), environment=environment)
    assert not set(environment) & set(set_by(plan, environment))
    assert plan.native_threads == plan_for(limits_of(2)).native_threads


def test_rayon_does_not_reach_polars() -> None:
    """It has a variable of its own, which is set beside."""
    told = set_by(plan_for(limits_of(2)))
    assert {"RAYON_NUM_THREADS", "POLARS_MAX_THREADS"} <= set(told)
    kept = set_by(plan_for(limits_of(2), environment={"RAYON_NUM_THREADS": "7"}), {"RAYON_NUM_THREADS": "7"})
    assert kept["POLARS_MAX_THREADS"] == told["POLARS_MAX_THREADS"]


def test_glibcs_tunables_win_over_its_variable() -> None:
    """So nothing is said; other tunables say nothing of arenas."""
    stronger = plan_for(limits_of(2), environment={"GLIBC_TUNABLES": "glibc.malloc.arena_max=5"})
    assert [left.name for left in stronger.not_set] == ["MALLOC_ARENA_MAX"]
    assert all(isinstance(left, NotSet) for left in stronger.not_set)
    other = plan_for(limits_of(2), environment={"GLIBC_TUNABLES": "glibc.malloc.tcache_count=5"})
    assert "MALLOC_ARENA_MAX" in set_by(other)


def test_trimming_by_hand_is_never_set() -> None:
    """MALLOC_TRIM_THRESHOLD_ makes arrays up to ten times slower."""
    for line in LINES:
        assert "MALLOC_TRIM_THRESHOLD_" not in set_by(plan_for(limits_of(0.5, 256), line))


def test_nproc_prints_the_pool_size() -> None:
    """So a start script that computes 2 * nproc + 1 would get 3 from our 1: none that may is recognised."""
    nproc = shutil.which("nproc")
    if nproc is None:
        unavailable("no nproc")
    done = subprocess.run([nproc], env={"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, check=True, timeout=60)
    assert done.stdout == b"1\n"
    for line in (
        "sh -c 'gunicorn -w $(nproc) app:app'",
        "sh -c 'gunicorn -w \"$(nproc)\" app:app'",
        "sh -c 'gunicorn -w `nproc` app:app'",
        "sh -c 'N=$(nproc); gunicorn -w $N app:app'",
        "sh -c 'exec gunicorn -w $((2 * $(nproc) + 1)) app:app'",
        "sh /entrypoint.sh gunicorn app:app",
        "/entrypoint.sh gunicorn app:app",
    ):
        assert recognised(line, {}, {"/entrypoint.sh": "#!/bin/sh\n"}).runtime is None
    assert recognised("sh -c 'exec gunicorn app:app'").runtime == "python"


@pytest.mark.parametrize(
    ("line", "environment", "workers"),
    [
        ("celery -A app worker", {}, None),
        ("celery -A app worker", {"CELERY_WORKER_CONCURRENCY": "3"}, ("3", 3, "CELERY_WORKER_CONCURRENCY")),
        ("celery -A app worker -c 2", {"CELERY_WORKER_CONCURRENCY": "3"}, ("2", 2, "command line")),
        ("celery -A app worker", {"CELERYD_CONCURRENCY": "3"}, None),
    ],
)
def test_celerys_variable_wins_over_the_application(
    line: str, environment: dict[str, str], workers: tuple[str, int | None, str] | None
) -> None:
    """Which may say a number that we cannot see: so ours never goes there by itself, only the user's by --workers."""
    assert number(recognised(line, environment).workers) == workers
    assert "CELERY_WORKER_CONCURRENCY" not in set_by(
        plan_for(limits_of(2), line, environment=environment), environment
    )
    asked = set_by(plan_for(limits_of(2), line, config_of(workers=5), environment), environment)
    assert asked.get("CELERY_WORKER_CONCURRENCY") == ("5" if workers is None else None)


def test_gunicorns_config_file_wins_over_our_variable() -> None:
    """7 of the file beats 3 of WEB_CONCURRENCY, 4 of GUNICORN_CMD_ARGS beats both, 2 of the command line all."""
    files: dict[str, str | None] = {"gunicorn.conf.py": "workers = 7\n"}
    environment = {"WEB_CONCURRENCY": "3"}
    found = [number(recognised("gunicorn app:app", environment, files).workers)]
    environment["GUNICORN_CMD_ARGS"] = "--workers 4"
    found += [number(recognised(f"gunicorn {words}app:app", environment, files).workers) for words in ("", "-w 2 ")]
    assert [workers and workers[1] for workers in found] == [7, 4, 2]


def test_a_mask_is_no_count_of_cpus_to_python() -> None:
    """os.cpu_count() and glibc's arenas do not follow `taskset`, so both are told; OpenMP follows it by itself."""
    limits = limits_of(None, host_cpus=64)
    cpu: Cpu = limits.cpu.replace(effective_cores=2.0, affinity_count=2)
    told = set_by(plan_for(limits.replace(cpu=cpu), "python app.py"))
    assert (told["PYTHON_CPU_COUNT"], told["MALLOC_ARENA_MAX"]) == ("2", "2")
    assert "OMP_NUM_THREADS" not in told


def test_granians_threads_are_told_to_wsgi_only() -> None:
    """More than one is an error for ASGI and RSGI."""
    config = config_of(threads=4)
    assert set_by(plan_for(limits_of(2), "granian --interface wsgi app", config))["GRANIAN_BLOCKING_THREADS"] == "4"
    for line in ("granian app", "granian --interface asgi app", "granian --interface rsgi app"):
        plan = plan_for(limits_of(2), line, config)
        assert "GRANIAN_BLOCKING_THREADS" not in set_by(plan)
        assert "threads" in [left.name for left in plan.not_set]


def test_a_broken_config_file_stops_nobody() -> None:
    """The server will say what is wrong with it; ours is not the place."""
    for text in ("workers = ", "\0", "import nothing_like_this\nraise SystemExit(1)\n", "workers = 1 / 0\n"):
        command = recognised("gunicorn app:app", {}, {"gunicorn.conf.py": text})
        assert command.server == "gunicorn"
    assert Files({"a": None}).read_text("a") is None
