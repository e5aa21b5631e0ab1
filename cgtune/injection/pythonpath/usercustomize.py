"""Tunes a Python that `cgtune run` has started, and makes way for the sitecustomize that it hides.

`run` puts this folder first on PYTHONPATH. Python imports `sitecustomize` at each start, and then `usercustomize`
where there is no virtual environment. The same text stands here under both names: another's sitecustomize that comes
before ours and knows of no other (OpenTelemetry's) leaves us the second chance.

Written for any Python, however old, because it must step aside in each.
"""

import os
import sys

_folder = os.path.dirname(__file__)
try:
    # Ours already when cgtune is installed in this very interpreter: cgtune.pth was faster.
    if sys.version_info >= (3, 8) and "CGTUNE_INJECT" in os.environ and "_cgtune_inject" not in sys.modules:
        from _frozen_importlib_external import SourceFileLoader

        _module = sys.modules["_cgtune_inject"] = type(sys)("_cgtune_inject")
        _module.__file__ = os.path.join(os.path.dirname(os.path.dirname(_folder)), "tuning.py")
        SourceFileLoader("_cgtune_inject", _module.__file__).exec_module(_module)
except Exception:  # whatever goes wrong here must not keep the program from starting
    pass

# As if we had never been there: the next one takes our name, or there is none and Python is told so by the same
# ImportError. The program does not see our folder, its children do: the variable is left as it is.
if _folder in sys.path:
    sys.path.remove(_folder)
    _self = sys.modules.pop(__name__)
    __import__(__name__)
