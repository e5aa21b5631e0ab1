"""gunicorn: a master that forks workers.

What it reads, the later the stronger (tried with gunicorn 20 to 27):

    WEB_CONCURRENCY   the number of workers; text or an empty value is an error at its start
    config file       workers = 4
    GUNICORN_CMD_ARGS "--workers 4 --threads 2"
    command line      -w 4, -w4, --workers 4, --workers=4

So WEB_CONCURRENCY is the weak slot: all of the user's own settings win over it. More than one thread turns the
sync worker class into gthread. Limitation: the config file is not looked at here; where it sets workers, it wins
in gunicorn as well.
"""

from __future__ import annotations

from cgtune.settings import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORKERS_VARIABLE = "WEB_CONCURRENCY"
_ARGUMENTS_VARIABLE = "GUNICORN_CMD_ARGS"
# One event loop fills one core.
_ASYNC_CLASSES = ("gevent", "eventlet", "tornado", "uvicorn", "aiohttp")


def recognise(argv: tuple[str, ...], environment: Mapping[str, str]) -> Command | None:
    """A Command for `gunicorn …`, `python -m gunicorn …` and `python /path/gunicorn …`; None for anything else."""
    arguments = _arguments(argv)
    if arguments is None:
        return None
    variable_words = _split(environment.get(_ARGUMENTS_VARIABLE, ""))
    workers = workers_from = None
    for words, origin in ((arguments, "command line"), (variable_words, _ARGUMENTS_VARIABLE)):
        workers = _number(_option(words, "-w", "--workers"))
        if workers is not None:
            workers_from = origin
            break
    else:
        if WORKERS_VARIABLE in environment:
            workers, workers_from = _number(environment[WORKERS_VARIABLE]), WORKERS_VARIABLE
    threads = _number(_option(arguments, None, "--threads"))
    if threads is None:
        threads = _number(_option(variable_words, None, "--threads"))
    worker_class = _option(arguments, "-k", "--worker-class") or _option(variable_words, "-k", "--worker-class") or ""
    is_async = any(name in worker_class.lower() for name in _ASYNC_CLASSES)
    return Command(
        argv=argv,
        runtime="python",
        server="gunicorn",
        kind="async-web" if is_async else "sync-web",
        workers=workers,
        workers_from=workers_from,
        threads=threads,
    )


def _arguments(argv: Sequence[str]) -> list[str] | None:
    """gunicorn's own arguments; None where the program is another."""
    if not argv:
        return None
    words = list(argv)
    if _is_python(words[0]):
        words = words[1:]
        # Flags of the interpreter; -X and -W take a value.
        while words and words[0].startswith("-") and words[0] not in ("-m", "-c", "-"):
            words = words[2:] if words[0] in ("-X", "-W") else words[1:]
        if words[:1] == ["-m"]:
            words = words[1:]
            return words[1:] if words and words[0] in ("gunicorn", "gunicorn.app.wsgiapp") else None
    return words[1:] if words and _name(words[0]) == "gunicorn" else None


def _is_python(word: str) -> bool:
    name = _name(word)
    return name.startswith("python") and all(char in "0123456789.t" for char in name[len("python") :])


def _name(word: str) -> str:
    return word.rsplit("/", 1)[-1]


def _option(words: Sequence[str], short: str | None, long: str) -> str | None:
    """The last value of an option, written as argparse takes it; None where it is not given."""
    found = None
    for index, word in enumerate(words):
        if word == "--":
            break
        if word in (short, long):
            found = words[index + 1] if index + 1 < len(words) else None
        elif word.startswith(long + "="):
            found = word[len(long) + 1 :]
        elif short is not None and word.startswith(short) and not word.startswith("--"):
            found = word[len(short) :].removeprefix("=")
    return found


def _number(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 6:
        return None
    return int(text)


def _split(text: str) -> list[str]:
    """Words of a shell line, as gunicorn splits them. shlex is dear to import, and quotes are rare."""
    if not any(char in text for char in "\"'\\"):
        return text.split()
    from shlex import split

    try:
        return split(text)
    except ValueError:
        return text.split()
