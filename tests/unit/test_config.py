"""The user's settings: defaults < file < environment < flags, each with its origin; what is wrong is dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cgtune
from cgtune.config import Config, FileEntry, FileItem, FileSettings, is_switched_off, make_config
from cgtune.errors import UsageError
from cgtune.limits import Declared
from cgtune.options import COMMAND_LINE_ONLY, NOT_IN_FILE, OPTIONS
from cgtune.templates import parse_template

VARIABLES = [option.variable for option in OPTIONS if option.name not in COMMAND_LINE_ONLY]


def text_entry(key: str, text: str, line: int = 1) -> FileEntry:
    """`key: text` on this line of a file."""
    where = f"/c.yaml:{line}"
    return FileEntry(key=key, where=where, shape="text", items=(FileItem(text=text, where=where),))


def shaped_entry(key: str, shape: str, *items: tuple[str | None, str | None]) -> FileEntry:
    """A list or a mapping below `key:` on line 1, one item a line."""
    found = tuple(
        FileItem(name=name, text=text, where=f"/c.yaml:{line}") for line, (name, text) in enumerate(items, 2)
    )
    return FileEntry(key=key, where="/c.yaml:1", shape=shape, items=found)


def file_of(*entries: FileEntry) -> FileSettings:
    """A file of these."""
    return FileSettings(entries=entries)


def test_nothing_said_gives_the_defaults() -> None:
    """Workers are solved, nothing is declared."""
    config = make_config("run", {}, {})
    assert config == Config()
    assert (config.workers, config.quiet, config.exec, config.declared) == ("auto", False, False, Declared())


LAYERS = {
    "nothing": ({}, {}, None, "auto", "default"),
    "file": ({}, {}, "7", 7, "/c.yaml:1"),
    "environment": ({}, {"CGTUNE_WORKERS": "5"}, None, 5, "CGTUNE_WORKERS"),
    "environment over file": ({}, {"CGTUNE_WORKERS": "5"}, "7", 5, "CGTUNE_WORKERS"),
    "flag": ({"workers": 3}, {}, None, 3, "--workers"),
    "flag over file": ({"workers": 3}, {}, "7", 3, "--workers"),
    "flag over all": ({"workers": 3}, {"CGTUNE_WORKERS": "5"}, "7", 3, "--workers"),
    "an empty variable": ({}, {"CGTUNE_WORKERS": ""}, "7", 7, "/c.yaml:1"),
    "an empty text": ({}, {}, "", "auto", "default"),
}


@pytest.mark.parametrize("case", LAYERS)
def test_the_stronger_layer_wins_and_says_so(case: str) -> None:
    """Defaults < file < environment < flags; each value knows where it came from."""
    flags, environment, text, value, origin = LAYERS[case]
    file = None if text is None else file_of(text_entry("workers", text))
    config = make_config("run", flags, environment, file)
    assert (config.workers, config.origin_of("workers"), config.warnings) == (value, origin, ())
    assert config.is_said("workers") is (origin != "default")


def test_each_setting_goes_by_itself() -> None:
    """What no flag says, its variable does; a name is written with either dash."""
    environment = {"CGTUNE_WORKERS": "5", "CGTUNE_CPU_LIMIT": "2"}
    config = make_config("run", {"workers": 3}, environment, file_of(text_entry("memory-limit", "1Gi", 4)))
    assert (config.workers, config.cpu_limit, config.memory_limit) == (3, 2.0, 1 << 30)
    assert config.origin_of("memory_limit") == config.origin_of("memory-limit") == "/c.yaml:4"
    assert config.origin_of("cpu_limit") == "CGTUNE_CPU_LIMIT"


def test_a_wrong_variable_under_a_flag_is_not_looked_at() -> None:
    """The flag has already decided."""
    config = make_config("run", {"workers": 3}, {"CGTUNE_WORKERS": "many"})
    assert (config.workers, config.warnings) == (3, ())


def test_a_wrong_value_leaves_the_weaker_layer_standing() -> None:
    """A typo in a variable does not take away what the file says."""
    config = make_config("run", {}, {"CGTUNE_WORKERS": "many"}, file_of(text_entry("workers", "7")))
    assert (config.workers, config.origin_of("workers")) == (7, "/c.yaml:1")
    assert [warning.split(":")[0] for warning in config.warnings] == ["CGTUNE_WORKERS"]


IN_FILE = {
    "a list": (shaped_entry("disable", "list", (None, "gc"), (None, "malloc")), ("gc", "malloc")),
    "an item twice": (shaped_entry("disable", "list", (None, "gc"), (None, "gc")), ("gc",)),
    "a text": (text_entry("disable", "gc, malloc,"), ("gc", "malloc")),
    "a list with a wrong item": (shaped_entry("disable", "list", (None, "gc malloc"), (None, "native")), ("native",)),
    "a list with an empty item": (shaped_entry("disable", "list", (None, ""), (None, "native")), ("native",)),
}


@pytest.mark.parametrize("case", IN_FILE)
def test_a_repeatable_option_is_a_list_or_comma_separated(case: str) -> None:
    """A wrong item is dropped, not those beside it."""
    entry, expected = IN_FILE[case]
    config = make_config("run", {}, {}, file_of(entry))
    assert config.disable == expected
    assert len(config.warnings) == ("wrong" in case)


def test_a_stronger_list_replaces_a_weaker_one() -> None:
    """So that what an image disables can be enabled again."""
    file = file_of(shaped_entry("disable", "list", (None, "gc")))
    assert make_config("run", {}, {"CGTUNE_DISABLE": "malloc,native"}, file).disable == ("malloc", "native")
    assert make_config("run", {"disable": ("python",)}, {"CGTUNE_DISABLE": "malloc,native"}, file).disable == (
        "python",
    )
    assert make_config("run", {}, {"CGTUNE_DISABLE": "!,?"}, file).disable == ("gc",)


def test_variables_of_ones_own_are_merged_by_name() -> None:
    """Each comes from the strongest layer that names it, and knows which."""
    flags, rest = (
        {"env": (("A", parse_template("flag")), ("D", parse_template("flag")))},
        {"CGTUNE_ENV": "A=x,B={cpus}"},
    )
    file = file_of(shaped_entry("env", "mapping", ("A", "file"), ("B", "file"), ("C", "{max(1, workers)}")))
    config = make_config("run", flags, rest, file)
    assert {name: template.text for name, template in config.env} == {
        "A": "flag",
        "B": "{cpus}",
        "C": "{max(1, workers)}",
        "D": "flag",
    }
    origins = {name: config.origin_of(f"env.{name}") for name in "ABCDE"}
    assert origins == {"A": "--env", "B": "CGTUNE_ENV", "C": "/c.yaml:4", "D": "--env", "E": "default"}
    assert config.origin_of("env") == "--env"


def test_the_last_of_equally_strong_ones_counts() -> None:
    """As with any other flag."""
    flags = {"env": (("A", parse_template("1")), ("A", parse_template("2")))}
    assert [template.text for _, template in make_config("run", flags, {}).env] == ["2"]


def test_commas_inside_braces_separate_nothing() -> None:
    """In the variable, and in a text of the file."""
    text = "A={min(1, 2)},B={max(workers, 3)}x, C=c ,"
    for config in (
        make_config("run", {}, {"CGTUNE_ENV": text}),
        make_config("run", {}, {}, file_of(text_entry("env", text))),
    ):
        assert [(name, template.text) for name, template in config.env] == [
            ("A", "{min(1, 2)}"),
            ("B", "{max(workers, 3)}x"),
            ("C", "c"),
        ]


WRONG_ENTRIES = {
    "unknown": (text_entry("wrkers", "3"), "/c.yaml:1: wrkers: no such key (did you mean workers?)"),
    "unknown and unlike": (text_entry("zzzzz", "3"), "/c.yaml:1: zzzzz: no such key"),
    "a flag's": (text_entry("json", "on"), "/c.yaml:1: json: no such key; it belongs on the command line"),
    "itself": (text_entry("config", "/x"), "/c.yaml:1: config: no such key; it belongs on the command line"),
    "a wrong value": (text_entry("workers", "many"), "/c.yaml:1: workers: 'many' is not auto, keep or a number"),
    "negative": (text_entry("worker-memory", "-1"), "/c.yaml:1: worker-memory: '-1' is out of range for a size"),
    "nan": (text_entry("cpu_limit", "nan"), "/c.yaml:1: cpu_limit: 'nan' is no CPU quantity"),
    "10**30": (text_entry("max_workers", "1" + "0" * 30), "/c.yaml:1: max_workers: '1"),
    "1e30": (text_entry("memory_limit", "1e30"), "/c.yaml:1: memory_limit: '1e30' is out of range for a size"),
    "a list for one": (
        shaped_entry("workers", "list", (None, "3")),
        "/c.yaml:1: workers: a list, where auto|keep|N is",
    ),
    "a list for a switch": (shaped_entry("exec", "list"), "/c.yaml:1: exec: a list, where on or off is wanted"),
    "a mapping for one": (shaped_entry("kind", "mapping"), "/c.yaml:1: kind: a mapping, where KIND is wanted"),
    "a mapping for a list": (
        shaped_entry("disable", "mapping"),
        "/c.yaml:1: disable: a mapping, where NAME is wanted",
    ),
    "a list in a list": (
        shaped_entry("disable", "list", (None, None)),
        "/c.yaml:2: disable: a list of lists, where NAME",
    ),
    "a list in a mapping": (
        shaped_entry("env", "mapping", ("A", None)),
        "/c.yaml:2: env: A: a list or mapping, where",
    ),
    "a wrong template": (
        shaped_entry("env", "mapping", ("A", "{1"), ("B", "2")),
        "/c.yaml:2: env: A: at character 3: the closing } is missing",
    ),
    "a wrong name": (shaped_entry("env", "mapping", ("A=B", "2")), "/c.yaml:2: env: 'A=B' is no name of a variable"),
    "a name twice": (
        shaped_entry("env", "mapping", ("B", "2"), ("B", "3")),
        "/c.yaml:3: env: B: said before, at /c.yaml:2",
    ),
    "no name": (shaped_entry("env", "list", (None, "B")), "/c.yaml:2: env: 'B' is not NAME=TEMPLATE"),
}


@pytest.mark.parametrize("case", WRONG_ENTRIES)
def test_what_is_wrong_in_a_file_is_one_warning(case: str) -> None:
    """With file, line and key; that key is dropped, and no other."""
    entry, expected = WRONG_ENTRIES[case]
    config = make_config("run", {}, {}, file_of(entry, text_entry("threads", "4", 9)))
    (warning,) = config.warnings
    assert warning.startswith(expected)
    assert len(warning) < 200
    left = tuple((name, template.text) for name, template in config.env)
    assert (config.threads, left) == (4, (("B", "2"),) if case in ("a wrong template", "a name twice") else ())
    assert config.replace(threads="keep", env=(), warnings=(), origins=()) == Config()


def test_a_key_said_twice_counts_once() -> None:
    """The first; dashes make no difference."""
    entries = text_entry("cpu-limit", "1", 1), text_entry("cpu_limit", "2", 2), text_entry("cpu-limit", "3", 3)
    config = make_config("run", {}, {}, file_of(*entries))
    assert config.cpu_limit == 1.0
    assert config.warnings == (
        "/c.yaml:2: cpu_limit: said before, at /c.yaml:1",
        "/c.yaml:3: cpu-limit: said before, at /c.yaml:1",
    )


def test_keys_of_other_commands_are_checked_and_ignored() -> None:
    """One file serves all; `inspect` counts no workers, and still sees the typo."""
    file = file_of(text_entry("workers", "3"), text_entry("threads", "many", 2), text_entry("cpu_limit", "2", 3))
    config = make_config("inspect", {}, {"CGTUNE_MAX_WORKERS": "many"}, file)
    assert (config.workers, config.cpu_limit) == ("auto", 2.0)
    assert config.origin_of("workers") == "default"
    assert [warning.split(" ")[0] for warning in config.warnings] == ["/c.yaml:2:"]


def test_a_file_that_is_no_config_of_ours_does_not_fill_the_log() -> None:
    """The first twenty lines, and how many more there are."""
    config = make_config("run", {}, {}, file_of(*(text_entry(f"zzz{line}", "x", line) for line in range(1, 91))))
    assert len(config.warnings) == 21
    assert config.warnings[-1] == "and 70 more settings like these"


CONTRADICTIONS = {
    "file, file": ({}, {}, ("9", "4"), (9, None), "/c.yaml:2: --workers 9 is above --max-workers 4 (from /c.yaml:1)"),
    "environment, file": (
        {},
        {"CGTUNE_WORKERS": "9"},
        ("", "4"),
        (9, None),
        "/c.yaml:2: --workers 9 is above --max-workers 4 (from CGTUNE_WORKERS)",
    ),
    "file, environment": (
        {},
        {"CGTUNE_MAX_WORKERS": "4"},
        ("9", ""),
        ("auto", 4),
        "/c.yaml:1: --workers 9 is above --max-workers 4 (from CGTUNE_MAX_WORKERS)",
    ),
    "environment, environment": (
        {},
        {"CGTUNE_WORKERS": "9", "CGTUNE_MAX_WORKERS": "4"},
        ("", ""),
        (9, None),
        "CGTUNE_MAX_WORKERS: --workers 9 is above --max-workers 4 (from CGTUNE_WORKERS)",
    ),
    "environment, flag": (
        {"max-workers": 4},
        {"CGTUNE_WORKERS": "9"},
        ("", ""),
        ("auto", 4),
        "CGTUNE_WORKERS: --workers 9 is above --max-workers 4 (from --max-workers)",
    ),
    "flag, environment": (
        {"workers": 9},
        {"CGTUNE_MAX_WORKERS": "4"},
        ("", ""),
        (9, None),
        "CGTUNE_MAX_WORKERS: --workers 9 is above --max-workers 4 (from --workers)",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_of_two_that_contradict_each_other_the_weaker_is_dropped(case: str) -> None:
    """Of two in the same layer, the cap: more workers than it were asked for by number."""
    flags, environment, (workers, most), kept, warning = CONTRADICTIONS[case]
    file = file_of(text_entry("workers", workers, 1), text_entry("max_workers", most, 2))
    config = make_config("run", flags, environment, file)
    assert ((config.workers, config.max_workers), config.warnings) == (kept, (warning,))
    dropped = "workers" if kept[1] else "max_workers"
    assert config.origin_of(dropped) == "default"


def test_two_flags_that_contradict_each_other_are_an_error() -> None:
    """Both were said just now."""
    with pytest.raises(UsageError, match=r"^--workers 9 is above --max-workers 4$"):
        make_config("run", {"workers": 9, "max-workers": 4}, {})


@pytest.mark.parametrize("workers", ["auto", "keep", 4, 1])
def test_these_do_not_contradict_a_cap(workers: int | str) -> None:
    """At the cap, below it, or no number at all."""
    config = make_config("run", {"workers": workers, "max-workers": 4}, {})
    assert (config.workers, config.max_workers, config.warnings) == (workers, 4, ())


def test_what_is_declared_keeps_its_units() -> None:
    """Cores and bytes, limits and requests."""
    environment = {
        "CGTUNE_CPU_LIMIT": "1500m",
        "CGTUNE_CPU_REQUEST": "0.25",
        "CGTUNE_MEMORY_LIMIT": "1Gi",
        "CGTUNE_MEMORY_REQUEST": "500M",
    }
    assert make_config("run", {}, environment).declared == Declared(
        cpu_limit_cores=1.5, cpu_request_cores=0.25, memory_limit_bytes=1 << 30, memory_request_bytes=500_000_000
    )


@pytest.mark.parametrize("name", ["json", "root", "help"])
def test_some_things_only_a_command_line_can_say(name: str) -> None:
    """CGTUNE_JSON and its like are unknown variables, and those are nobody's business."""
    assert name in COMMAND_LINE_ONLY
    assert make_config("inspect", {}, {f"CGTUNE_{name.upper()}": "x"}) == Config()


TEXTS = st.one_of(
    st.text(max_size=10), st.sampled_from(["3", "auto", "1Gi", "0.5", "on", "A={workers}", "a,b", "-1"])
)


@given(st.dictionaries(st.sampled_from(VARIABLES), TEXTS))
def test_no_environment_keeps_a_program_from_starting(environment: dict[str, str]) -> None:
    """Any text in any variable: a value or a warning, which names it, never an error."""
    config = make_config("run", {}, environment)
    warned = [
        warning.split(":")[0] for warning in config.warnings if not warning.endswith("more settings like these")
    ]
    assert set(warned) <= set(environment)
    for option in OPTIONS:
        if option.variable in warned and not option.is_repeatable:
            assert getattr(config, option.field) == getattr(Config(), option.field)
            assert warned.count(option.variable) == 1


KEYS = st.one_of(st.text(max_size=10), st.sampled_from([option.field for option in OPTIONS]))
ITEMS = st.lists(
    st.builds(FileItem, text=st.none() | TEXTS, where=st.just("f:1"), name=st.none() | TEXTS), max_size=3
)
ENTRIES = st.builds(
    FileEntry,
    key=KEYS,
    where=st.just("f:1"),
    shape=st.sampled_from(["text", "list", "mapping"]),
    items=ITEMS.map(tuple),
)


@given(st.lists(ENTRIES, max_size=6).map(tuple))
def test_no_file_keeps_a_program_from_starting(entries: tuple[FileEntry, ...]) -> None:
    """Any key with any value in any shape: settings and warnings, never an error; what is said has an origin."""
    config = make_config("run", {}, {}, FileSettings(entries=entries))
    assert all(warning.startswith("f:1: ") for warning in config.warnings)
    for option in OPTIONS:
        if option.name not in NOT_IN_FILE:
            changed = getattr(config, option.field) != getattr(Config(), option.field)
            assert config.is_said(option.name) or not changed


@pytest.mark.parametrize("text", ["off", "OFF", "Off", " off", "0", "false", "no"])
def test_these_switch_it_off(text: str) -> None:
    """As people write it."""
    assert is_switched_off({"CGTUNE": text})


@pytest.mark.parametrize("text", ["", "on", "1", "true", "offline", "o", "-"])
def test_these_do_not(text: str) -> None:
    """What is not clearly "off" is not off, and neither is another variable."""
    assert not is_switched_off({"CGTUNE": text})
    assert not is_switched_off({"CGTUNE_OFF": "1", "cgtune": "off"})


def test_a_wrong_declared_limit_is_told_by_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """`read_limits()` never raises: what it ignores is a notice."""
    monkeypatch.setenv("CGTUNE_MEMORY_LIMIT", "512m")
    limits = cgtune.read_limits()
    assert limits.declared.memory_limit_bytes is None
    assert "SETTING_INVALID" in [notice.code for notice in limits.notices]
