"""A plan put into an environment: added to, never changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cgtune.apply import apply_to_environment, is_new
from cgtune.plan import Plan
from cgtune.settings import Command, Setting

NAMES = st.sampled_from(["A", "B", "C", "D"])
SETTINGS = st.builds(
    Setting,
    name=NAMES,
    value=st.text(max_size=3),
    via=st.sampled_from(["env", "argv", "inject", "live"]),
    reason=st.just("because"),
    provenance=st.sampled_from(["user", "calculated"]),
)


def plan_of(*settings: Setting) -> Plan:
    """A plan with these settings and no more."""
    return Plan(mode="exec", command=Command(argv=("x",)), settings=settings)


def test_a_setting_for_the_environment_is_added() -> None:
    """And the environment it was made from stays as it was."""
    before = {"A": "1"}
    setting = Setting(name="B", value="2", via="env", reason="because")
    assert apply_to_environment(plan_of(setting), before) == {"A": "1", "B": "2"}
    assert before == {"A": "1"}


def test_a_setting_by_other_ways_is_not() -> None:
    """What only a command line or a running program can take is no variable."""
    for via in ("argv", "inject", "live"):
        setting = Setting(name="B", value="2", via=via, reason="because")
        assert apply_to_environment(plan_of(setting), {}) == {}
        assert not is_new(setting, {})


@given(st.lists(SETTINGS), st.dictionaries(NAMES, st.text(max_size=3)))
def test_what_is_there_stays(settings: list[Setting], environment: dict[str, str]) -> None:
    """No plan whatever changes or removes a variable that exists, even an empty one; what is new comes from it."""
    result = apply_to_environment(plan_of(*settings), environment)
    assert {name: result[name] for name in environment} == environment
    wanted = {(setting.name, setting.value) for setting in settings if setting.via == "env"}
    assert {(name, value) for name, value in result.items() if name not in environment} <= wanted
    assert set(result) == set(environment) | {name for name, _ in wanted}
