"""Runtimes and servers, one module each: what they are told by, and what they do by themselves. Pure.

A server's module has `recognise(program, environment, files) -> Command | None`. Modules do not know each other,
and only the one that is needed is loaded.
"""

from __future__ import annotations

from cgtune.command_line import look_through
from cgtune.settings import Command
from cgtune.words import ShellWord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

#: The name of a program -> ours.
SERVERS = {
    "celery": "celery",
    "dramatiq": "dramatiq",
    "dramatiq-gevent": "dramatiq",
    "fastapi": "uvicorn",
    "granian": "granian",
    "gunicorn": "gunicorn",
    "hypercorn": "hypercorn",
    "rq": "rq",
    "rqworker": "rq",
    "uvicorn": "uvicorn",
    "uwsgi": "uwsgi",
}
#: The same for `python -m`; each also with ".__main__".
MODULES = {
    "celery": "celery",
    "dramatiq": "dramatiq",
    "fastapi": "uvicorn",
    "granian": "granian",
    "gunicorn": "gunicorn",
    "gunicorn.app.wsgiapp": "gunicorn",
    "hypercorn": "hypercorn",
    "rq.cli": "rq",
    "uvicorn": "uvicorn",
    "uvicorn.main": "uvicorn",
}
#: How each server is told its number of workers, and that of its threads.
OPTIONS = {
    "celery": ("--concurrency",),
    "dramatiq": ("--processes", "--threads"),
    "granian": ("--workers", "--blocking-threads"),
    "gunicorn": ("--workers", "--threads"),
    "hypercorn": ("--workers",),
    "rq": ("--num-workers",),
    "uvicorn": ("--workers",),
    "uwsgi": ("--processes", "--threads"),
}


def recognise(argv: tuple[str, ...], environment: Mapping[str, str], files: ProgramFiles) -> Command:
    """The program that a command line starts. What is not known is a Command without runtime, server and kind."""
    program = look_through(argv, files.first_lines)
    if program.unset:
        environment = {name: value for name, value in environment.items() if name not in program.unset}
    if program.variables:
        environment = {**environment, **dict(program.variables)}
    if program.folder != "":
        files = files.seen_from(program.folder)
    name = program.name or ""
    server = MODULES.get(name.removesuffix(".__main__")) if program.is_module else SERVERS.get(name)
    command: Command | None = None
    if server is not None:
        if any(isinstance(word, ShellWord) for word in program.arguments):
            from cgtune.shell_line import say_unknown

            program = program.replace(arguments=say_unknown(program.arguments, OPTIONS[server]))
        command = _load(server).recognise(program, environment, files)
    if command is None and program.is_python:
        command = Command(argv=argv, runtime="python")
    if command is None or (program.unset and _loses_ours(program, command)):
        return Command(argv=argv, variables=program.variables, cpus=program.cpus)
    from cgtune.interpreter import find_interpreter

    if program.position is None:
        command = _without_argv_slots(command)
    given = command.workers
    if given is not None and given.via == "env" and "$" in given.text and program.position is None:
        # A shell has yet to put the number there.
        command = command.replace(workers=given.replace(via="argv", source="command line"))
    return command.replace(
        argv=argv,
        position=program.position,
        variables=program.variables,
        cpus=program.cpus,
        interpreter=find_interpreter(program, files),
    )


def _loses_ours(program: Program, command: Command) -> bool:
    """Whether one of the variables that we might set is taken away again on the way."""
    from cgtune.runtimes import cpython, glibc, native

    ours = {*native.VARIABLES, *cpython.VARIABLES, *glibc.VARIABLES, "PYTHONPATH", "CELERY_WORKER_CONCURRENCY"}
    ours.update(slot.name for slot in (command.workers_slot, command.threads_slot) if slot is not None)
    return any(name in ours or name.startswith("CGTUNE") for name in program.unset)


def _without_argv_slots(command: Command) -> Command:
    """For a program to whose command line no word can be added."""
    slots = {
        name: None
        for name, slot in (("workers_slot", command.workers_slot), ("threads_slot", command.threads_slot))
        if slot is not None and slot.via == "argv"
    }
    return command.replace(**slots)


def _load(name: str) -> ModuleType:
    # By name: each import that is not made is a start that is faster.
    return __import__(f"cgtune.runtimes.{name}", fromlist=["recognise"])
