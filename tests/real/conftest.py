"""What real tests share: a Docker engine, an image with the installed wheel, the cgroup v2 machine.

Order matters on a small machine. Tests that time something come first and alone; then the emulator boots in the
background, and works while all other tests run; its findings are collected last.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Unavailable
from lab.engine import Engine, engine
from lab.image import app_image
from lab.vm import Machine, start_in_vm
from lab.wheel import build_wheel
from tests.support import unavailable

_V2_SCRIPT = Path(__file__).with_name("v2_machine.py")
_V2_SECONDS = 1800
_machine = pytest.StashKey[Machine | Unavailable]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Timing first, then what boots the emulator, its findings last."""
    items.sort(
        key=lambda item: (
            item.get_closest_marker("timing") is None,
            _wants_v2(item),
            item.get_closest_marker("real") is None,
        )
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Boot the emulator when the first test that times nothing is about to run."""
    stash = item.session.stash
    if _machine in stash or item.get_closest_marker("timing") or not any(map(_wants_v2, item.session.items)):
        return
    arguments = ["--all"] if item.config.option.markexpr == "long" else []
    try:
        stash[_machine] = start_in_vm(_V2_SCRIPT, arguments=arguments, limit_seconds=_V2_SECONDS)
    except Unavailable as reason:
        stash[_machine] = reason


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The emulator does not outlive the run."""
    machine = session.stash.get(_machine, None)
    if isinstance(machine, Machine):
        machine.kill()


def _wants_v2(item: pytest.Item) -> bool:
    return "v2_findings" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def v2_findings(request: pytest.FixtureRequest) -> dict[str, list[str]]:
    """What was found on cgroup v2: the faults of each case."""
    machine = request.session.stash[_machine]
    if isinstance(machine, Unavailable):
        unavailable(str(machine))
    result = machine.wait()
    findings = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    if not findings or findings[-1]["case"] != "the-end":
        pytest.fail(f"the v2 machine stopped early: {result.stdout[-1000:]}{result.stderr[-3000:]}", pytrace=False)
    return {finding["case"]: finding["faults"] for finding in findings}


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    """An engine: the one that answers, or one of our own that ends with the run."""
    opened = engine()
    try:
        found = opened.__enter__()
    except Unavailable as reason:
        unavailable(str(reason))
    try:
        yield found
    finally:
        opened.__exit__(None, None, None)


@pytest.fixture(scope="session")
def image(docker: Engine) -> str:
    """A Debian with cgtune and gunicorn, installed as a user would."""
    try:
        return app_image(docker, build_wheel())
    except Unavailable as reason:
        unavailable(str(reason))


@pytest.fixture
def as_root() -> None:
    """Root, who may make cgroups."""
    if os.geteuid() != 0:
        unavailable("only root may make cgroups")
