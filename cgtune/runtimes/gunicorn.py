"""gunicorn: a master that forks workers.

What it reads, the later the stronger (tried with gunicorn 20 to 27):

    --paste app.ini   its [server:main]
    WEB_CONCURRENCY   the number of workers; text or an empty value is an error at its start
    config file       workers = 4          ./gunicorn.conf.py, or what -c names; both where it starts, not in --chdir
    GUNICORN_CMD_ARGS "--workers 4 --threads 2"
    command line      -w 4, -w4, --workers 4, --workers=4; argparse also takes --thread 4 for --threads

So WEB_CONCURRENCY is the weak slot: all of the user's own settings win over it. Threads have no variable of their
own; GUNICORN_CMD_ARGS would win over the config file, so they are set there only where the file is known to say
nothing. More than one thread turns the sync worker class into gthread.

Of the config file only what it says literally is read, as in assignments.py: it is not run. What is computed there
(`workers = 2 * cpu_count() + 1`) is the user's number, and not known; so are the numbers of a file that cannot be
read.
"""

from __future__ import annotations

from cgtune.settings import ASYNC_WEB, SYNC_WEB, Command, Given, Slot
from cgtune.words import UNKNOWN, ShellWord, ValueOption, find_value, has_flag, parse_count, split_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

WORKERS_VARIABLE = "WEB_CONCURRENCY"
ARGUMENTS_VARIABLE = "GUNICORN_CMD_ARGS"
# One event loop fills one core. "asgi" is gunicorn's own since 24.
_ASYNC_CLASSES = ("gevent", "eventlet", "tornado", "uvicorn", "aiohttp", "asgi", "sanic")

# -D and -R may stand before another letter in one word: -Dw4.
_WORKERS = ValueOption(letter="w", long="--workers", flags="DR")
_WORKER_CLASS = ValueOption(letter="k", long="--worker-class", shortest="--worker-cl", flags="DR")
_THREADS = ValueOption(long="--threads", shortest="--th")
_CONFIG = ValueOption(letter="c", long="--config", shortest="--conf", flags="DR")
_PASTE = (ValueOption(long="--paste"), ValueOption(long="--paster"))
_DEFAULT_CONFIG = "gunicorn.conf.py"


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for gunicorn."""
    places = (
        (program.arguments, "command line"),
        (_words_of_variable(environment.get(ARGUMENTS_VARIABLE, "")), ARGUMENTS_VARIABLE),
    )
    config_name = _first(places, _CONFIG)
    assigned = _read_config(config_name, files)
    # In a folder that is not known there may be none.
    is_there = config_name is not None or files.folder is not None
    unread = dict.fromkeys(("workers", "threads"), UNKNOWN) if is_there else {}

    def find(option: ValueOption, key: str) -> Given | None:
        for words, source in places:
            text = find_value(words, option)
            if text is not None:
                return Given(name=option.long, text=text, via="argv", value=parse_count(text), source=source)
        text = (unread if assigned is None else assigned).get(key)
        if text is None:
            return None
        source = config_name or _DEFAULT_CONFIG
        return Given(name=key, text=text, via="argv", value=parse_count(text), source=source)

    workers = find(_WORKERS, "workers")
    if workers is None and WORKERS_VARIABLE in environment:
        text = environment[WORKERS_VARIABLE]
        workers = Given(name=WORKERS_VARIABLE, text=text, via="env", value=parse_count(text))
    worker_class = find(_WORKER_CLASS, "worker_class")
    is_async = worker_class is not None and any(name in worker_class.text.lower() for name in _ASYNC_CLASSES)
    is_known = assigned is not None and not any(_first(places, option) for option in _PASTE)
    is_preloading = any(has_flag(words, "--preload", "--pre") for words, _ in places)
    return Command(
        argv=(),
        runtime="python",
        server="gunicorn",
        kind=ASYNC_WEB if is_async else SYNC_WEB,
        workers=workers,
        threads=find(_THREADS, "threads"),
        workers_slot=Slot(name=WORKERS_VARIABLE, via="env"),
        threads_slot=Slot(name=ARGUMENTS_VARIABLE, via="env") if is_known and not is_async else None,
        is_preloading=is_preloading or (assigned or {}).get("preload_app") == "True",
    )


def _words_of_variable(text: str) -> Sequence[str]:
    words = split_words(text)
    if "$" not in text:
        return words
    # gunicorn expands nothing: a shell line has yet to do it.
    from cgtune.shell_line import say_unknown

    return say_unknown([ShellWord(word) if word[:1] == "$" else word for word in words], ("--workers", "--threads"))


def _first(places: Sequence[tuple[Sequence[str], str]], option: ValueOption) -> str | None:
    return next((value for words, _ in places if (value := find_value(words, option))), None)


def _read_config(named: str | None, files: ProgramFiles) -> dict[str, str] | None:
    """What the config file assigns; nothing where there is none, None where it cannot be told."""
    path = (named or _DEFAULT_CONFIG).removeprefix("file:")
    if path.startswith("python:"):
        path = path.removeprefix("python:").replace(".", "/") + ".py"
    if named is None and not files.may_exist(path):
        return {}
    data = files.read_bytes(path)
    if data is None:
        return None
    from cgtune.assignments import read_python

    return read_python(data)
