"""A plan put into an environment and a command line: added to, never changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune import marker
from cgtune.apply import apply_to_argv, apply_to_environment, told_values
from cgtune.plan import Plan
from cgtune.settings import Command, Setting

NAMES = st.sampled_from(["A", "B", "C", "D"])


def plan_of(*settings: Setting, **values: object) -> Plan:
    """A plan with these settings and no more."""
    command = Command(argv=("x",), position=1)
    return Plan(mode="exec", command=command, settings=settings, **values)  # type: ignore[arg-type]


def visible(environment: dict[str, str]) -> dict[str, str]:
    """Without what every program is told."""
    return {name: value for name, value in environment.items() if not name.startswith("CGTUNE_PLAN")}


def test_a_setting_for_the_environment_is_added() -> None:
    """And the environment it was made from stays as it was; the marker names it."""
    before = {"A": "1"}
    setting = Setting(name="B", value="2", via="env", reason="because")
    after = apply_to_environment(plan_of(setting), before)
    assert visible(after) == {"A": "1", "B": "2"}
    assert after["CGTUNE_PLAN"] == "B=2"
    assert before == {"A": "1"}


def test_a_setting_by_other_ways_is_no_variable() -> None:
    """What only a command line or a running program can take."""
    for via in ("argv", "live"):
        setting = Setting(name="--b", value="2", via=via, reason="because")
        assert visible(apply_to_environment(plan_of(setting), {})) == {}


def test_what_goes_into_the_interpreter_is_one_variable_of_words() -> None:
    """Each with its value, where it has one."""
    names = {"gc.set_threshold": "10000", "gc.freeze": "before fork", "os.cpu_count": "2", "billiard.cpu_count": "3"}
    settings = [Setting(name=name, value=value, via="inject", reason="r") for name, value in names.items()]
    after = visible(apply_to_environment(plan_of(*settings), {}))
    assert after == {"CGTUNE_INJECT": "gc=10000 freeze cpus=2 celery=3"}


@given(st.dictionaries(NAMES, st.text(max_size=3)), st.dictionaries(NAMES, st.text(max_size=3)))
def test_what_is_there_stays(new: dict[str, str], environment: dict[str, str]) -> None:
    """No plan changes or removes what is kept; and without what it added, all is as before."""
    settings = [
        Setting(name=name, value=value, via="env", reason="r", is_kept=name in environment)
        for name, value in new.items()
    ]
    after = apply_to_environment(plan_of(*settings), environment)
    assert visible(after) == {**new, **environment}
    assert marker.strip(after) == environment


def test_a_variable_that_is_added_to_gets_back_what_stood_there() -> None:
    """The marker holds it."""
    setting = Setting(name="A", value="ours theirs", via="env", reason="r", previous="theirs")
    after = apply_to_environment(plan_of(setting), {"A": "theirs"})
    assert after["A"] == "ours theirs"
    assert marker.strip(after) == {"A": "theirs"}


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ({}, {}),
        ({"cpus": 0.5, "memory_bytes": 7, "workers": 2, "threads": 1}, ("0.5", "7", "2", "1")),
        ({"cpus": 2.0, "workers": 12}, ("2", None, "12", None)),
        ({"cpus": 1e-6}, ("0.000001", None, None, None)),
    ],
)
def test_the_program_is_told_what_is_known(figures: dict[str, object], told: tuple[str | None, ...]) -> None:
    """Plain numbers; what is not known is not there."""
    names = ("CGTUNE_PLAN_CPUS", "CGTUNE_PLAN_MEMORY_BYTES", "CGTUNE_PLAN_WORKERS", "CGTUNE_PLAN_THREADS")
    wanted = {name: value for name, value in zip(names, told, strict=False) if value is not None}
    assert told_values(plan_of(**figures)) == wanted


def test_options_are_added_where_the_servers_own_begin() -> None:
    """In front of the user's, so that theirs, coming later, would win; behind a subcommand."""
    setting = Setting(name="--processes", value="2", via="argv", reason="r")
    plan = plan_of(setting)
    assert apply_to_argv(plan, ["x", "app"]) == ["x", "--processes", "2", "app"]
    later = plan.replace(command=Command(argv=("rq",), position=1, words_before=1))
    assert apply_to_argv(later, ["rq", "worker-pool", "high"]) == ["rq", "worker-pool", "--processes", "2", "high"]
    nowhere = plan.replace(command=Command(argv=("sh",), position=None))
    assert apply_to_argv(nowhere, ["sh", "-c", "x app"]) == ["sh", "-c", "x app"]
    kept = plan_of(setting.replace(is_kept=True))
    assert apply_to_argv(kept, ["x", "app"]) == ["x", "app"]


def test_placeholders_are_filled_in() -> None:
    """Also where nothing is known: with their default, else 1, memory with the machine's."""
    words = ["x", "-w$(CGTUNE_PLAN_WORKERS)", "$(CGTUNE_PLAN_MEMORY_BYTES)", "$(CGTUNE_PLAN_THREADS:-4)", "$(HOME)"]
    known = plan_of(workers=3, threads=2, memory_bytes=9)
    assert apply_to_argv(known, words, 100) == ["x", "-w3", "9", "2", "$(HOME)"]
    assert apply_to_argv(plan_of(), words, 100) == ["x", "-w1", "100", "4", "$(HOME)"]
