"""One command, planned: what is read beside the limits, in one place for `run`, `plan` and the library."""

from __future__ import annotations

from cgtune import marker, placeholders
from cgtune.files import NoFiles, ProgramFiles
from cgtune.plan import Plan, foresee, make_plan
from cgtune.runtimes import recognise
from cgtune.settings import Command, NotSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cgtune.config import Config
    from cgtune.limits import Limits


def plan_command(
    limits: Limits,
    config: Config,
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    is_recorded: bool = False,
) -> tuple[Plan, dict[str, str]]:
    """The plan, and the environment that it is made for: the caller's, without what a cgtune before us has set."""
    clean = marker.strip(environment)
    files = NoFiles() if is_recorded else ProgramFiles(clean)
    words = placeholders.mask(argv)
    command = recognise(words, foresee(limits, config, clean), files)
    if command.cpus is not None:
        limits = bind(limits, command.cpus)
        # The variables of --env may be computed from the cores.
        command = recognise(words, foresee(limits, config, clean), files)
    command = command.replace(argv=tuple(argv))
    if config.runtime == "none":
        command = Command(argv=command.argv, variables=command.variables, cpus=command.cpus)
    elif config.runtime is not None:
        command = command.replace(runtime=config.runtime)
    if command.runtime is None:
        return make_plan(limits, config, command, clean), clean
    from cgtune.injection import INJECTION_DIR, has_pth
    from cgtune.injection_plan import Door
    from cgtune.measured import Found, find_size

    door = Door(folder=INJECTION_DIR, has_pth=not is_recorded and has_pth())
    # Measured here, it says nothing of the machine in a recording.
    found = Found() if is_recorded else find_size(words, command.interpreter, clean)
    plan = make_plan(limits, config, command, clean, door=door, measured=found.size)
    if found.problem is not None:
        left = NotSet(name="measured worker size", reason=found.problem)
        plan = plan.replace(not_set=(*plan.not_set, left))
    return plan, clean


def bind(limits: Limits, cpus: int | None) -> Limits:
    """The limits of a program that is bound to so many CPUs on its way, as by `taskset`; None for no such bound."""
    if cpus is None:
        return limits
    cpu = limits.cpu
    # What cannot be told may be less than that.
    effective_cores = None if cpu.effective_cores is None else min(cpu.effective_cores, float(cpus))
    affinity_count = cpus if cpu.affinity_count is None else min(cpus, cpu.affinity_count)
    return limits.replace(cpu=cpu.replace(affinity_count=affinity_count, effective_cores=effective_cores))
