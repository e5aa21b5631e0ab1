"""The user's settings: defaults < file < environment < flags, each with where it came from. Pure.

| | flag | file or variable |
|---|---|---|
| wrong value, unknown key | never gets here: exit code 2 | one warning, and that key is dropped |
| unknown `CGTUNE_…` variable | | nobody's business: Kubernetes' service links make some |
| two that contradict each other | UsageError if both are flags | the weaker one is dropped, with a warning |
| a repeatable option | the stronger layer replaces the weaker one | the same; `env` is merged by name |

At `run` a warning is all, so that a typo in a ConfigMap does not keep a fleet from starting; see
config_file.load_config for where it is an error.
"""

from __future__ import annotations

from cgtune.arguments import parse_value
from cgtune.errors import UsageError
from cgtune.limits import Declared
from cgtune.messages import suggest
from cgtune.options import COMMAND_LINE_ONLY, NEED_SUPERVISOR, NOT_IN_FILE, OPTIONS
from cgtune.records import Record
from cgtune.values import parse_assignment, split_items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from cgtune.arguments import Value
    from cgtune.options import Option
    from cgtune.targets import Target
    from cgtune.values import Assignment, Item, Pair

    # One value, or one item of a repeatable option, and who said it.
    Part = tuple[Any, str]


class FileItem(Record):
    """One text in a config file; `where` is FILE:LINE, `name` its key in a mapping. None: a list or mapping again."""

    text: str | None
    where: str
    name: str | None = None


class FileEntry(Record):
    """One key of a config file. `shape` is "text" (one item, or none), "list" or "mapping"."""

    key: str
    where: str
    shape: str
    items: tuple[FileItem, ...]


class FileSettings(Record):
    """What a config file says, as text, and what is wrong with the file itself."""

    entries: tuple[FileEntry, ...] = ()
    warnings: tuple[str, ...] = ()


class Config(Record):
    """What the user wants: sizes in bytes, CPU in cores, shares from 0 to 1, counts as numbers or "auto", "keep"."""

    cpu_limit: float | None = None
    memory_limit: int | None = None
    cpu_request: float | None = None
    memory_request: int | None = None
    cpu_from: str = "limit"
    cpu_share: float = 1.0
    memory_share: float = 1.0
    workers: int | str = "auto"
    threads: int | str = "keep"
    max_workers: int | None = None
    worker_memory: int | None = None
    runtime: str | None = None
    kind: str | None = None
    disable: tuple[str, ...] = ()
    env: tuple[Assignment, ...] = ()
    exec: bool = False
    supervise: bool = False
    signal: tuple[Pair, ...] = ()
    group: bool = False
    pre_stop_delay: float | None = None
    stop_timeout: float | None = None
    orphan_grace: float | None = None
    map_exit: tuple[Pair, ...] = ()
    wait_for: tuple[Target, ...] = ()
    wait_timeout: float = 60.0
    pdeathsig: int | None = None
    config: str | None = None
    strict: bool = False
    quiet: bool = False
    verbose: bool = False
    warnings: tuple[str, ...] = ()
    # By field, and by `env.NAME`: the flag, the variable, or FILE:LINE.
    origins: tuple[tuple[str, str], ...] = ()

    @property
    def declared(self) -> Declared:
        """The limits and requests the user tells, for want of seeing them."""
        return Declared(
            cpu_limit_cores=self.cpu_limit,
            memory_limit_bytes=self.memory_limit,
            cpu_request_cores=self.cpu_request,
            memory_request_bytes=self.memory_request,
        )

    def origin_of(self, name: str) -> str:
        """Who said it: "--workers", "CGTUNE_WORKERS", "/etc/cgtune/config.yaml:3", or "default"."""
        return dict(self.origins).get(name.replace("-", "_"), "default")

    def is_said(self, name: str) -> bool:
        """Whether the user said it at all."""
        return self.origin_of(name) != "default"


class _Said(Record):
    """A value, where it was said, and how strong that is: an index into `layers` below."""

    value: Any
    origin: str
    strength: int


class _Rule(Record):
    """Two settings that do not go together when `is_broken`. The weaker is dropped; of equals, the second."""

    first: str
    second: str
    is_broken: Callable[[Any, Any], bool]
    problem: str


_RULES = (
    _Rule(
        first="workers",
        second="max-workers",
        is_broken=lambda workers, most: isinstance(workers, int) and workers > most,
        problem="is above",
    ),
    # Nothing of cgtune stays behind to do these.
    *(
        _Rule(
            first="exec",
            second=name,
            is_broken=lambda is_exec, value: is_exec and value is not False,
            problem="leaves nobody to do",
        )
        for name in NEED_SUPERVISOR
    ),
)
_FLAG = 2
# A file that is no config of ours at all must not fill the log.
_MOST_WARNINGS = 20


def make_config(
    command: str,
    flags: Mapping[str, Value],
    environment: Mapping[str, str],
    file: FileSettings | None = None,
) -> Config:
    """The settings of one command. What is wrong becomes a warning; UsageError: two flags contradict each other."""
    file = file or FileSettings()
    warnings = list(file.warnings)
    from_file = _read_file(file, warnings)
    said: dict[str, _Said] = {}
    origins: dict[str, str] = {}
    for option in OPTIONS:
        if option.name in COMMAND_LINE_ONLY or command not in option.commands:
            continue
        layers = [from_file.get(option.name, []), [], _read_flag(option, flags)]
        # What a flag has decided is not looked up; assignments are merged, so each of them counts.
        if not layers[_FLAG] or option.kind == "assignment":
            layers[1] = _read_variable(option, environment.get(option.variable, ""), warnings)
        strength = max((index for index, parts in enumerate(layers) if parts), default=None)
        if strength is None:
            continue
        parts = layers[strength]
        value: Any = parts[-1][0]
        if option.kind == "assignment":
            merged = {item[0]: (item, origin) for layer in layers for item, origin in layer}
            value = tuple(item for item, _ in merged.values())
            origins |= {f"{option.field}.{name}": origin for name, (_, origin) in merged.items()}
        elif option.is_repeatable:
            value = tuple(dict.fromkeys(item for item, _ in parts))
        said[option.name] = _Said(value=value, origin=parts[-1][1], strength=strength)
    _drop_contradictions(said, warnings)
    if len(warnings) > _MOST_WARNINGS:
        warnings[_MOST_WARNINGS:] = [f"and {len(warnings) - _MOST_WARNINGS} more settings like these"]
    fields = {name.replace("-", "_"): one for name, one in said.items()}
    origins |= {name: one.origin for name, one in fields.items()}
    values = {name: one.value for name, one in fields.items()}
    return Config(**values, warnings=tuple(warnings), origins=tuple(origins.items()))


def _read_flag(option: Option, flags: Mapping[str, Any]) -> list[Part]:
    if option.name not in flags:
        return []
    value = flags[option.name]
    return [(item, f"--{option.name}") for item in (value if option.is_repeatable else (value,))]


def _read_variable(option: Option, text: str, warnings: list[str]) -> list[Part]:
    """Nothing where it is empty: that is how a manifest says "not set"."""
    items = split_items(text) if option.is_repeatable else [text] if text else []
    return [(value, option.variable) for item in items for value in _try(option, item, option.variable, warnings)]


def _read_file(file: FileSettings, warnings: list[str]) -> dict[str, list[Part]]:
    """What the file says of each option it names; wrong keys and values become warnings."""
    options = {option.field: option for option in OPTIONS}
    seen: dict[str, str] = {}
    found: dict[str, list[Part]] = {}
    for entry in file.entries:
        field = entry.key.replace("-", "_")
        option = options.get(field)
        if option is None or option.name in NOT_IN_FILE:
            known = [name for name, option in options.items() if option.name not in NOT_IN_FILE]
            hint = suggest(field, known) if option is None else "; it belongs on the command line"
            warnings.append(f"{entry.where}: {entry.key}: no such key{hint}")
        elif field in seen:
            warnings.append(f"{entry.where}: {entry.key}: said before, at {seen[field]}")
        else:
            seen[field] = entry.where
            found[option.name] = _read_entry(option, entry, warnings)
    return found


def _read_entry(option: Option, entry: FileEntry, warnings: list[str]) -> list[Part]:
    wanted = option.metavar or "on or off"
    if entry.shape == "mapping" and option.kind == "assignment":
        return _read_mapping(entry, warnings)
    if entry.shape != "text" and not (entry.shape == "list" and option.is_repeatable):
        warnings.append(f"{entry.where}: {entry.key}: a {entry.shape}, where {wanted} is wanted")
        return []
    found: list[Part] = []
    for item in entry.items:
        given = f"{item.where}: {entry.key}"
        if item.text is None:
            warnings.append(f"{given}: a list of lists, where {wanted} is wanted")
            continue
        # Empty is not set, as in a variable.
        is_joined = entry.shape == "text" and option.is_repeatable
        texts = split_items(item.text) if is_joined else [item.text] if item.text else []
        found += [(value, item.where) for text in texts for value in _try(option, text, given, warnings)]
    return found


def _read_mapping(entry: FileEntry, warnings: list[str]) -> list[Part]:
    found: list[Part] = []
    seen: dict[str, str] = {}
    for item in entry.items:
        name = item.name or ""
        if name in seen:
            warnings.append(f"{item.where}: {entry.key}: {name}: said before, at {seen[name]}")
            continue
        seen[name] = item.where
        try:
            if item.text is None:
                raise ValueError(f"{name}: a list or mapping, where a text is wanted")
            found.append((parse_assignment(name, item.text), item.where))
        except ValueError as error:
            warnings.append(f"{item.where}: {entry.key}: {error}")
    return found


def _try(option: Option, text: str, given: str, warnings: list[str]) -> list[Item]:
    try:
        return [parse_value(option, text, given)]
    except UsageError as error:
        warnings.append(str(error))
        return []


def _drop_contradictions(said: dict[str, _Said], warnings: list[str]) -> None:
    """Take the weaker of two that contradict each other out of `said`."""
    for rule in _RULES:
        first, second = said.get(rule.first), said.get(rule.second)
        if first is None or second is None or not rule.is_broken(first.value, second.value):
            continue
        problem = f"{_written(rule.first, first.value)} {rule.problem} {_written(rule.second, second.value)}"
        if first.strength == second.strength == _FLAG:
            raise UsageError(problem)
        dropped, kept = (rule.first, second) if first.strength < second.strength else (rule.second, first)
        warnings.append(f"{said.pop(dropped).origin}: {problem} (from {kept.origin})")


def _written(name: str, value: object) -> str:
    return f"--{name}" if value is True or isinstance(value, tuple) else f"--{name} {value}"


def is_switched_off(environment: Mapping[str, str]) -> bool:
    """`CGTUNE=off`: read nothing, set nothing."""
    return environment.get("CGTUNE", "").strip().lower() in ("off", "0", "false", "no")
