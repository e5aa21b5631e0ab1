"""The Python that will run the program: where it is, its version, and whether it is our own. Pure, but for `files`.

| found by | gives |
|---|---|
| `#!/opt/venv/bin/python3` of the script, or the word of the command line | its path |
| `pyvenv.cfg` beside its `bin`: `version = 3.12.1`, or `version_info = 3.12.1.final.0` | its version |
| its name, or that of the file it links to: `python3.12` | the first two numbers of its version |

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
    path = files.find(program.python)
    names = [base_name(program.python)]
    if path is not None:
        names.append(base_name(files.resolve(path)))
    version = next((numbers for name in names if (numbers := _version_of(name))), None)
    folder = None if path is None else path.rpartition("/")[0].rpartition("/")[0]
    # One folder may hold Pythons of several versions.
    is_ours = folder is not None and folder == files.own_prefix
    if is_ours and version is not None and files.own_version is not None:
        is_ours = version == files.own_version[: len(version)]
    settings = {} if folder is None else _settings(files.read_text(f"{folder}/pyvenv.cfg"))
    if is_ours:
        version = files.own_version
    else:
        version = _numbers(settings.get("version") or settings.get("version_info") or "") or version
    is_cpython = settings.get("implementation", "CPython") == "CPython"
    return Interpreter(
        path=path,
        version=version,
        is_ours=is_ours,
        is_isolated=is_isolated,
        is_cpython=is_cpython and not any(name.startswith(("pypy", "python2")) for name in names),
    )


def _settings(text: str | None) -> dict[str, str]:
    pairs = [line.partition("=") for line in (text or "").splitlines()]
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _version_of(name: str) -> tuple[int, ...] | None:
    return _numbers(name.removeprefix("python").rstrip("td"))


def _numbers(text: str) -> tuple[int, ...] | None:
    """(3, 12, 1) of "3.12.1.final.0"; None where the first two are not there."""
    numbers = []
    for part in text.split(".")[:3]:
        if not (part.isascii() and part.isdigit() and len(part) < 4):
            break
        numbers.append(int(part))
    return tuple(numbers) if len(numbers) >= 2 else None
