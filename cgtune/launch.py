"""Become the program: exec, so that nothing of cgtune stays in memory.

The program starts as if it had been exec'd directly. Python leaves two traces that are undone here: it ignores
SIGPIPE and SIGXFSZ, which an exec'd program would inherit (`yes | head` would not end), and in the C locale it
sets LC_CTYPE (PEP 538).

Limitation: a caller that had SIGPIPE ignored on purpose cannot be told from Python's own doing; the program then
starts with the default.
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


def original_environment(host: Host) -> dict[str, str]:
    """The variables cgtune was started with, without the LC_CTYPE that Python sets in the C locale (PEP 538).

    What stood there before is in the kernel's record of our start, which is read only where Python may have done
    so. Where it cannot be read, UTF-8 mode tells: up to 3.14 nothing but the C locale, PYTHONUTF8 or -X utf8 brings
    it about.
    """
    environment = dict(os.environ)
    # os.execve refuses a variable without a name, which a program could have been started with.
    environment.pop("", None)
    if environment.get("LC_CTYPE") in _COERCED and not environment.get("LC_ALL"):
        recorded = host.environment_of("self")
        if "LC_CTYPE" in recorded:
            environment["LC_CTYPE"] = recorded["LC_CTYPE"]
        elif recorded or (sys.flags.utf8_mode and "PYTHONUTF8" not in environment and sys.version_info < (3, 15)):
            del environment["LC_CTYPE"]
    return environment


def replace_process(argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Exec `argv`. CommandNotFound, CommandNotExecutable or CgtuneError when that is not possible."""
    if not argv[0]:
        raise CommandNotFound("the command is empty")
    if sys.platform == "win32":
        # exec would start another process there and end this one, with nobody waiting for the exit code.
        from subprocess import call

        sys.exit(call(list(argv), env=dict(environment)))
    _set_signals("SIG_DFL")
    try:
        _search(argv, environment)
    finally:
        # Still here: a closed stderr must not end us by SIGPIPE before the exit code is told.
        _set_signals("SIG_IGN")


def _search(argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Try each place the program may be at, as execvp(3) does; say which of them was the most promising."""
    name = argv[0]
    refusal: OSError | None = None
    orphan = None
    for path in _candidates(name, environment):
        try:
            _exec(path, argv, environment)
        except (FileNotFoundError, NotADirectoryError):
            if os.path.isfile(path):
                orphan = orphan or path
        except OSError as error:
            refusal = refusal or error
        except ValueError as error:
            raise CgtuneError(f"{name!r}: {error}") from None
    if refusal is not None:
        raise CommandNotExecutable(f"{name}: {refusal.strerror or refusal}")
    if orphan is not None:
        raise CommandNotFound(f"{name}: {_missing_part(orphan)}")
    raise CommandNotFound(f"{name}: not found" if "/" in name else f"{name}: not found in PATH")


def _exec(path: str, argv: Sequence[str], environment: Mapping[str, str]) -> None:
    try:
        os.execve(path, list(argv), dict(environment))
    except OSError as error:
        # A script without "#!": execvp(3) and every shell hand it to sh; but not a binary of another machine.
        if error.errno != 8 or b"\0" in _first_line(path):  # ENOEXEC
            raise
        os.execve("/bin/sh", ["sh", path, *argv[1:]], dict(environment))


def _candidates(name: str, environment: Mapping[str, str]) -> list[str]:
    if "/" in name or os.name == "nt":
        return [name]
    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    return [f"{folder or '.'}/{name}" for folder in folders]


def _missing_part(path: str) -> str:
    """Why a file that is there was "not found": what it names as its interpreter or loader is not."""
    first = _first_line(path)
    if first.startswith(b"#!"):
        return f"its interpreter {first[2:].strip().decode('utf-8', 'surrogateescape')} is missing"
    return "its loader is missing; was it built for another C library?"


def _first_line(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.readline(128)
    except OSError:
        return b""


def _set_signals(disposition: str) -> None:
    # The C module: `signal` itself imports enum, 2 ms.
    try:
        import _signal  # type: ignore[import-not-found]  # no stubs for the C module
    except ImportError:  # another Python implementation
        return
    for name in ("SIGPIPE", "SIGXFSZ"):
        number = getattr(_signal, name, None)
        if number is not None:
            _signal.signal(number, getattr(_signal, disposition))
