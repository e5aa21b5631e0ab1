"""What `taskset` and `numactl` leave of the CPUs bounds the plan, as the kernel's own affinity mask does."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.command_line import look_through
from cgtune.config import Config
from cgtune.plan import Plan
from cgtune.planning import bind, plan_command
from cgtune.wrappers import BINDERS, count_cpus
from tests.support import unavailable
from tests.unit.command import DEADLINE_SECONDS
from tests.unit.planning import limits_of, set_by

# Words of `taskset` or `numactl` -> on how many CPUs they let a program run; None: on all of them.
CPUS: dict[str, int | None] = {
    "taskset 1": 1,
    "taskset 3": 2,
    "taskset 0x3": 2,
    "taskset ff": 8,
    "taskset F0F": 8,
    "taskset 1,00000001": 2,
    "taskset -- 3": 2,
    "taskset -a 3": 2,
    "taskset -c 0": 1,
    "taskset -c 3": 1,
    "taskset -ac 0,1": 2,
    "taskset -c -- 0-3": 4,
    "taskset --cpu-list 0-3,8,2-5": 7,
    "taskset --cpu 0": 1,
    "taskset -c 0-6:3": 3,
    "/usr/bin/taskset -c 0,0,0": 1,
    "taskset -c 0-3 taskset -c 0": 1,
    "taskset -c 0 nice taskset -c 0-3": 1,
    "numactl -C 0": 1,
    "numactl -C 0-3": 4,
    "numactl -C0,2": 2,
    "numactl -bC 0": 1,
    "numactl --physcpubind=0-1 -m 0": 2,
    "numactl --physcpubind 0-1": 2,
    "numactl --phys=0-1": 2,
    "numactl -C all": None,
    "numactl -m 0": None,
    "taskset -c 0-3 numactl -m 0": 4,
    "nice -n 5": None,
    "env -u A": None,
}


@pytest.mark.parametrize("line", CPUS)
def test_what_binds_a_program_to_cpus_is_counted(line: str) -> None:
    """Also through the shell; of two, the tighter one."""
    expected = CPUS[line]
    for words in ([*line.split(), "gunicorn"], ["sh", "-c", f"exec {line} gunicorn"]):
        program = look_through(words)
        assert (program.name, program.cpus) == ("gunicorn", expected)


# Without those that name CPUs which a small machine does not have, and the one that may give CPUs back.
_NOT_HERE = ("taskset -c 3", "taskset -c 0 nice taskset -c 0-3", "taskset -c 0-3 numactl -m 0")
REAL = [
    *(line for line in CPUS if line.startswith("taskset") and line not in _NOT_HERE),
    *("numactl -C 0", "numactl -bC 0", "numactl -C all", "numactl -m 0"),
]


@pytest.mark.parametrize("line", REAL)
def test_the_real_one_leaves_no_more(line: str) -> None:
    """On a machine of fewer CPUs it may be less."""
    name = line.partition(" ")[0]
    if shutil.which(name) is None:
        unavailable(f"no {name}")
    code = "import os; print(len(os.sched_getaffinity(0)))"
    whole, bound = (
        subprocess.run(
            [*words, sys.executable, "-ISc", code],
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        for words in ([], line.split())
    )
    if bound.returncode != 0:
        unavailable(bound.stderr.strip())
    most = CPUS[line]
    assert 1 <= int(bound.stdout) <= min(int(whole.stdout), most or int(whole.stdout))


@given(st.sampled_from(BINDERS), st.lists(st.text("-cCN0127,:xf+!", max_size=6), max_size=3))
def test_any_words_bind_to_some_cpus_or_none(name: str, words: list[str]) -> None:
    """Nothing raises."""
    count = count_cpus([name, *words, "x"])
    assert count is None or count >= 0


def _plan(line: str, cores: float | None = None) -> Plan:
    return plan_command(limits_of(cores), Config(), line.split(), {}, is_recorded=True)[0]


@pytest.mark.parametrize("cores", [None, 8, 2])
def test_the_plan_is_for_the_cpus_that_are_left(cores: int | None) -> None:
    """64 CPUs, or a quota, do not matter to what runs on one; without such a bound they do."""
    bound = _plan("taskset -c 0 gunicorn app:app", cores)
    assert (bound.cpus, bound.workers) == (1, 3)
    assert set_by(bound)["WEB_CONCURRENCY"] == "3"
    free = _plan("nice gunicorn app:app", cores)
    assert (free.cpus, free.workers) == (cores or 64, {None: 4, 8: 12, 2: 5}[cores])


def test_a_tighter_quota_stays() -> None:
    """Half a core on one CPU or on four is half a core."""
    for line in ("taskset -c 0 gunicorn app:app", "taskset f gunicorn app:app"):
        assert _plan(line, 0.5).cpus == 0.5


def test_what_cannot_be_told_is_not_bound_by_it() -> None:
    """A quota that cannot be read may be tighter than the mask."""
    limits = limits_of(2)
    unknown = limits.replace(cpu=limits.cpu.replace(effective_cores=None, affinity_count=8))
    assert bind(unknown, 4).cpu == unknown.cpu.replace(affinity_count=4)
    assert bind(unknown, 16).cpu == unknown.cpu
    assert bind(limits, None) is limits


@pytest.mark.parametrize("line", ["numactl -N 0 gunicorn app:app", "taskset $MASK gunicorn app:app"])
def test_what_is_bound_to_nobody_knows_how_many_is_left_alone(line: str) -> None:
    """Nothing is set for it."""
    assert set_by(_plan(line, 2)) == {}
    assert set_by(_plan("gunicorn app:app", 2)) != {}
