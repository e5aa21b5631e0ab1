"""The errors that end cgtune itself, each with its exit code (as `docker run` and `env` have them)."""

from __future__ import annotations


class CgtuneError(Exception):
    """cgtune itself failed. The message is one line that says what to do; several problems are several messages."""

    exit_code = 125


class UsageError(CgtuneError):
    """The command line is wrong."""

    exit_code = 2


class CommandNotFound(CgtuneError):
    """The program to run does not exist."""

    exit_code = 127


class CommandNotExecutable(CgtuneError):
    """The program to run exists and cannot be executed."""

    exit_code = 126


class NotReady(CgtuneError):
    """What the program is to wait for is not there, or signal `number` has ended the wait."""

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__(message)
        if number:
            self.exit_code = 128 + number


def describe(error: BaseException) -> str:
    """A fault of cgtune's own, on one line, with the place a report of it should name."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ""
    if trace is not None:
        code = trace.tb_frame.f_code
        where = f" at {code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
    return f"{type(error).__name__}: {error}{where}"
