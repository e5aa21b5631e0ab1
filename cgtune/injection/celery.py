"""Celery's default concurrency: what `billiard.cpu_count()` answers.

celery.worker does `from billiard import cpu_count`, so the answer must be there when billiard's own code has just
run. A concurrency that the user gives, `-c`, CELERY_WORKER_CONCURRENCY or `worker_concurrency` in the application,
leaves that function unasked.

Loaded by its path, as cgtune/tuning.py is: it imports nothing but `sys`, and any CPython from 3.8 on runs it.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    Undo = Callable[[], None]


def set_default(count: int) -> "Undo | None":
    """billiard.cpu_count() answers `count`. A concurrency that the user gives, in whatever way, wins over that."""

    def cpu_count() -> int:
        """The number of pool processes that cgtune found room for."""
        return count

    def answer(module: "ModuleType") -> None:
        module.cpu_count = cpu_count  # type: ignore[attr-defined]  # one module, known by its name

    if "billiard" in sys.modules:
        module = sys.modules["billiard"]
        original = module.cpu_count
        answer(module)
        return lambda: setattr(module, "cpu_count", original)
    finder = AfterImport("billiard", answer)
    sys.meta_path.insert(0, finder)
    return finder.remove


class AfterImport:
    """Calls `act(module)` once, right after `name` was imported; a finder that has the others do all the work.

    The loader of the module stays the real one, with an `exec_module` of ours until it was called.
    """

    def __init__(self, name: str, act: "Callable[[ModuleType], None]") -> None:
        self._name = name
        self._act = act

    def find_spec(self, name: str, path: object = None, target: object = None) -> "ModuleSpec | None":
        """What the other finders find; also asked by those who only want to know whether a module is there."""
        if name != self._name:
            return None
        for finder in list(sys.meta_path):
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)  # type: ignore[arg-type]  # as it came
                if spec is not None:
                    self._follow(spec)
                    return spec
        return None

    def remove(self) -> None:
        """Be gone."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def _follow(self, spec: "ModuleSpec") -> None:
        loader = spec.loader

        def exec_module(module: "ModuleType") -> None:
            execute(module)
            # A loader may be shared: an archive's serves all modules in it.
            if module.__name__ == self._name:
                self.remove()
                vars(loader).pop("exec_module", None)
                try:
                    self._act(module)
                except Exception:  # a fault of ours is none of the module's
                    pass

        try:
            execute = loader.exec_module  # type: ignore[union-attr]  # one without is left alone
            loader.exec_module = exec_module  # type: ignore[union-attr, method-assign]  # as above
        except Exception:  # a loader that cannot be followed loads as it always did
            pass
