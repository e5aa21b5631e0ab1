"""The Python that will run the program: where it is, its version, and whether it is our own. Pure, but for `files`.

| found by | gives |
|---|---|
| `#!/opt/venv/bin/python3` of the script, or the word of the command line | its path |
| `pyvenv.cfg` beside its `bin`: `version = 3.12.1`, or `version_info = 3.12.1.final.0` | its version |
| its name, `python3.12` | the first two numbers of its version |

Nothing is started to find out: that would cost more than all the rest. What cannot be told is None.
"""

from __future__ import annotations

from cgtune.settings import Interpreter
from cgtune.words import base_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

# -I and -E: no PYTHON… variables; -S: no site, so neither .pth files nor sitecustomize.
_ISOLATING = "IES"


def find_interpreter(program: Program, files: ProgramFiles) -> Interpreter:
    """What can be told of the program's Python."""
    is_isolated = any(letter in program.python_flags for letter in _ISOLATING)
    if program.python is None or program.is_python_hidden:
        return Interpreter(is_isolated=is_isolated)
    name = base_name(program.python)
    path = files.find(program.python)
    folder = None if path is None else path.rpartition("/")[0].rpartition("/")[0]
    is_ours = folder is not None and folder == files.own_prefix
    version = files.own_version if is_ours else None
    if version is None and folder is not None:
        version = _version_in(files.read_text(f"{folder}/pyvenv.cfg"))
    return Interpreter(
        path=path,
        version=version or _numbers(name.removeprefix("python").rstrip("t")),
        is_ours=is_ours,
        is_isolated=is_isolated,
        is_cpython=not name.startswith(("pypy", "python2")),
    )


def _version_in(configuration: str | None) -> tuple[int, ...] | None:
    for line in (configuration or "").splitlines():
        key, _, value = line.partition("=")
        if key.strip() in ("version", "version_info"):
            return _numbers(value.strip())
    return None


def _numbers(text: str) -> tuple[int, ...] | None:
    """(3, 12, 1) of "3.12.1.final.0"; None where the first two are not there."""
    numbers = []
    for part in text.split(".")[:3]:
        if not (part.isascii() and part.isdigit() and len(part) < 4):
            break
        numbers.append(int(part))
    return tuple(numbers) if len(numbers) >= 2 else None
