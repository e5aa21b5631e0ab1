"""Machines and plans for the tests of planning."""

from __future__ import annotations

from cgtune.apply import apply_to_environment
from cgtune.budget import WorkerSize
from cgtune.config import Config
from cgtune.files import NoFiles
from cgtune.injection_plan import Door
from cgtune.limits import LIMITED, UNLIMITED, Cgroup, Cpu, Declared, Limits, Memory, Pids
from cgtune.placeholders import mask
from cgtune.plan import Plan, make_plan
from cgtune.runtimes import recognise
from cgtune.settings import Setting

MIB = 1 << 20
GIB = 1 << 30
POOLS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")
DOOR = Door(folder="/cgtune/door", has_pth=False)
#: Told to every program, and no setting.
TOLD = "CGTUNE_PLAN"


def limits_of(
    cores: float | None = None,
    memory_mib: int | None = 1 << 20,
    *,
    host_cpus: int = 64,
    available_mib: int | None = 1 << 20,
    declared: Declared | None = None,
    high_bytes: int | None = None,
) -> Limits:
    """A container with this quota (None: none) and memory limit (None: none) on a large machine."""
    declared = declared or Declared()
    bounds = [float(bound) for bound in (cores, host_cpus, declared.cpu_limit_cores) if bound is not None]
    limit_bytes = None if memory_mib is None else memory_mib * MIB
    sizes = [size for size in (limit_bytes, 2048 * GIB, declared.memory_limit_bytes) if size is not None]
    return Limits(
        cgroup=Cgroup(version=2, mode="v2"),
        cpu=Cpu(
            status=UNLIMITED if cores is None else LIMITED,
            quota_cores=cores,
            effective_cores=min(bounds),
            host_count=host_cpus,
            source="/cpu.max",
        ),
        memory=Memory(
            status=UNLIMITED if limit_bytes is None else LIMITED,
            limit_bytes=limit_bytes,
            effective_bytes=min(sizes),
            host_bytes=2048 * GIB,
            available_bytes=None if available_mib is None else available_mib * MIB,
            source="/memory.max",
            high_bytes=high_bytes,
        ),
        pids=Pids(),
        declared=declared,
    )


def config_of(**values: object) -> Config:
    """A config in which the user has said these by flags."""
    origins = tuple((name, "--" + name.replace("_", "-")) for name in values)
    return Config(**values, origins=origins)  # type: ignore[arg-type]  # the tests know the fields


def plan_for(
    limits: Limits,
    line: str = "gunicorn app:app",
    config: Config | None = None,
    environment: dict[str, str] | None = None,
    *,
    door: Door | None = DOOR,
    measured: WorkerSize | None = None,
) -> Plan:
    """The plan for one command line."""
    environment = environment or {}
    argv = tuple(line.split())
    command = recognise(mask(argv), environment, NoFiles()).replace(argv=argv)
    return make_plan(limits, config or Config(), command, environment, door=door, measured=measured)


def set_by(plan: Plan, environment: dict[str, str] | None = None) -> dict[str, str]:
    """The variables that a plan adds or changes, but for what it tells and its way into the interpreter."""
    before = environment or {}
    after = apply_to_environment(plan, before)
    ours = (name for name in after if not name.startswith(TOLD) and name not in ("CGTUNE_INJECT", "PYTHONPATH"))
    return {name: after[name] for name in ours if before.get(name) != after[name]}


def setting(plan: Plan, name: str) -> Setting:
    """One setting of a plan, which must be there once."""
    (found,) = [setting for setting in plan.settings if setting.name == name]
    return found


def codes(plan: Plan) -> list[str]:
    """What the plan has to say, by code."""
    return [notice.code for notice in plan.notices]
