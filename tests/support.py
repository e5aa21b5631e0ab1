"""What all tests share."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def unavailable(reason: str) -> NoReturn:
    """Skip a test that this machine cannot run; where CGTUNE_REQUIRE_REAL=1 promises that it can, fail."""
    if os.environ.get("CGTUNE_REQUIRE_REAL") == "1":
        pytest.fail(f"cannot run here, and CGTUNE_REQUIRE_REAL=1 says it must: {reason}", pytrace=False)
    pytest.skip(reason)
