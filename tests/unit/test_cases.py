"""The case corpus: machines gathered from other projects' tests and issues, and what is true of each."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from cgtune.detect import read_limits
from cgtune.host import Host
from tests.unit.command import call
from tests.unit.trees import lay_out

CASES = Path(__file__).parent.parent / "fixtures" / "cases"
NAMES = sorted(path.stem for path in CASES.glob("*.json"))
KEYS = {"name", "source", "fidelity", "note", "files", "unreadable", "expect"}


def load(name: str) -> dict[str, Any]:
    """One case."""
    case: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    return case


def differences(expect: dict[str, Any], seen: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The expected figures that are not as seen: key -> (expected, seen)."""
    found: dict[str, tuple[Any, Any]] = {}
    for key, want in expect.items():
        got: Any = seen
        for part in key.split("."):
            got = got[part]
        if not _is_same(key, want, got):
            found[key] = (want, got)
    return found


def _is_same(key: str, want: Any, got: Any) -> bool:
    if want is None or got is None or isinstance(want, (str, bool)):
        return bool(type(want) is type(got) and want == got)
    if key == "memory.effective_bytes":
        return bool(0 <= want - got < 1024)
    return math.isclose(want, got, rel_tol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_case_is_read_as_what_is_true_of_it(name: str, tmp_path: Path) -> None:
    """A detection over the recorded files gives each expected figure."""
    case = load(name)
    lay_out(tmp_path, case["files"], case.get("unreadable", ()))
    seen = read_limits(Host(str(tmp_path))).as_dict()
    assert differences(case["expect"], seen) == {}


def test_the_real_command_says_the_same(tmp_path: Path) -> None:
    """`cgtune inspect --json --root` prints each expected figure, and nothing on stderr."""
    faults: dict[str, Any] = {}
    for name in NAMES:
        case = load(name)
        root = tmp_path / name
        root.mkdir()
        lay_out(root, case["files"], case.get("unreadable", ()))
        done = call("inspect", "--json", "--root", root)
        if done.returncode or done.stderr:
            faults[name] = (done.returncode, done.stderr)
        elif found := differences(case["expect"], json.loads(done.stdout)):
            faults[name] = found
    assert faults == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_case_has_the_documented_form(name: str) -> None:
    """A case says where it is from, names itself, and expects something."""
    case = load(name)
    assert case["name"] == name
    assert set(case) <= KEYS
    assert case["source"]
    assert case["fidelity"] in ("exact", "composed", "issue", "synthetic")
    assert case["expect"]


def test_a_wrong_figure_is_noticed() -> None:
    """The comparison itself can fail: by value, by type, and by null."""
    seen = {"cpu": {"status": "limited", "quota_cores": 2.0}, "memory": {"effective_bytes": 2048}}
    assert differences({"cpu.quota_cores": 2.0, "memory.effective_bytes": 3000}, seen) == {}
    wrong = {"cpu.quota_cores": None, "cpu.status": "unlimited", "memory.effective_bytes": 2047}
    assert set(differences(wrong, seen)) == set(wrong)
