"""Runtimes and servers, one module each: what they are told by, and what they do by themselves. Pure.

A server's module has `recognise(program, environment, files) -> Command | None`. Modules do not know each other,
and only the one that is needed is loaded.
"""

from __future__ import annotations

from cgtune.command_line import look_through
from cgtune.settings import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from cgtune.files import ProgramFiles

#: The name of a program or module -> ours. "gunicorn.app.wsgiapp" is found by its first part.
SERVERS = {
    "celery": "celery",
    "dramatiq": "dramatiq",
    "fastapi": "uvicorn",
    "granian": "granian",
    "gunicorn": "gunicorn",
    "hypercorn": "hypercorn",
    "rq": "rq",
    "uvicorn": "uvicorn",
    "uwsgi": "uwsgi",
}


def recognise(argv: tuple[str, ...], environment: Mapping[str, str], files: ProgramFiles) -> Command:
    """The program that a command line starts. What is not known is a Command without runtime, server and kind."""
    program = look_through(argv, files.first_lines)
    if program.variables:
        environment = {**environment, **dict(program.variables)}
    name = (program.name or "").split(".")[0] if program.word.count("/") == 0 else program.name
    server = SERVERS.get(name or "")
    command: Command | None = None
    if server is not None:
        command = _load(server).recognise(program, environment, files)
    if command is None and program.is_python:
        command = Command(argv=argv, runtime="python")
    if command is None:
        return Command(argv=argv, variables=program.variables)
    from cgtune.interpreter import find_interpreter

    return command.replace(
        argv=argv,
        position=program.position,
        variables=program.variables,
        interpreter=find_interpreter(program, files),
    )


def _load(name: str) -> ModuleType:
    # By name: each import that is not made is a start that is faster.
    return __import__(f"cgtune.runtimes.{name}", fromlist=["recognise"])
