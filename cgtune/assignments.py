"""What a settings file says literally: `name = value`, in Python or in lines. It is never run. Pure.

| in Python | read as |
|---|---|
| `workers = 4`, `workers: int = 4`, `workers, threads = 4, 2`, `workers = -1` | that |
| `worker_class = UvicornWorker` | its name, "UvicornWorker" |
| `workers = 2 * cpu_count() + 1`, also inside `if`, `for`, `with`, `try` | said, and not known: "…" |
| `from base import *`, `exec(…)`, `globals()[…]`; no Python | nothing can be told of the file |

As bytes it is decoded as Python does it: by its `# coding:` line, as UTF-8 without one.

Lines are those of .ini, .toml and .env files: `name = value`, under `[section]`, comments behind # or ;.
"""

from __future__ import annotations

# The types of the syntax tree, without the price of `ast`, which imports `re` and more.
import _ast

from cgtune.words import UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_BEYOND_READING = ("exec", "globals", "locals", "vars")
# What has names of its own.
_SCOPES = (_ast.FunctionDef, _ast.AsyncFunctionDef, _ast.ClassDef, _ast.Lambda)


def read_python(text: str | bytes) -> dict[str, str] | None:
    """name -> value as the file leaves them; None where that cannot be told."""
    tree = _parse(text)
    if tree is None:
        return None
    found: dict[str, str] = {}
    for statement in tree.body:
        names = _bound_names(statement)
        if names is None:
            return None
        found.update(dict.fromkeys(names, UNKNOWN))
        if isinstance(statement, _ast.Assign):
            for target in statement.targets:
                found.update(_pairs(target, statement.value))
        elif isinstance(statement, _ast.AnnAssign) and statement.value is not None:
            found.update(_pairs(statement.target, statement.value))
    for node in _descendants(tree):
        # A function may be called at any time, and give a value to what it declares.
        if isinstance(node, _ast.Global):
            found.update(dict.fromkeys(node.names, UNKNOWN))
        elif isinstance(node, _ast.Name) and node.id == "globals":
            return None
    return found


def read_lines(text: str, section: str = "") -> list[tuple[str, str]]:
    """The names and values of one section, in their order; "" is what stands before the first."""
    found = []
    current = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            current = line.strip("[]").strip()
        elif current == section and not line.startswith(("#", ";")):
            name, equals, value = line.partition("=")
            if equals:
                found.append((name.strip(), _bare(value)))
    return found


def _bare(value: str) -> str:
    """Without quotes, and without the comment behind it."""
    value = value.strip()
    quote = value[:1]
    if quote in ("'", '"') and quote in value[1:]:
        return value[1:].partition(quote)[0]
    return value.partition(" #")[0].rstrip()


def _parse(text: str | bytes) -> _ast.Module | None:
    # A doubtful escape in the user's file is warned of by the program that runs it, not by us.
    from warnings import catch_warnings, simplefilter

    with catch_warnings():
        simplefilter("ignore")
        try:
            tree = compile(text, "config", "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return tree if isinstance(tree, _ast.Module) else None


def _bound_names(statement: _ast.stmt) -> set[str] | None:
    """What a statement gives a value to, in the scope of the file; None where that cannot be told."""
    names: set[str] = set()
    if isinstance(statement, _ast.AnnAssign) and statement.value is None:
        return names
    nodes: list[_ast.AST] = [statement]
    while nodes:
        node = nodes.pop()
        if isinstance(node, _ast.alias):
            if node.name == "*":
                return None
            names.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, _ast.Name):
            if node.id in _BEYOND_READING:
                return None
            if not isinstance(node.ctx, _ast.Load):
                names.add(node.id)
        else:
            # Functions, classes, `except … as name`, and what `case` catches.
            names.update(name for field in ("name", "rest") if isinstance(name := getattr(node, field, None), str))
            if not isinstance(node, _SCOPES):
                nodes += _children(node)
    return names


def _descendants(node: _ast.AST) -> Iterator[_ast.AST]:
    nodes = [node]
    while nodes:
        nodes += _children(node := nodes.pop())
        yield node


def _children(node: _ast.AST) -> Iterator[_ast.AST]:
    for field in node._fields:
        value = getattr(node, field, None)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, _ast.AST):
                yield child


def _pairs(target: _ast.expr, value: _ast.expr) -> dict[str, str]:
    if isinstance(target, _ast.Name):
        return {target.id: _text(value)}
    sequence = (_ast.Tuple, _ast.List)
    if not (isinstance(target, sequence) and isinstance(value, sequence) and len(target.elts) == len(value.elts)):
        return {}
    pairs = zip(target.elts, value.elts, strict=True)
    return {one.id: _text(other) for one, other in pairs if isinstance(one, _ast.Name)}


def _text(value: _ast.expr) -> str:
    if isinstance(value, _ast.Constant):
        try:
            return str(value.value)
        except ValueError:  # a number of thousands of digits
            return UNKNOWN
    if isinstance(value, _ast.UnaryOp) and isinstance(value.op, _ast.USub):
        text = _text(value.operand)
        return UNKNOWN if text == UNKNOWN else f"-{text}"
    if isinstance(value, _ast.Name):
        return value.id
    return value.attr if isinstance(value, _ast.Attribute) else UNKNOWN
