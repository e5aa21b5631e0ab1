"""The two ways into a Python program before its first line; what is done there is `cgtune.tuning`.

`cgtune.pth` lies beside the installed package and serves the interpreter cgtune is installed in; Python executes it
at each start, and it does nothing unless CGTUNE_INJECT is set. The folder INJECTION_DIR, put first on PYTHONPATH,
serves any other. Both together do the work once.
"""

from __future__ import annotations

import os
import sys

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INJECTION_DIR = os.path.join(_PACKAGE, "injection", "pythonpath")


def has_pth() -> bool:
    """Whether this interpreter executes our cgtune.pth at its start: it lies where `site` looks for such files."""
    folder = os.path.dirname(_PACKAGE)
    # Loaded at the start of each interpreter that has site-packages at all.
    site = sys.modules.get("site")
    if site is None:
        return False
    places = [*site.getsitepackages(), *([site.USER_SITE] if site.ENABLE_USER_SITE else [])]
    return folder in places and os.path.exists(os.path.join(folder, "cgtune.pth"))
