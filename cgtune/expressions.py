"""Arithmetic with the figures of a plan, as steps for a stack. Pure.

    workers * 4         "workers", 4, "*"
    max(1, cpus - 1)    1, "cpus", 1, "-", ("max", 2)

Numbers and operators mean what they mean in Python; NAMES and FUNCTIONS are all there is to use. There is no eval(),
and neither the length nor the depth of an expression exhausts anything.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Number = int | float
    # A number, the name of one, an operator (NEGATE has one operand), or a function and how many numbers it takes.
    Step = Number | str | tuple[str, int]
    Expression = tuple[Step, ...]

NAMES = {
    "workers": "worker processes",
    "threads": "threads of a worker",
    "native_threads": "threads of each native pool of a worker, as in OMP_NUM_THREADS",
    "cpus": "cores, with a fraction where the limit has one",
    "memory_bytes": "the memory, in bytes",
    "memory_mib": "the memory, in MiB",
    "worker_memory_bytes": "one worker's part of the memory, in bytes",
    "worker_memory_mib": "one worker's part of the memory, in MiB",
}
# Each with how many numbers it takes, at least and at most.
FUNCTIONS = {"min": (2, 1000), "max": (2, 1000), "round": (1, 1), "floor": (1, 1), "ceil": (1, 1)}

#: The minus with one operand.
NEGATE = "negate"


class Unresolved(ValueError):
    """A template that has no value here: a figure it needs is not known, or the arithmetic has no answer."""


def work_out(expression: Expression, values: Mapping[str, Number | None]) -> Number:
    """The value of one expression."""
    stack: list[Number] = []
    try:
        for step in expression:
            stack.append(_take_step(step, stack, values))
            if not abs(stack[-1]) < float("inf"):
                raise Unresolved("a number grows too large")
    except ZeroDivisionError:
        raise Unresolved("a division by zero") from None
    except OverflowError:
        raise Unresolved("a number grows too large") from None
    return stack.pop()


def _take_step(step: Step, stack: list[Number], values: Mapping[str, Number | None]) -> Number:
    """The number that comes onto the stack next; those it is made of are taken from there."""
    if isinstance(step, tuple):
        function, count = step
        numbers = stack[-count:]
        del stack[-count:]
        return _call(function, numbers)
    if not isinstance(step, str):
        return step
    if step in NAMES:
        value = values.get(step)
        if value is None:
            raise Unresolved(f"{step} is not known")
        return value
    right = stack.pop()
    return -right if step == NEGATE else _operate(stack.pop(), step, right)


def _operate(left: Number, operator: str, right: Number) -> Number:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if operator == "/":
        return left / right
    if operator == "//":
        return left // right
    return left % right


def _call(function: str, numbers: list[Number]) -> Number:
    if function == "min":
        return min(numbers)
    if function == "max":
        return max(numbers)
    if function == "round":
        return round(numbers[0])
    # math.floor() and math.ceil(), without the module.
    return numbers[0].__floor__() if function == "floor" else numbers[0].__ceil__()


def write_number(number: Number) -> str:
    """As a program reads it: 4 for 4.0, no exponent, and 0.3 for what binary fractions make of 0.1 + 0.2."""
    if number == int(number):
        return str(int(number))
    text = f"{number:.15g}"
    if "e" in text:
        text = f"{number:.20f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
