"""gunicorn: a master that forks workers.

What it reads, the later the stronger (tried with gunicorn 20 to 27):

    WEB_CONCURRENCY   the number of workers; text or an empty value is an error at its start
    config file       workers = 4          ./gunicorn.conf.py, or what -c names
    GUNICORN_CMD_ARGS "--workers 4 --threads 2"
    command line      -w 4, -w4, --workers 4, --workers=4; argparse also takes --thread 4 for --threads

So WEB_CONCURRENCY is the weak slot: all of the user's own settings win over it. Threads have no variable of their
own; GUNICORN_CMD_ARGS would win over the config file, so they are set there only where the file is known to say
nothing. More than one thread turns the sync worker class into gthread.

Of the config file only literal assignments at its top level are read, by its syntax tree: it is not run. What is
computed there (`workers = 2 * cpu_count() + 1`) is the user's number, and not known.
"""

from __future__ import annotations

from cgtune.settings import ASYNC_WEB, SYNC_WEB, Command, Given, Slot
from cgtune.words import ValueOption, find_value, parse_count, split_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cgtune.command_line import Program
    from cgtune.files import ProgramFiles

WORKERS_VARIABLE = "WEB_CONCURRENCY"
ARGUMENTS_VARIABLE = "GUNICORN_CMD_ARGS"
# One event loop fills one core. "asgi" is gunicorn's own since 24.
_ASYNC_CLASSES = ("gevent", "eventlet", "tornado", "uvicorn", "aiohttp", "asgi")

# -D and -R may stand before another letter in one word: -Dw4.
_WORKERS = ValueOption(letter="w", long="--workers", flags="DR")
_WORKER_CLASS = ValueOption(letter="k", long="--worker-class", shortest="--worker-cl", flags="DR")
_THREADS = ValueOption(long="--threads", shortest="--th")
_CONFIG = ValueOption(letter="c", long="--config", shortest="--conf", flags="DR")
_CHDIR = ValueOption(long="--chdir", shortest="--chd")
_DEFAULT_CONFIG = "gunicorn.conf.py"
_ONLY_SYNTAX_TREE = 0x400  # ast.PyCF_ONLY_AST, without importing ast


def recognise(program: Program, environment: Mapping[str, str], files: ProgramFiles) -> Command | None:
    """A Command for gunicorn's own name and module; None for its relatives."""
    if program.name not in ("gunicorn", "gunicorn.app.wsgiapp"):
        return None
    arguments = program.arguments
    variable_words = split_words(environment.get(ARGUMENTS_VARIABLE, ""))
    assigned, config_name = _read_config(arguments, variable_words, files)

    def find(option: ValueOption, key: str) -> Given | None:
        for words, source in ((arguments, "command line"), (variable_words, ARGUMENTS_VARIABLE)):
            text = find_value(words, option)
            if text is not None:
                return Given(name=option.long, text=text, via="argv", value=parse_count(text), source=source)
        if key in assigned:
            text = assigned[key]
            return Given(name=key, text=text, via="argv", value=parse_count(text), source=config_name)
        return None

    workers = find(_WORKERS, "workers")
    if workers is None and WORKERS_VARIABLE in environment:
        text = environment[WORKERS_VARIABLE]
        workers = Given(name=WORKERS_VARIABLE, text=text, via="env", value=parse_count(text))
    worker_class = find(_WORKER_CLASS, "worker_class")
    is_async = worker_class is not None and any(name in worker_class.text.lower() for name in _ASYNC_CLASSES)
    is_known = config_name is None or bool(assigned)
    return Command(
        argv=(),
        runtime="python",
        server="gunicorn",
        kind=ASYNC_WEB if is_async else SYNC_WEB,
        workers=workers,
        threads=find(_THREADS, "threads"),
        workers_slot=Slot(name=WORKERS_VARIABLE, via="env"),
        threads_slot=Slot(name=ARGUMENTS_VARIABLE, via="env") if is_known and not is_async else None,
        is_preloading=assigned.get("preload_app") == "True" or any(map(_has_preload, (arguments, variable_words))),
    )


def _has_preload(words: Sequence[str]) -> bool:
    return any(word.startswith("--pre") and "--preload".startswith(word) for word in words)


def _read_config(
    arguments: Sequence[str], variable_words: Sequence[str], files: ProgramFiles
) -> tuple[dict[str, str], str | None]:
    """The literal assignments of the config file, as texts, and its name; no name where there is no file."""
    named = find_value(arguments, _CONFIG) or find_value(variable_words, _CONFIG)
    name = (named or _DEFAULT_CONFIG).removeprefix("file:")
    if name.startswith("python:"):
        name = name.removeprefix("python:").replace(".", "/") + ".py"
    folder = find_value(arguments, _CHDIR)
    # A relative name counts from the folder it starts in; only the default one follows --chdir.
    path = f"{folder}/{name}" if folder and named is None else name
    text = files.read_text(path)
    if text is None:
        return {}, named
    return _assignments(text), name


def _assignments(text: str) -> dict[str, str]:
    """name -> value of `name = value` at the top level; a value that is no literal is shown as the dots it hides."""
    try:
        tree = compile(text, "config", "exec", _ONLY_SYNTAX_TREE, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found = {}
    for node in tree.body:
        kind = type(node).__name__
        if kind == "Assign":
            targets = node.targets
        elif kind == "AnnAssign" and node.value is not None:
            targets = [node.target]
        else:
            continue
        for target in targets:
            if type(target).__name__ == "Name":
                value = getattr(node.value, "value", ...)
                is_literal = type(node.value).__name__ == "Constant"
                found[target.id] = str(value) if is_literal else "…"
    return found
