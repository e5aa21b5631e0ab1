"""Native thread pools and glibc's arenas: what is set, when, and what is left to the user."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cgtune.runtimes.glibc import ARENAS_VARIABLE, plan_arenas
from cgtune.runtimes.native import POOL_VARIABLES, VARIABLES, plan_pools, pool_size
from cgtune.settings import NotSet, Setting


def pools(
    threads: int,
    workers: int = 1,
    *,
    seen_count: int | None = 8,
    host_count: int | None = 8,
    is_hidden: bool = False,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Setting]:
    """The settings of a process of so many threads, by name; loky may start two processes in each."""
    settings = plan_pools(
        threads,
        2,
        workers,
        seen_count=seen_count,
        host_count=host_count,
        is_hidden=is_hidden,
        reason="CPU 3.00",
        source="/cpu.max",
        environment=environment or {},
    )
    found = {setting.name: setting for setting in settings}
    assert len(found) == len(settings)
    assert set(found) <= set(VARIABLES)
    return found


def values(settings: dict[str, Setting]) -> dict[str, str]:
    """name -> value."""
    return {name: setting.value for name, setting in settings.items()}


OF_THREE = {"OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "3", "RAYON_NUM_THREADS": "3", "LOKY_MAX_CPU_COUNT": "2"}
CALM = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}


def test_below_what_they_find_by_themselves_each_is_told() -> None:
    """Three threads where eight CPUs are seen: the number, loky's processes, and who waits does not spin."""
    assert values(pools(3)) == OF_THREE | CALM


def test_each_pool_has_its_reason_and_its_source() -> None:
    """The same for all: they follow from one figure."""
    found = {(setting.via, setting.reason, setting.source, setting.provenance) for setting in pools(3, 2).values()}
    assert found == {("env", "CPU 3.00", "/cpu.max", "calculated")}


def test_several_workers_share_polars_and_fork_without_tokenizers_threads() -> None:
    """Each worker would make a pool of its own."""
    assert values(pools(3, 2)) == OF_THREE | CALM | {"POLARS_MAX_THREADS": "3", "TOKENIZERS_PARALLELISM": "false"}


def test_what_a_pool_finds_by_itself_is_not_said() -> None:
    """Children would inherit it. numexpr alone counts the machine's CPUs, and is told by its own variable."""
    assert values(pools(3, seen_count=3)) == {"NUMEXPR_MAX_THREADS": "3"}
    assert values(pools(8)) == {}
    assert values(pools(3, seen_count=3, host_count=None)) == {}


def test_one_thread_is_always_said() -> None:
    """It is no harm to whoever inherits it, and nobody waits, so nothing is said of waiting."""
    one = dict.fromkeys(POOL_VARIABLES, "1")
    assert values(pools(1, seen_count=1)) == one
    assert values(pools(1)) == one | {"LOKY_MAX_CPU_COUNT": "2"}


def test_polars_is_told_what_it_cannot_find() -> None:
    """A limit of the user's word, or of a tighter ancestor."""
    assert values(pools(8, is_hidden=True)) == {"POLARS_MAX_THREADS": "8"}
    assert "POLARS_MAX_THREADS" not in pools(8)


def test_a_mask_that_cannot_be_told_bounds_nothing() -> None:
    """Then the number is said."""
    assert values(pools(3, seen_count=None)) == OF_THREE | CALM


@pytest.mark.parametrize("value", ["7", "", "many", "4,2"])
@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_of_the_users_is_listed_as_theirs(name: str, value: str) -> None:
    """Also an empty one, and one that is no number; the others are set all the same."""
    several = {**pools(3, 2), **pools(3, seen_count=3)}
    theirs = {**pools(3, 2, environment={name: value}), **pools(3, seen_count=3, environment={name: value})}
    kept = Setting(name=name, value=value, via="env", reason="yours", provenance="user", is_kept=True)
    assert theirs == {**several, name: kept}


@pytest.mark.parametrize("threads", [1, 2, 64])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_number_is_plain(threads: int, workers: int) -> None:
    """numexpr fails at its import for a list as OpenMP takes one, and libgomp complains of 0."""
    for name, value in values(pools(threads, workers)).items():
        assert value in ("PASSIVE", "false") or name == "KMP_BLOCKTIME" or int(value) >= 1


@pytest.mark.parametrize(
    ("pool_threads", "arenas"), [(1, "2"), (2, "2"), (3, "3"), (8, "8"), (9, "8"), (1_000_000, "8")]
)
def test_arenas_follow_the_cores_within_bounds(pool_threads: int, arenas: str) -> None:
    """Two at least, so that threads need not wait for each other; eight at most."""
    setting = plan_arenas(pool_threads, "CPU", "/cpu.max", {})
    assert setting == Setting(name=ARENAS_VARIABLE, value=arenas, via="env", reason="CPU", source="/cpu.max")


def test_glibcs_stronger_variable_is_respected() -> None:
    """GLIBC_TUNABLES with an arena_max wins in glibc, so nothing is set; without one it says nothing about arenas."""
    tunables = {"GLIBC_TUNABLES": "glibc.malloc.check=1:glibc.malloc.arena_max=5"}
    assert isinstance(plan_arenas(1, "CPU", None, tunables), NotSet)
    assert isinstance(plan_arenas(1, "CPU", None, {"GLIBC_TUNABLES": "glibc.malloc.check=1"}), Setting)


def test_the_users_arenas_are_theirs() -> None:
    """The variable itself, also empty."""
    for value in ("1", ""):
        kept = Setting(name=ARENAS_VARIABLE, value=value, via="env", reason="yours", provenance="user", is_kept=True)
        assert plan_arenas(4, "CPU", None, {ARENAS_VARIABLE: value}) == kept


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
