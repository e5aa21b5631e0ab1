"""The user's settings: defaults < environment < flags. Pure.

A wrong flag never gets here. A wrong variable is one warning and is dropped, so that a typo in a ConfigMap does
not keep a fleet from starting. Unknown `CGTUNE_…` variables are not errors: Kubernetes' service links make some.
"""

from __future__ import annotations

from cgtune.errors import UsageError
from cgtune.limits import Declared
from cgtune.options import COMMAND_LINE_ONLY, OPTIONS, parse_value
from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.options import Value


class Config(Record):
    """What the user wants. `workers` is "auto", "keep" or a number; sizes in bytes, CPU in cores."""

    cpu_limit: float | None = None
    memory_limit: int | None = None
    cpu_request: float | None = None
    memory_request: int | None = None
    workers: int | str = "auto"
    worker_memory: int | None = None
    exec: bool = False
    quiet: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def declared(self) -> Declared:
        """The limits and requests the user tells, for want of seeing them."""
        return Declared(
            cpu_limit_cores=self.cpu_limit,
            memory_limit_bytes=self.memory_limit,
            cpu_request_cores=self.cpu_request,
            memory_request_bytes=self.memory_request,
        )


def make_config(command: str, flags: Mapping[str, Value], environment: Mapping[str, str]) -> Config:
    """The settings of one command, from its flags and the variables. What is wrong becomes a warning."""
    values: dict[str, Value] = {}
    warnings = []
    for option in OPTIONS:
        if option.name in COMMAND_LINE_ONLY or command not in option.commands:
            continue
        name = option.name.replace("-", "_")
        if option.name in flags:
            values[name] = flags[option.name]
        # An empty variable is how a manifest says "not set".
        elif environment.get(option.variable):
            try:
                values[name] = parse_value(option, environment[option.variable], option.variable)
            except UsageError as error:
                warnings.append(str(error))
    return Config(**values, warnings=tuple(warnings))  # type: ignore[arg-type]  # the table pairs names and kinds


def is_switched_off(environment: Mapping[str, str]) -> bool:
    """`CGTUNE=off`: read nothing, set nothing."""
    return environment.get("CGTUNE", "").strip().lower() in ("off", "0", "false", "no")
