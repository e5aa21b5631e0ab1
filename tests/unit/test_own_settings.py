"""What is out of our hands, by --env, --disable or a shut door: the plan counts with it, or says that it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.apply import apply_to_argv, apply_to_environment
from cgtune.budget import share_threads
from cgtune.config import Config
from cgtune.files import NoFiles
from cgtune.limits import Limits
from cgtune.plan import Plan
from cgtune.planning import plan_command
from cgtune.runtimes import recognise
from cgtune.templates import Template, parse_template
from tests.unit.planning import codes, config_of, limits_of, setting

Variables = dict[str, str]


def planned(
    line: str, config: Config | None = None, environment: Variables | None = None, limits: Limits | None = None
) -> Plan:
    """The plan for a command line on 8 of 64 CPUs, recognised as `run` does it, without looking at files."""
    limits = limits or limits_of(8)
    return plan_command(limits, config or config_of(), tuple(line.split()), environment or {}, is_recorded=True)[0]


def own(disable: tuple[str, ...] = (), **variables: str) -> Config:
    """A config with these --disable and --env."""
    return config_of(disable=disable, env=templates(variables))


def templates(variables: Variables) -> tuple[tuple[str, Template], ...]:
    """What --env takes."""
    return tuple((name, parse_template(text)) for name, text in variables.items())


def rest(plan: Plan) -> dict[str, str]:
    """The variables and words that a plan itself sets."""
    return {made.name: made.value for made in plan.settings if not made.is_kept}


def why_not(plan: Plan) -> dict[str, str]:
    """What is left alone, and why."""
    return {left.name: left.reason for left in plan.not_set}


# line, --env -> workers and native threads of the plan
BY_ENV: list[tuple[str, Variables, int | None, int]] = [
    ("gunicorn a:b", {"WEB_CONCURRENCY": "2"}, 2, 4),
    ("gunicorn a:b", {"WEB_CONCURRENCY": "{ceil(cpus / 2)}"}, 4, 2),
    ("gunicorn a:b", {"WEB_CONCURRENCY": "{workers}"}, 12, 1),
    ("gunicorn a:b", {"GUNICORN_CMD_ARGS": "-w 2 -b :80"}, 2, 4),
    ("gunicorn a:b", {"GUNICORN_CMD_ARGS": "--workers {workers} -b :80"}, 12, 1),
    ("gunicorn a:b", {"GUNICORN_CMD_ARGS": "-w {workers}0"}, None, 1),
    ("gunicorn a:b", {"WEB_CONCURRENCY": "many"}, None, 1),
    ("gunicorn a:b", {"WEB_CONCURRENCY": "{workers},20"}, None, 1),
    ("gunicorn a:b", {"WEB_CONCURRENCY": "{workers * 2}"}, None, 1),
    ("gunicorn a:b", {"WEB_CONCURRENCY": "{1 // (8 - 8)}"}, None, 8),
    ("gunicorn -w 4 a:b", {"WEB_CONCURRENCY": "2"}, 4, 2),
    ("env WEB_CONCURRENCY=4 gunicorn a:b", {"WEB_CONCURRENCY": "2"}, 4, 2),
    ("uvicorn a:b", {"WEB_CONCURRENCY": "2"}, 2, 4),
    ("uvicorn a:b", {"UVICORN_WORKERS": "{workers}"}, 8, 1),
    ("uvicorn a:b", {"POOL": "{workers}"}, 1, 8),
    ("uwsgi -w a", {"UWSGI_PROCESSES": "2"}, 2, 4),
    ("uwsgi -w a", {"UWSGI_WORKERS": "2"}, 2, 4),
    ("granian a:b", {"GRANIAN_WORKERS": "2"}, 2, 4),
    ("celery -A a worker", {"CELERY_WORKER_CONCURRENCY": "2"}, 2, 4),
    ("celery -A a worker", {"CELERY_WORKER_AUTOSCALE": "{workers},2"}, 8, 1),
    ("celery -A a worker", {"CELERY_WORKER_AUTOSCALE": "{workers},9"}, 9, 1),
    ("celery -A a worker", {"CELERY_WORKER_AUTOSCALE": "{workers},{workers * 2}"}, None, 1),
    ("celery -A a worker --autoscale $(CGTUNE_PLAN_WORKERS),9", {}, 9, 1),
    ("dramatiq a", {"WEB_CONCURRENCY": "2"}, 8, 1),
]


@pytest.mark.parametrize(("line", "variables", "workers", "native_threads"), BY_ENV)
def test_a_number_said_by_env_is_a_constant(
    line: str, variables: Variables, workers: int | None, native_threads: int
) -> None:
    """As one of the environment's, also where it is computed from the cores, or ours; its own multiple is none."""
    plan = planned(line, config_of(env=templates({**variables, "MY_POOL": "{workers * 4}"})))
    assert (plan.workers, plan.native_threads) == (workers, native_threads)
    assert rest(plan).get("MY_POOL") == (None if workers is None else str(workers * 4))


def test_what_env_says_is_shown_as_the_users() -> None:
    """Their text is the reason, and nothing is said twice; what they have already stays, and counts."""
    said = setting(planned("gunicorn a:b", own(WEB_CONCURRENCY="{ceil(cpus / 4)}")), "WEB_CONCURRENCY")
    assert (said.value, said.reason, said.provenance, said.is_kept) == ("2", "{ceil(cpus / 4)}", "user", False)
    kept = planned("gunicorn a:b", own(WEB_CONCURRENCY="2"), {"WEB_CONCURRENCY": "3"})
    assert (kept.workers, setting(kept, "WEB_CONCURRENCY").is_kept, rest(kept).get("WEB_CONCURRENCY")) == (
        3,
        True,
        None,
    )
    assert setting(kept, "WEB_CONCURRENCY").shown == "3"
    asking = planned("uvicorn a:b", own(UVICORN_WORKERS="{workers}"))
    assert [name for name in rest(asking) if "WORKERS" in name] == ["UVICORN_WORKERS"]
    circular = planned("gunicorn a:b", own(WEB_CONCURRENCY="{workers * 2}"))
    assert why_not(circular)["WEB_CONCURRENCY"] == "{workers * 2}: workers is not known"


def test_env_reaches_all_that_reads_variables() -> None:
    """Pools, the CPU count, the allocator; and a value that breaks the start is doubted, one still unknown is not."""
    pools = planned("gunicorn a:b", own(OMP_NUM_THREADS="6", POOL="{native_threads}"))
    assert (pools.native_threads, rest(pools)["OMP_NUM_THREADS"], rest(pools)["POOL"]) == (6, "6", "6")
    count = planned("python a.py", own(PYTHON_CPU_COUNT="3"))
    assert (rest(count)["PYTHON_CPU_COUNT"], "os.cpu_count" in rest(count)) == ("3", False)
    arenas = planned("python a.py", own(GLIBC_TUNABLES="glibc.malloc.arena_max=1"))
    assert "MALLOC_ARENA_MAX" in why_not(arenas)
    assert codes(planned("gunicorn a:b", own(WEB_CONCURRENCY="many"))) == ["VALUE_BREAKS_START"]
    assert codes(planned("gunicorn a:b", own(WEB_CONCURRENCY="{workers}"))) == []
    assert codes(planned("gunicorn a:b", own(WEB_CONCURRENCY="{8 // threads}"))) == []


def test_env_keeps_its_python_path_behind_the_door() -> None:
    """Ours comes in front, theirs stays, and the next cgtune finds nothing where nothing was."""
    plan = planned("gunicorn a:b", own(PYTHONPATH="/srv"))
    (path,) = [made for made in plan.settings if made.name == "PYTHONPATH"]
    assert path.value.endswith("injection/pythonpath:/srv")
    assert path.previous is None
    assert rest(planned("gunicorn a:b", own(("inject",), PYTHONPATH="/srv")))["PYTHONPATH"] == "/srv"


# line, --disable -> native threads of the plan; the number is the server's own affair
BY_DISABLE: list[tuple[str, str, int]] = [
    ("gunicorn a:b", "WEB_CONCURRENCY", 8),
    ("uwsgi -w a", "UWSGI_PROCESSES", 8),
    ("rq worker-pool", "--num-workers", 8),
    ("dramatiq a", "--processes", 1),
    ("celery -A a worker", "billiard.cpu_count", 1),
    ("celery -A a worker", "inject", 1),
]


@pytest.mark.parametrize(("line", "word", "native_threads"), BY_DISABLE)
def test_a_disabled_number_is_the_servers_own(line: str, word: str, native_threads: int) -> None:
    """Exactly as --workers keep, and so are the pools: one process by itself, or one a CPU of the machine."""
    plan = planned(line, own((word,), MY_POOL="{workers}"))
    assert (plan.workers, plan.native_threads) == (None, native_threads)
    assert why_not(plan)["MY_POOL"] == "{workers}: workers is not known"
    assert f"--disable {word}" in why_not(plan).values()
    kept = planned(line, config_of(workers="keep"))
    assert (kept.workers, kept.native_threads) == (None, native_threads)
    # The control: another name takes nothing away.
    free = planned(line, own(("MALLOC_ARENA_MAX",)))
    assert free.workers not in (None, 1)


def test_a_disabled_number_wins_over_workers() -> None:
    """`--workers 3` has no place left; Celery's other place is not what was disabled."""
    config = own(("WEB_CONCURRENCY", "billiard.cpu_count")).replace(workers=3)
    assert planned("gunicorn a:b", config).workers is None
    assert planned("gunicorn -w 4 a:b", config).workers == 4
    celery = planned("celery -A a worker", config)
    assert (celery.workers, rest(celery)["CELERY_WORKER_CONCURRENCY"]) == (3, "3")
    config = own(("CELERY_WORKER_CONCURRENCY",)).replace(workers=3)
    assert planned("celery -A a worker", config).workers is None


@pytest.mark.parametrize("python", ["python -I -m", "python3 -E -m", "pypy3 -m"])
def test_a_number_behind_a_shut_door_is_the_servers_own(python: str) -> None:
    """Nothing keeps Celery from one process for each of the 64 CPUs; gunicorn reads a variable."""
    celery = planned(f"{python} celery -A a worker")
    assert (celery.workers, celery.native_threads, "billiard.cpu_count" in why_not(celery)) == (None, 1, True)
    assert planned(f"{python} celery -A a worker", config_of(workers=3)).workers == 3
    assert planned(f"{python} gunicorn a").workers == 12
    assert planned("python -m celery -A a worker").workers == 8


def test_a_number_that_no_word_can_carry_is_the_servers_own() -> None:
    """Dramatiq in the midst of a shell's line starts as many as the machine has CPUs; RQ's pool one."""
    command = recognise(("dramatiq", "a"), {}, NoFiles())
    assert (command.default_workers, command.default_threads) == (None, 8)
    limits, words = limits_of(8), ("sh", "-c", "dramatiq a")
    dramatiq = plan_command(limits, config_of(), words, {}, is_recorded=True)[0]
    rq = plan_command(limits, config_of(), ("sh", "-c", "rq worker-pool"), {}, is_recorded=True)[0]
    assert (dramatiq.workers, dramatiq.native_threads) == (None, 1)
    assert (rq.workers, rq.native_threads) == (1, 8)


def test_threads_that_are_out_of_our_hands_are_the_servers_own() -> None:
    """--threads has no place where the variable is said by --env, or disabled; a variable that says them counts."""
    for config in (own(("GUNICORN_CMD_ARGS",)), own(GUNICORN_CMD_ARGS="-b :80")):
        plan = planned("gunicorn a:b", config.replace(threads=4, origins=(*config.origins, ("threads", "--threads"))))
        assert plan.threads == 1
        assert why_not(plan)["threads"].startswith("--threads: GUNICORN_CMD_ARGS is not ours, --")
    assert planned("gunicorn a:b", config_of(threads=4)).threads == 4
    assert planned("gunicorn a:b", own(GUNICORN_CMD_ARGS="--threads 6")).threads == 6


def test_runtime_none_is_a_program_that_is_not_known() -> None:
    """Nothing at all is set for it, and its own words say nothing; what it asks for it is told."""
    config = config_of(runtime="none")
    for line in ("gunicorn a:b", "gunicorn -w 3 --threads 9 a:b", "celery -A a worker", "dramatiq a"):
        plan = planned(line, config)
        assert (plan.settings, plan.not_set, plan.native_threads) == ((), (), None)
        assert (plan.command.runtime, plan.command.server, plan.command.kind) == (None, None, None)
        assert plan.replace(command=None) == planned("true").replace(command=None)
    asking = planned("gunicorn -w $(CGTUNE_PLAN_WORKERS) a:b", config)
    assert apply_to_argv(asking, asking.command.argv) == ["gunicorn", "-w", "8", "a:b"]
    assert planned("gunicorn a:b", config_of(runtime="python")).settings


LINES = (
    *("gunicorn a:b", "gunicorn -w 3 a:b", "gunicorn -w $(CGTUNE_PLAN_WORKERS) a:b", "uvicorn a:b", "uwsgi -w a"),
    *("hypercorn a:b", "granian a:b", "granian --interface wsgi a:b", "rq worker-pool", "dramatiq a", "python a.py"),
    *("celery -A a worker", "celery -A a worker -P threads", "python -I -m celery -A a worker"),
    *("celery -A a worker --autoscale $(CGTUNE_PLAN_WORKERS),9", "python -m gunicorn a", "env UWSGI_WORKERS=2 uwsgi"),
)
PLACES = (
    *("WEB_CONCURRENCY", "UVICORN_WORKERS", "UWSGI_PROCESSES", "UWSGI_WORKERS", "GRANIAN_WORKERS"),
    *("CELERY_WORKER_CONCURRENCY", "CELERY_WORKER_AUTOSCALE", "GUNICORN_CMD_ARGS"),
)
NAMES = (*PLACES, "--workers", "--processes", "--num-workers", "billiard.cpu_count", "inject", "native", "gc")
TEMPLATES = (
    *("2", "", "x", "{workers}", "{workers * 2}", "{ceil(cpus)}", "{max(1, floor(cpus / 2))}", "{8 // threads}"),
    *("-w 5", "--workers {workers} -b :80", "-w {workers + 1}", "{workers},2", "{workers},50", "{native_threads}"),
)
ANY_LIMITS = st.builds(
    limits_of, st.none() | st.sampled_from([0.5, 1.5, 4, 30]), st.sampled_from([256, 2048]), host_cpus=st.just(32)
)
ANY_CONFIG = st.builds(
    lambda disable, env, values: config_of(disable=disable, env=tuple(env.items()), **values),
    st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
    st.dictionaries(st.sampled_from(PLACES), st.sampled_from(TEMPLATES).map(parse_template), max_size=3),
    st.fixed_dictionaries(
        {}, optional={"workers": st.sampled_from(["auto", "keep", 6]), "threads": st.sampled_from(["auto", 3])}
    ),
)
ANY_ENVIRONMENT = st.dictionaries(st.sampled_from(PLACES), st.sampled_from(["3", "", "-w 7"]), max_size=1)


def will_run(plan: Plan, environment: Variables) -> int | None:
    """The number of processes that the program starts with what the plan gives it; None: it goes by the machine."""
    given_to_it = apply_to_environment(plan, environment)
    words = apply_to_argv(plan, plan.command.argv)
    command = recognise(tuple(words), given_to_it, NoFiles())
    if command.workers is not None:
        return command.workers.value
    injected = dict(word.partition("=")[::2] for word in given_to_it.get("CGTUNE_INJECT", "").split())
    if command.server == "celery" and "celery" in injected and command.workers_slot is not None:
        return int(injected["celery"])
    return command.default_workers


@given(ANY_LIMITS, ANY_CONFIG, st.sampled_from(LINES), ANY_ENVIRONMENT)
def test_the_plans_number_is_what_will_run(limits: Limits, config: Config, line: str, environment: Variables) -> None:
    """Read back from what the program is given; and its native threads are shared among as many."""
    plan = planned(line, config, environment, limits)
    if plan.workers is None:
        return
    has_place = not (isinstance(config.workers, int) and any("no place" in text for text in why_not(plan).values()))
    if has_place:
        assert plan.workers == will_run(plan, environment)
    if plan.cpus is not None:
        assert plan.native_threads == share_threads(plan.cpus, plan.workers)


@given(ANY_LIMITS, st.sampled_from(LINES))
def test_left_to_us_the_number_is_known(limits: Limits, line: str) -> None:
    """The control: with nothing taken away, only a door that is shut leaves it open."""
    assert (planned(line, limits=limits).workers is None) == (line == "python -I -m celery -A a worker")
