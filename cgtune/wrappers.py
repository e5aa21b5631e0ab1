"""Programs that become, or start, another one: how many words of a command line are theirs. Pure.

    nice -n 5 gunicorn app:app          3
    timeout -k 5 1h gunicorn app:app    4, one of them no option: the time
    poetry -C /srv run gunicorn         4, its own options, `run`, and no more
    python -u -m gunicorn app:app       4, with the module

From each program's manual, tried with coreutils 9.1, util-linux 2.38, tini 0.19, poetry 2, uv 0.13 and the rest.

Two of them say which CPUs the program may use: "0,2-5", also with a step, "0-7:2"; or as a mask, "f", "0x3f", "1,0".
A node's CPUs (`numactl -N 0`) are the kernel's to know, and relative ones (`+0`, `!0`) are not told here either.
"""

from __future__ import annotations

from cgtune.records import Record
from cgtune.words import ValueOption, base_name, find_values, skip_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Wrapper(Record):
    """Which options have a value: `letters` and `longs`, None for all long ones; what else stands before the program.

    `movers` are options after which relative paths count from another folder.
    """

    letters: str = ""
    longs: tuple[str, ...] | None = ()
    subcommand: str | None = None
    positionals: int = 0
    movers: tuple[str, ...] = ()
    #: `-m MODULE` and a script are taken as Python takes them.
    is_python: bool = False
    #: The program's Python is found by the wrapper, not through PATH.
    has_own_python: bool = False


#: How coverage and uv write Python's -m.
MODULE_OPTIONS = ("-m", "--module")
_UV_LONGS = (
    *("--extra", "--no-extra", "--group", "--no-group", "--only-group", "--no-editable-package", "--env-file"),
    *("--with", "--with-editable", "--with-requirements", "--package", "--python-platform", "--index"),
    *("--default-index", "--index-url", "--extra-index-url", "--find-links", "--index-strategy"),
    *("--keyring-provider", "--upgrade-package", "--upgrade-group", "--resolution", "--prerelease"),
    *("--prerelease-package", "--fork-strategy", "--exclude-newer", "--exclude-newer-package"),
    *("--no-sources-package", "--reinstall-package", "--link-mode", "--config-setting"),
    *("--config-settings-package", "--no-build-isolation-package", "--no-build-package", "--no-binary-package"),
    *("--cache-dir", "--refresh-package", "--python", "--color", "--allow-insecure-host", "--directory"),
    *("--project", "--config-file"),
)
_SETPRIV_LONGS = (
    *("--ambient-caps", "--inh-caps", "--bounding-set", "--ruid", "--euid", "--rgid", "--egid", "--reuid"),
    *("--regid", "--groups", "--securebits", "--pdeathsig", "--selinux-label", "--apparmor-profile"),
)
_NUMACTL_LONGS = (
    *("--interleave", "--weighted-interleave", "--preferred", "--preferred-many", "--membind"),
    *("--physcpubind", "--cpunodebind"),
)
_TINI = Wrapper(letters="pe")
WRAPPERS = {
    "catatonit": Wrapper(),
    "chrt": Wrapper(letters="TPD", longs=("--sched-runtime", "--sched-period", "--sched-deadline"), positionals=1),
    "coverage": Wrapper(
        subcommand="run",
        longs=(
            *("--concurrency", "--context", "--data-file", "--include", "--omit", "--save-signal", "--source"),
            *("--debug", "--rcfile"),
        ),
        is_python=True,
    ),
    "ddtrace-run": Wrapper(),
    "dotenv": Wrapper(subcommand="run", letters="fqe", longs=("--file", "--quote", "--export")),
    "dumb-init": Wrapper(letters="r", longs=("--rewrite",)),
    "gosu": Wrapper(positionals=1),
    "ionice": Wrapper(letters="cnpPu", longs=("--class", "--classdata")),
    "newrelic-admin": Wrapper(subcommand="run-program"),
    "nice": Wrapper(letters="n", longs=("--adjustment",)),
    "nohup": Wrapper(),
    "numactl": Wrapper(letters="NmCiPpw", longs=_NUMACTL_LONGS),
    "opentelemetry-instrument": Wrapper(longs=None),
    "pdm": Wrapper(subcommand="run", letters="p", longs=("--project", "--venv"), has_own_python=True),
    "pipenv": Wrapper(subcommand="run", longs=("--python", "--pypi-mirror"), has_own_python=True),
    "poetry": Wrapper(
        subcommand="run",
        letters="CP",
        longs=("--directory", "--project"),
        movers=("-C", "--directory"),
        has_own_python=True,
    ),
    "rye": Wrapper(subcommand="run", has_own_python=True),
    "s6-setuidgid": Wrapper(positionals=1),
    "setpriv": Wrapper(longs=_SETPRIV_LONGS),
    "setsid": Wrapper(),
    "stdbuf": Wrapper(letters="ioe", longs=("--input", "--output", "--error")),
    "su-exec": Wrapper(positionals=1),
    "taskset": Wrapper(positionals=1),
    "timeout": Wrapper(letters="ks", longs=("--kill-after", "--signal"), positionals=1),
    "tini": _TINI,
    "tini-static": _TINI,
    "uv": Wrapper(
        subcommand="run",
        letters="wifPCp",
        longs=_UV_LONGS,
        movers=("--directory",),
        is_python=True,
        has_own_python=True,
    ),
}
# Python's options with a value, as a letter each.
_PYTHON_VALUES = "mcXW"
#: Those that bind what they start to some CPUs.
BINDERS = ("numactl", "taskset")
_CPUS = ValueOption(long="--physcpubind", letter="C", shortest="--ph", flags="abl")
_NODES = (
    ValueOption(long="--cpunodebind", letter="N", shortest="--cpun", flags="abl"),
    ValueOption(long="--cpubind", letter="c", shortest="--cpub", flags="abl"),
)


def count_words(words: Sequence[str], wrapper: Wrapper) -> int | None:
    """How many of the words are the wrapper's own; None where no program follows."""
    index = _skip(words, 1, wrapper)
    if wrapper.subcommand is not None:
        if index == len(words) or words[index] != wrapper.subcommand:
            return None
        index = _skip(words, index + 1, wrapper)
    # Behind what is no option even `--` would be the program.
    index += wrapper.positionals
    return index if index < len(words) else None


def _skip(words: Sequence[str], index: int, wrapper: Wrapper) -> int:
    end = next((place for place, word in enumerate(words) if word in MODULE_OPTIONS), len(words))
    return skip_options(words[:end] if wrapper.is_python else words, index, wrapper.letters, wrapper.longs)


def count_cpus(words: Sequence[str]) -> int | None:
    """On how many CPUs these words of `taskset` or `numactl` let a program run; 0 where that cannot be told."""
    if base_name(words[0]) == "taskset":
        flags = [word for word in words[1:-1] if word[:1] == "-" and word != "--"]
        is_list = any("c" in flag if flag[:2] != "--" else "--cpu-list".startswith(flag) for flag in flags)
        return _count_list(words[-1]) if is_list else _count_mask(words[-1])
    if any(find_values(words, option) for option in _NODES):
        return 0
    lists = {text for _, text in find_values(words, _CPUS)} - {"all"}
    return min(map(_count_list, lists), default=None)


def _count_list(text: str) -> int:
    cpus: set[int] = set()
    for part in text.split(","):
        numbers, _, step = part.partition(":")
        first, _, last = numbers.partition("-")
        bounds = (first, last or first, step or "1")
        if not all(number.isascii() and number.isdigit() and len(number) <= 5 for number in bounds) or step == "0":
            return 0
        start, end, stride = map(int, bounds)
        cpus.update(range(start, end + 1, stride))
    return len(cpus)


def _count_mask(text: str) -> int:
    digits = text.removeprefix("0x").replace(",", "")
    is_mask = bool(digits) and all(char in "0123456789abcdefABCDEF" for char in digits)
    return bin(int(digits, 16)).count("1") if is_mask else 0


class PythonOptions(Record):
    """`count` words are Python's own; -m or -c, the `last` of its options, has a `value`."""

    count: int
    flags: str = ""
    last: str = ""
    value: str = ""


def read_python_options(words: Sequence[str]) -> PythonOptions:
    """Python's own words at the start of a command line."""
    index = 1
    flags = ""
    while index < len(words) and words[index].startswith("-") and words[index] != "-":
        option = words[index]
        index += 1
        if option == "--":
            break
        if option.startswith("--"):
            index += option == "--check-hash-based-pycs"
            continue
        for place, letter in enumerate(option[1:], 1):
            if letter not in _PYTHON_VALUES:
                flags += letter
                continue
            # The value is the rest of this word, or the next one.
            value = option[place + 1 :]
            if not value:
                value = words[index] if index < len(words) else ""
                index += 1
            if letter in "mc":
                return PythonOptions(count=min(index, len(words)), flags=flags, last=letter, value=value)
            break
    return PythonOptions(count=min(index, len(words)), flags=flags)
