"""gunicorn: a master that forks workers.

What it reads, the later the stronger (tried with gunicorn 20 to 27):

    WEB_CONCURRENCY   the number of workers; text or an empty value is an error at its start
    config file       workers = 4
    GUNICORN_CMD_ARGS "--workers 4 --threads 2"
    command line      -w 4, -w4, --workers 4, --workers=4; argparse also takes --thread 4 for --threads

So WEB_CONCURRENCY is the weak slot: all of the user's own settings win over it. More than one thread turns the
sync worker class into gthread. Limitation: the config file is not looked at here; where it sets workers, it wins
in gunicorn as well.
"""

from __future__ import annotations

from cgtune.records import Record
from cgtune.settings import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORKERS_VARIABLE = "WEB_CONCURRENCY"
_ARGUMENTS_VARIABLE = "GUNICORN_CMD_ARGS"
# One event loop fills one core. "asgi" is gunicorn's own since 24.
_ASYNC_CLASSES = ("gevent", "eventlet", "tornado", "uvicorn", "aiohttp", "asgi")


class _Option(Record):
    """An option as argparse takes it: `shortest` is the least that still abbreviates only this one."""

    letter: str | None
    long: str
    shortest: str


_WORKERS = _Option(letter="w", long="--workers", shortest="--workers")
_WORKER_CLASS = _Option(letter="k", long="--worker-class", shortest="--worker-cl")
_THREADS = _Option(letter=None, long="--threads", shortest="--th")
# May stand before another letter in one word: -Dw4.
_FLAG_LETTERS = "DR"


def recognise(argv: tuple[str, ...], environment: Mapping[str, str]) -> Command | None:
    """A Command for `gunicorn …`, `python -m gunicorn …` and `python /path/gunicorn …`; None for anything else."""
    arguments = _arguments(argv)
    if arguments is None:
        return None
    variable_words = _split(environment.get(_ARGUMENTS_VARIABLE, ""))

    def find(option: _Option) -> str | None:
        found = _find(arguments, option)
        return _find(variable_words, option) if found is None else found

    workers, workers_from = _find(arguments, _WORKERS), "command line"
    if workers is None:
        workers, workers_from = _find(variable_words, _WORKERS), _ARGUMENTS_VARIABLE
    if workers is None:
        workers, workers_from = environment.get(WORKERS_VARIABLE), WORKERS_VARIABLE
    worker_class = find(_WORKER_CLASS) or ""
    is_async = any(name in worker_class.lower() for name in _ASYNC_CLASSES)
    return Command(
        argv=argv,
        runtime="python",
        server="gunicorn",
        kind="async-web" if is_async else "sync-web",
        workers=_number(workers),
        workers_text=workers,
        workers_from=None if workers is None else workers_from,
        threads=_number(find(_THREADS)),
    )


def _arguments(argv: Sequence[str]) -> Sequence[str] | None:
    """gunicorn's own arguments; None where the program is another."""
    if not argv:
        return None
    if _is_python(argv[0]):
        module, argv = _program(argv[1:])
        if module is not None:
            return argv if module in ("gunicorn", "gunicorn.app.wsgiapp") else None
    return argv[1:] if argv and _name(argv[0]) == "gunicorn" else None


def _program(words: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """What Python is told to run: a module (with -m) and its arguments, or None and the script's own words."""
    index = 0
    while index < len(words) and words[index].startswith("-") and words[index] != "-":
        word = words[index]
        index += 1
        if word == "--":
            break
        if word == "--check-hash-based-pycs":
            index += 1
        if word.startswith("--"):
            continue
        for position, letter in enumerate(word):
            if letter in "mcXW":
                # The value is the rest of this word, or the next one.
                value = word[position + 1 :]
                if not value:
                    value = words[index] if index < len(words) else ""
                    index += 1
                if letter == "m":
                    return value, words[index:]
                if letter == "c":
                    return None, ()
                break
    return None, words[index:]


def _is_python(word: str) -> bool:
    name = _name(word)
    return name.startswith("python") and all(char in "0123456789.t" for char in name[len("python") :])


def _name(word: str) -> str:
    return word.rsplit("/", 1)[-1]


def _find(words: Sequence[str], option: _Option) -> str | None:
    """The last value of an option; None where it is not given."""
    found = None
    for index, word in enumerate(words):
        if word == "--":
            break
        following = words[index + 1] if index + 1 < len(words) else None
        name, has_value, value = word.partition("=")
        if option.long.startswith(name) and name.startswith(option.shortest):
            found = value if has_value else following
        elif option.letter and word[:1] == "-":
            letters = word[1:].lstrip(_FLAG_LETTERS)
            if letters.startswith(option.letter):
                found = letters[1:].removeprefix("=") or following
    return found


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > 6:
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
