"""`make` promises to test the installed package, not the work tree that lies beside it."""

import os
import sys
from pathlib import Path

import pytest

import cgtune


@pytest.mark.skipif("CGTUNE_TEST_INSTALLED" not in os.environ, reason="only make promises it")
def test_the_imported_cgtune_is_the_installed_one() -> None:
    """The work tree comes behind the environment on sys.path."""
    assert Path(cgtune.__file__).is_relative_to(sys.prefix)
