"""cgtune: make a program use what its container really has."""

from __future__ import annotations

__version__ = "0.1.0"
