"""How settings get into the hosted interpreter: a word for each in CGTUNE_INJECT, and a door. Pure.

| door | when |
|---|---|
| `cgtune.pth` beside the installed package | the program's interpreter is the one cgtune is installed in |
| a folder in front of PYTHONPATH, with a `sitecustomize.py` | any other CPython, or one that cannot be told |
| none | the interpreter was told to read no variables (-I, -E, -S), or is no CPython |
"""

from __future__ import annotations

from cgtune.records import Record
from cgtune.settings import Command, Setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PATH_VARIABLE = "PYTHONPATH"
#: The setting's name -> its word in CGTUNE_INJECT; a value follows after "=", unless it says only that.
WORDS = {
    "gc.set_threshold": "gc={}",
    "gc.freeze": "freeze",
    "os.cpu_count": "cpus={}",
    "billiard.cpu_count": "celery={}",
}


class Door(Record):
    """Where the code lies: `folder` holds the sitecustomize, `has_pth` says that our own interpreter has the .pth."""

    folder: str
    has_pth: bool


def find_obstacle(command: Command, door: Door | None) -> str | None:
    """Why nothing gets into this interpreter; None where the way is free."""
    interpreter = command.interpreter
    if door is None:
        return "no place to put it into the interpreter from"
    if not interpreter.is_cpython:
        return "only CPython takes it"
    if interpreter.is_isolated:
        return "the interpreter is told to read no variables"
    if interpreter.version is not None and interpreter.version < (3, 8):
        return "this Python is older than 3.8"
    return None


def plan_way(
    command: Command, door: Door, environment: Mapping[str, str], previous: str | None = None
) -> Setting | None:
    """What must be set so that settings arrive; `previous` is what the variable was without any cgtune."""
    if command.interpreter.is_ours and door.has_pth:
        return None
    before = environment.get(PATH_VARIABLE)
    value = door.folder if not before else f"{door.folder}:{before}"
    reason = "lets cgtune set what has no variable"
    return Setting(name=PATH_VARIABLE, value=value, via="env", reason=reason, previous=previous)


def spell(settings: Sequence[Setting]) -> str:
    """The text of CGTUNE_INJECT."""
    return " ".join(WORDS[setting.name].format(setting.value) for setting in settings if setting.via == "inject")
