"""cgroup v2 on a real kernel, in an emulator: behaviour, never time."""

from __future__ import annotations

import pytest

from tests.real.container_cases import CASES

pytestmark = pytest.mark.real

_SCENES = ("live", "memory-high-low-group", "cpu-weight", "pressure", "threaded-leaf", "run")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", [*_SCENES, *(case.name for case in CASES if case.is_quick)])
def test_v2_is_as_it_was_set_up(v2_findings: dict[str, list[str]], case: str) -> None:
    """Each container, and each cgroup made by hand, is seen as it was made; a follower keeps up with changes."""
    assert v2_findings[case] == []


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", [case.name for case in CASES if not case.is_quick])
def test_v2_containers_of_the_long_list(v2_findings: dict[str, list[str]], case: str) -> None:
    """The containers that are left out of the short run."""
    assert v2_findings[case] == []
