"""docs/options.md is what the option table says today, and its example works."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from cgtune.config import make_config
from cgtune.config_file import read_settings
from cgtune.options import COMMAND_LINE_ONLY, NOT_IN_FILE, OPTIONS, Option

ROOT = Path(__file__).parent.parent.parent
MAKER: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "make_options_doc.py"))
DOCUMENT = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")


def test_the_document_is_up_to_date() -> None:
    """If this fails: python scripts/make_options_doc.py"""
    assert MAKER["make_document"]() == DOCUMENT


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_option_has_its_row(option: Option) -> None:
    """With all its names, those it has and no others."""
    (row,) = [line for line in DOCUMENT.splitlines() if re.match(rf"\| `--{option.name}[ `]", line)]
    assert (f"`{option.variable}`" in row) is (option.name not in COMMAND_LINE_ONLY)
    assert (f"| `{option.field}` |" in row) is (option.name not in NOT_IN_FILE)
    assert f"| {', '.join(option.commands)} |" in row


def test_the_example_parses() -> None:
    """Every key of it says something, and none of it is wrong."""
    pytest.importorskip("yaml", reason="only a config file needs PyYAML")
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    config = make_config("run", {}, {}, read_settings(example.encode(), "example"))
    assert config.warnings == ()
    keys = re.findall(r"^([a-z_]+):", example, re.MULTILINE)
    assert len(keys) >= 5
    assert all(config.is_said(key) for key in keys)
    figures = {"threads": 1, "memory_mib": 512, "worker_memory_mib": 180}
    rendered = {name: template.render(figures) for name, template in config.env}
    assert rendered == {"DB_POOL_SIZE": "5", "CACHE_MB": "64", "JAVA_HELPER_OPTS": "-Xmx90m"}


def test_the_mistake_it_shows_is_told_so() -> None:
    """Word by word."""
    pytest.importorskip("yaml", reason="only a config file needs PyYAML")
    shown = "config.yaml:7: max_wokers: no such key (did you mean max_workers?)"
    assert f"cgtune: {shown}\n" in DOCUMENT
    config = make_config("plan", {}, {}, read_settings(b"\n\n\n\n\n\nmax_wokers: 3\n", "config.yaml"))
    assert config.warnings == (shown,)
