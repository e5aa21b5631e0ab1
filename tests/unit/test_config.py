"""The user's settings: defaults < environment < flags, and what is wrong in the environment is dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cgtune
from cgtune.config import Config, is_switched_off, make_config
from cgtune.limits import Declared
from cgtune.options import COMMAND_LINE_ONLY, OPTIONS

VARIABLES = [option.variable for option in OPTIONS if option.name not in COMMAND_LINE_ONLY]


def test_nothing_said_gives_the_defaults() -> None:
    """Workers are solved, nothing is declared."""
    config = make_config("run", {}, {})
    assert config == Config()
    assert (config.workers, config.quiet, config.exec, config.declared) == ("auto", False, False, Declared())


def test_a_flag_is_stronger_than_a_variable() -> None:
    """Each setting by itself: what no flag says, its variable does."""
    environment = {"CGTUNE_WORKERS": "5", "CGTUNE_CPU_LIMIT": "2"}
    config = make_config("run", {"workers": 3}, environment)
    assert (config.workers, config.cpu_limit) == (3, 2.0)
    assert make_config("run", {}, environment).workers == 5


def test_a_wrong_variable_under_a_flag_is_not_looked_at() -> None:
    """The flag has already decided."""
    assert make_config("run", {"workers": 3}, {"CGTUNE_WORKERS": "many"}) == Config(workers=3)


def test_what_is_declared_keeps_its_units() -> None:
    """Cores and bytes, limits and requests."""
    environment = {
        "CGTUNE_CPU_LIMIT": "1500m",
        "CGTUNE_CPU_REQUEST": "0.25",
        "CGTUNE_MEMORY_LIMIT": "1Gi",
        "CGTUNE_MEMORY_REQUEST": "500M",
    }
    assert make_config("run", {}, environment).declared == Declared(
        cpu_limit_cores=1.5, cpu_request_cores=0.25, memory_limit_bytes=1 << 30, memory_request_bytes=500_000_000
    )


@pytest.mark.parametrize("name", ["json", "root", "help"])
def test_some_things_only_a_command_line_can_say(name: str) -> None:
    """CGTUNE_JSON and its like are unknown variables, and those are nobody's business."""
    assert name in COMMAND_LINE_ONLY
    assert make_config("inspect", {}, {f"CGTUNE_{name.upper()}": "x"}) == Config()


@given(st.dictionaries(st.sampled_from(VARIABLES), st.text(max_size=10)))
def test_no_environment_keeps_a_program_from_starting(environment: dict[str, str]) -> None:
    """Any text in any variable: a value or one warning, which names it, never an error."""
    config = make_config("run", {}, environment)
    warned = [warning.split(":")[0] for warning in config.warnings]
    assert len(warned) == len(set(warned))
    assert set(warned) <= set(environment)
    for option in OPTIONS:
        if option.variable in warned:
            field = option.name.replace("-", "_")
            assert getattr(config, field) == getattr(Config(), field)


@pytest.mark.parametrize("text", ["off", "OFF", "Off", " off", "0", "false", "no"])
def test_these_switch_it_off(text: str) -> None:
    """As people write it."""
    assert is_switched_off({"CGTUNE": text})


@pytest.mark.parametrize("text", ["", "on", "1", "true", "offline", "o", "-"])
def test_these_do_not(text: str) -> None:
    """What is not clearly "off" is not off, and neither is another variable."""
    assert not is_switched_off({"CGTUNE": text})
    assert not is_switched_off({"CGTUNE_OFF": "1", "cgtune": "off"})


def test_a_wrong_declared_limit_is_told_by_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """`read_limits()` never raises: what it ignores is a notice."""
    monkeypatch.setenv("CGTUNE_MEMORY_LIMIT", "512m")
    limits = cgtune.read_limits()
    assert limits.declared.memory_limit_bytes is None
    assert "SETTING_INVALID" in [notice.code for notice in limits.notices]
