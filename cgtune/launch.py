"""Become the program: exec, so that nothing of cgtune stays in memory.

The program starts as if it had been exec'd directly. Python leaves two traces that are undone here: it ignores
SIGPIPE and SIGXFSZ, which an exec'd program would inherit (`yes | head` would not end), and in the C locale it
sets LC_CTYPE (PEP 538).
"""

from __future__ import annotations

import os
import sys

from cgtune.errors import CgtuneError, CommandNotExecutable, CommandNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from cgtune.host import Host

_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")


def original_environment(host: Host | None) -> dict[str, str]:
    """The variables cgtune was started with, without the LC_CTYPE that Python sets in the C locale.

    Python is then in UTF-8 mode, which nothing but the C locale or PYTHONUTF8 brings about. What stood there
    before is in the kernel's record of our start; without a host to read it from, nothing did.
    """
    environment = dict(os.environ)
    if sys.flags.utf8_mode and environment.get("LC_CTYPE") in _COERCED and "PYTHONUTF8" not in environment:
        recorded = host.environment_of("self") if host is not None else {}
        if "LC_CTYPE" in recorded:
            environment["LC_CTYPE"] = recorded["LC_CTYPE"]
        else:
            del environment["LC_CTYPE"]
    return environment


def replace_process(argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Exec `argv`. CommandNotFound, CommandNotExecutable or CgtuneError when that is not possible."""
    name = argv[0]
    if not name:
        raise CommandNotFound("the command is empty")
    if sys.platform == "win32":
        # exec would start another process there and end this one, with nobody waiting for the exit code.
        from subprocess import call

        sys.exit(call(list(argv), env=dict(environment)))
    _restore_signals()
    refusal: OSError | None = None
    for path in _candidates(name, environment):
        try:
            _exec(path, argv, environment)
        except (FileNotFoundError, NotADirectoryError) as error:
            if "/" in name and os.path.isfile(path):
                raise CommandNotFound(f"{name}: its interpreter is missing: {_first_line(path)}") from error
        except (PermissionError, OSError) as error:
            refusal = refusal or error
        except ValueError as error:
            raise CgtuneError(f"{name!r}: {error}") from None
    if refusal is not None:
        raise CommandNotExecutable(f"{name}: {refusal.strerror or refusal}")
    where = "" if "/" in name else f" in {environment.get('PATH', os.defpath)}"
    raise CommandNotFound(f"{name}: not found{where}")


def _exec(path: str, argv: Sequence[str], environment: Mapping[str, str]) -> None:
    try:
        os.execve(path, list(argv), dict(environment))
    except OSError as error:
        # A script without "#!": execvp(3) and every shell hand it to sh.
        if error.errno != 8:  # ENOEXEC
            raise
        os.execve("/bin/sh", ["sh", path, *argv[1:]], dict(environment))


def _candidates(name: str, environment: Mapping[str, str]) -> list[str]:
    if "/" in name or os.name == "nt":
        return [name]
    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    return [f"{folder or '.'}/{name}" for folder in folders]


def _first_line(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return repr(file.readline(80).strip().decode("utf-8", "replace"))
    except OSError:
        return path


def _restore_signals() -> None:
    # The C module: `signal` itself imports enum, 2 ms.
    try:
        import _signal  # type: ignore[import-not-found]  # no stubs for the C module
    except ImportError:  # another Python implementation
        return
    for name in ("SIGPIPE", "SIGXFSZ"):
        number = getattr(_signal, name, None)
        if number is not None:
            _signal.signal(number, _signal.SIG_DFL)
