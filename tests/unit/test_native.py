"""Native thread pools and glibc's arenas: what is set, and what is left to the user."""

from __future__ import annotations

import pytest

from cgtune.runtimes.native import ARENAS_VARIABLE, POOL_VARIABLES, plan_arenas, plan_pools, pool_size
from cgtune.settings import NotSet, Setting


def test_each_pool_gets_the_same_number_and_its_reason() -> None:
    """One setting a variable, from the same figure."""
    settings = plan_pools(3, "CPU 3.00", "/cpu.max", {})
    assert [setting.name for setting in settings] == list(POOL_VARIABLES)
    assert {(setting.value, setting.via, setting.reason, setting.source) for setting in settings} == {
        ("3", "env", "CPU 3.00", "/cpu.max")
    }
    assert {setting.provenance for setting in settings} == {"calculated"}


@pytest.mark.parametrize("value", ["7", "", "many", "4,2"])
@pytest.mark.parametrize("name", POOL_VARIABLES)
def test_a_variable_of_the_users_is_listed_as_theirs(name: str, value: str) -> None:
    """Also an empty one, and one that is no number; the others are set all the same."""
    settings = {setting.name: setting for setting in plan_pools(3, "CPU 3.00", None, {name: value})}
    assert settings[name] == Setting(name=name, value=value, via="env", reason="yours", provenance="user")
    assert all(settings[other].value == "3" for other in POOL_VARIABLES if other != name)


@pytest.mark.parametrize(
    ("pool_threads", "arenas"), [(1, "2"), (2, "2"), (3, "3"), (8, "8"), (9, "8"), (1_000_000, "8")]
)
def test_arenas_follow_the_cores_within_bounds(pool_threads: int, arenas: str) -> None:
    """Two at least, so that threads need not wait for each other; eight at most."""
    setting = plan_arenas(pool_threads, "CPU", None, {})
    assert isinstance(setting, Setting)
    assert (setting.name, setting.value) == (ARENAS_VARIABLE, arenas)


def test_glibcs_stronger_variable_is_respected() -> None:
    """GLIBC_TUNABLES with an arena_max wins in glibc, so nothing is set; without one it says nothing about arenas."""
    tunables = {"GLIBC_TUNABLES": "glibc.malloc.check=1:glibc.malloc.arena_max=5"}
    assert isinstance(plan_arenas(1, "CPU", None, tunables), NotSet)
    assert isinstance(plan_arenas(1, "CPU", None, {"GLIBC_TUNABLES": "glibc.malloc.check=1"}), Setting)


def test_the_users_arenas_are_theirs() -> None:
    """The variable itself, also empty."""
    for value in ("1", ""):
        setting = plan_arenas(4, "CPU", None, {ARENAS_VARIABLE: value})
        assert setting == Setting(name=ARENAS_VARIABLE, value=value, via="env", reason="yours", provenance="user")


@pytest.mark.parametrize(
    ("environment", "size"),
    [
        ({}, None),
        ({"OMP_NUM_THREADS": "4"}, 4),
        ({"OMP_NUM_THREADS": " 4 "}, 4),
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "123456"}, 123456),
        ({"OMP_NUM_THREADS": "1234567"}, None),
        ({"OMP_NUM_THREADS": "4,2"}, None),
        ({"OMP_NUM_THREADS": "0"}, None),
        ({"OMP_NUM_THREADS": ""}, None),
        ({"OMP_NUM_THREADS": "²"}, None),
        ({"OMP_NUM_THREADS": "9" * 5000}, None),
        ({"RAYON_NUM_THREADS": "4"}, None),
    ],
)
def test_the_users_pool_size_is_one_plain_number(environment: dict[str, str], size: int | None) -> None:
    """Lists for nested levels and what OpenMP itself would refuse are none."""
    assert pool_size(environment) == size
