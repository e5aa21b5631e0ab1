"""uWSGI: each form in which workers or threads are said, tried with uWSGI 2.0.31; the last one counts."""

from __future__ import annotations

import pytest

from cgtune.settings import Slot
from tests.unit.programs import number, recognised

Number = tuple[str, int | None, str] | None
ARGV = "command line"

INI = "[uwsgi]\nmaster = true\nprocesses = 3\nthreads = 5\n[other]\nprocesses = 6\n"
UWSGI: list[tuple[str, dict[str, str], Number, Number]] = [
    ("uwsgi -w app", {}, None, None),
    ("uwsgi -p 4", {}, ("4", 4, ARGV), None),
    ("uwsgi -p4", {}, ("4", 4, ARGV), None),
    ("uwsgi -Mp4", {}, ("4", 4, ARGV), None),
    ("uwsgi -MTp 4", {}, ("4", 4, ARGV), None),
    ("uwsgi --processes 4", {}, ("4", 4, ARGV), None),
    ("uwsgi --processes=4", {}, ("4", 4, ARGV), None),
    ("uwsgi --proce 4", {}, ("4", 4, ARGV), None),
    ("uwsgi --proc 4", {}, None, None),
    ("uwsgi --procname 4", {}, None, None),
    ("uwsgi --workers 4", {}, ("4", 4, ARGV), None),
    ("uwsgi --worker-reload-mercy 4", {}, None, None),
    ("uwsgi --workers 4 -p 2", {}, ("2", 2, ARGV), None),
    ("uwsgi -p 2 --workers 4", {}, ("4", 4, ARGV), None),
    ("uwsgi --threads 4", {}, None, ("4", 4, ARGV)),
    ("uwsgi -p %k", {}, ("%k", None, ARGV), None),
    ("uwsgi", {"UWSGI_PROCESSES": "4"}, ("4", 4, "UWSGI_PROCESSES"), None),
    ("uwsgi", {"UWSGI_WORKERS": "4"}, ("4", 4, "UWSGI_WORKERS"), None),
    ("uwsgi", {"UWSGI_PROCESSES": ""}, ("", None, "UWSGI_PROCESSES"), None),
    ("uwsgi", {"UWSGI_THREADS": "4"}, None, ("4", 4, "UWSGI_THREADS")),
    ("uwsgi", {"WEB_CONCURRENCY": "4"}, None, None),
    ("uwsgi -p 2", {"UWSGI_WORKERS": "4"}, ("2", 2, ARGV), None),
    ("uwsgi --ini a.ini", {}, ("3", 3, "a.ini"), ("5", 5, "a.ini")),
    ("uwsgi --ini=a.ini", {}, ("3", 3, "a.ini"), ("5", 5, "a.ini")),
    ("uwsgi --ini a.ini:other", {}, ("6", 6, "a.ini:other"), None),
    ("uwsgi --ini a.ini -p 4", {}, ("4", 4, ARGV), ("5", 5, "a.ini")),
    ("uwsgi -p 4 --ini a.ini", {}, ("3", 3, "a.ini"), ("5", 5, "a.ini")),
    ("uwsgi a.ini", {}, ("3", 3, "a.ini"), ("5", 5, "a.ini")),
    ("uwsgi a.ini -p 4", {}, ("3", 3, "a.ini"), ("5", 5, "a.ini")),
    ("uwsgi --master a.ini", {}, ("3", 3, "a.ini"), ("5", 5, "a.ini")),
    ("uwsgi --ini-paste a.ini", {}, None, None),
    ("uwsgi --ini a.ini", {"UWSGI_PROCESSES": "9"}, ("3", 3, "a.ini"), ("5", 5, "a.ini")),
    ("uwsgi", {"UWSGI_INI": "a.ini", "UWSGI_PROCESSES": "9"}, ("9", 9, "UWSGI_PROCESSES"), ("5", 5, "a.ini")),
    ("uwsgi", {"UWSGI_PROCESSES": "9", "UWSGI_INI": "a.ini"}, ("3", 3, "a.ini"), ("5", 5, "a.ini")),
    ("uwsgi --ini outer.ini", {}, ("3", 3, "a.ini"), ("5", 5, "a.ini")),
    ("uwsgi --ini outermost.ini", {}, ("3", 3, "a.ini"), ("5", 5, "a.ini")),
    ("uwsgi --ini cpus.ini", {}, ("%k", None, "cpus.ini"), None),
    ("uwsgi --ini missing.ini", {}, ("…", None, "missing.ini"), ("…", None, "missing.ini")),
    ("uwsgi --ini set.ini", {}, ("3", 3, "set.ini"), None),
    ("uwsgi --ini other.ini", {}, ("…", None, "a.yaml"), ("…", None, "a.yaml")),
    ("uwsgi --include a.ini", {}, ("3", 3, "a.ini"), ("5", 5, "a.ini")),
    ("uwsgi --inherit a.ini", {}, ("3", 3, "a.ini"), ("5", 5, "a.ini")),
    ("uwsgi --set processes=4", {}, ("4", 4, ARGV), None),
    ("uwsgi -S workers=4 --set threads=2", {}, ("4", 4, ARGV), ("2", 2, ARGV)),
    ("uwsgi -p 2 --set processes=4", {}, ("4", 4, ARGV), None),
    ("uwsgi --set processes=4 -p 2", {}, ("2", 2, ARGV), None),
    ("uwsgi --set a=4 --set processes", {}, ("", None, ARGV), None),
    ("uwsgi", {"UWSGI_SET": "processes=4"}, ("4", 4, "UWSGI_SET"), None),
]
INI_FILES: dict[str, str | None] = {
    "a.ini": INI,
    "outer.ini": "[uwsgi]\nprocesses = 8\nini = a.ini\n",
    "outermost.ini": "[uwsgi]\nini = outer.ini\n",
    "cpus.ini": "[uwsgi]\nprocesses = %k\n",
    "set.ini": "[uwsgi]\nset = processes=3\n",
    "other.ini": "[uwsgi]\nyaml = a.yaml\n",
    "a.yaml": "uwsgi:\n  processes: 3\n",
    "loop.ini": "[uwsgi]\nini = loop.ini\nprocesses = 2\n",
}


@pytest.mark.parametrize(("line", "environment", "workers", "threads"), UWSGI)
def test_uwsgi(line: str, environment: dict[str, str], workers: Number, threads: Number) -> None:
    """getopt's rules. The last one counts, a file standing where it is named; one without an option stands last."""
    command = recognised(line, environment, INI_FILES)
    assert (command.server, command.kind) == ("uwsgi", "sync-web")
    assert (number(command.workers), number(command.threads)) == (workers, threads)
    assert command.workers_slot == Slot(name="UWSGI_PROCESSES", via="env")
    assert command.threads_slot == Slot(name="UWSGI_THREADS", via="env")
    assert (command.is_one_by_habit, command.default_workers) == (False, 1)


def test_a_file_of_uwsgis_that_includes_itself_is_read_to_an_end() -> None:
    """uWSGI itself would not stop."""
    assert number(recognised("uwsgi loop.ini", {}, INI_FILES).workers) == ("2", 2, "loop.ini")


@pytest.mark.parametrize(
    "line",
    [
        *("--yaml a.yaml", "-y a.yaml", "--yml=a.yaml", "--json a.json", "-j a.json", "--xml a.xml", "-Mx a.xml"),
        *("--xmlconfig a.xml", "--config a.yaml", "--include a.yaml", "a.yaml", "a.yml", "--master a.json", "a.xml"),
    ],
)
def test_a_file_that_is_not_read_may_say_all(line: str) -> None:
    """Each of these forms of the real one takes 3 processes of it: the user's number, and not known here."""
    command = recognised(f"uwsgi {line}", {"UWSGI_PROCESSES": "9"}, INI_FILES)
    unknown = ("…", None, line.replace("=", " ").split()[-1])
    assert (number(command.workers), number(command.threads)) == (unknown, unknown)


def test_a_number_behind_a_file_that_is_not_read_wins() -> None:
    """As far as the file stands where it is named; one without an option stands last."""
    assert number(recognised("uwsgi --yaml a.yaml -p 4").workers) == ("4", 4, ARGV)
    assert number(recognised("uwsgi -p 4 --yaml a.yaml").workers) == ("…", None, "a.yaml")
    assert number(recognised("uwsgi a.yaml -p 4").workers) == ("…", None, "a.yaml")
    assert number(recognised("uwsgi --stats a.json -p 4").workers) == ("4", 4, ARGV)


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("UWSGI_INI", "missing.ini"),
        ("UWSGI_INI", "http://host/a.ini"),
        ("UWSGI_YAML", "a.yaml"),
        ("UWSGI_JSON", "a.json"),
        ("UWSGI_XMLCONFIG", "a.xml"),
    ],
)
def test_a_file_that_a_variable_names_may_be_weaker_than_ours(variable: str, name: str) -> None:
    """The later of the two in the environment wins: so what it may say is taken for said, and nothing is set."""
    assert number(recognised("uwsgi", {variable: name}, INI_FILES).workers) == ("…", None, name)
    later = {variable: name, "UWSGI_WORKERS": "4"}
    assert number(recognised("uwsgi", later, INI_FILES).workers) == ("4", 4, "UWSGI_WORKERS")
    assert number(recognised("uwsgi", {"UWSGI_INI": "a.ini"}, INI_FILES).workers) == ("3", 3, "a.ini")
