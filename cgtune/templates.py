"""Templates for the user's own variables: text with arithmetic in braces. Pure.

    "{workers * 4}"    "{memory_mib // 8}m"    "{max(1, floor(cpus))}"    "{{literal braces}}"

    template  =  ( text | "{{" | "}}" | "{" sum "}" )*
    sum       =  product ( ("+" | "-") product )*
    product   =  factor ( ("*" | "/" | "//" | "%") factor )*
    factor    =  "-" factor | number | name | "(" sum ")" | function "(" sum ( "," sum )* ")"

What stands in the braces becomes the steps that expressions.py works out.
"""

from __future__ import annotations

from cgtune.expressions import FUNCTIONS, NAMES, NEGATE, work_out, write_number
from cgtune.messages import suggest
from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cgtune.expressions import Expression, Number, Step

_LONGEST_CHARACTERS = 1000
_DEEPEST = 50
_SIGNS = ("//", "+", "-", "*", "/", "%", "(", ")", ",", "}")


class TemplateError(ValueError):
    """A template that cannot be understood, with the character at which that shows."""

    def __init__(self, index: int, problem: str) -> None:
        super().__init__(f"at character {index + 1}: {problem}")


class Template(Record):
    """What parse_template understood: texts and expressions, in their order."""

    text: str
    parts: tuple[str | Expression, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The figures it needs, each once."""
        steps = [step for part in self.parts if isinstance(part, tuple) for step in part]
        return tuple(dict.fromkeys(step for step in steps if isinstance(step, str) and step in NAMES))

    def render(self, values: Mapping[str, Number | None]) -> str:
        """The text with its expressions worked out; Unresolved says why that cannot be done."""
        return "".join(part if isinstance(part, str) else write_number(work_out(part, values)) for part in self.parts)


def parse_template(text: str) -> Template:
    """A template; TemplateError points at the character that is wrong."""
    if len(text) > _LONGEST_CHARACTERS:
        raise TemplateError(_LONGEST_CHARACTERS, f"longer than {_LONGEST_CHARACTERS} characters")
    parts: list[str | Expression] = []
    plain = ""
    index = 0
    while index < len(text):
        char = text[index]
        if char in "{}" and text[index + 1 : index + 2] == char:
            plain += char
            index += 2
        elif char == "{":
            parts.extend([plain] if plain else [])
            plain = ""
            parser = _Parser(text, index + 1)
            parts.append(parser.parse())
            index = parser.end
        elif char == "}":
            raise TemplateError(index, "unexpected '}'; a brace of your own is written twice")
        else:
            plain += char
            index += 1
    parts.extend([plain] if plain else [])
    return Template(text=text, parts=tuple(parts))


class _Parser:
    """Reads one expression, from behind its opening brace to behind its closing one, at `end`."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.steps: list[Step] = []
        self.depth = 0
        # The word in hand: where it begins and ends, and what it is.
        self.start = self.end = start
        self.word = ""
        self._next()

    def parse(self) -> Expression:
        """The steps, in the order of their doing."""
        self._sum()
        if self.word != "}":
            raise self._unexpected()
        return tuple(self.steps)

    def _sum(self) -> None:
        self._chain(self._product, ("+", "-"))

    def _product(self) -> None:
        self._chain(self._factor, ("*", "/", "//", "%"))

    def _chain(self, read_operand: Callable[[], None], operators: tuple[str, ...]) -> None:
        read_operand()
        while self.word in operators:
            operator = self.word
            self._next()
            read_operand()
            self.steps.append(operator)

    def _factor(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._error(f"nested deeper than {_DEEPEST}")
        word, start = self.word, self.start
        if word == "-":
            self._next()
            self._factor()
            self.steps.append(NEGATE)
        elif word == "(":
            self._next()
            self._sum()
            self._close()
        elif _is_digit(word[:1]):
            self.steps.append(self._number(word))
            self._next()
        elif _is_letter(word[:1]):
            self._next()
            if word in FUNCTIONS:
                self._call(word, start)
            elif word in NAMES:
                self.steps.append(word)
            else:
                hint = suggest(word, [*NAMES, *FUNCTIONS]) or f"; there are {', '.join(NAMES)}"
                raise TemplateError(start, f"no such name: {_cut(word)}{hint}")
        else:
            raise self._unexpected()
        self.depth -= 1

    def _call(self, function: str, start: int) -> None:
        if self.word != "(":
            raise TemplateError(start, f"{function} wants its numbers in parentheses")
        count = 0
        while self.word == "," or count == 0:
            self._next()
            self._sum()
            count += 1
        self._close()
        least, most = FUNCTIONS[function]
        if not least <= count <= most:
            wanted = "one number" if most == 1 else "two numbers or more"
            raise TemplateError(start, f"{function} takes {wanted}, not {count}")
        self.steps.append((function, count))

    def _close(self) -> None:
        if self.word != ")":
            raise self._unexpected()
        self._next()

    def _number(self, word: str) -> Number:
        try:
            # float() would read 1_000 as well, and not exactly.
            number = int(word) if word.isdigit() else float(word.replace("_", "?"))
        except ValueError:
            raise self._error(f"{_cut(word)} is no number") from None
        if number == float("inf"):
            raise self._error(f"{_cut(word)} is too large")
        return number

    def _next(self) -> None:
        """Take the next word in hand: a sign, a number, a name, or "" at the end."""
        self.start = self.end
        while self.text[self.start : self.start + 1] in (" ", "\t"):
            self.start += 1
        rest = self.text[self.start : self.start + 2]
        self.end = self.start + len(rest[:1])
        for sign in _SIGNS:
            if rest.startswith(sign):
                self.end = self.start + len(sign)
                break
        else:
            if _is_digit(rest[:1]) or _is_letter(rest[:1]):
                self._grow()
        self.word = self.text[self.start : self.end]

    def _grow(self) -> None:
        """Take in all that belongs to a name or a number; 1e-3 has a sign in it."""
        is_number = not _is_letter(self.text[self.start])
        while self.end < len(self.text):
            char, before = self.text[self.end], self.text[self.end - 1]
            is_exponents = is_number and char in "+-" and before in "eE"
            if not (_is_letter(char) or (_is_digit(char) and (is_number or char != ".")) or is_exponents):
                break
            self.end += 1

    def _unexpected(self) -> TemplateError:
        if not self.word:
            return self._error("the closing } is missing")
        return self._error(f"unexpected {self.word!r}" if len(self.word) <= 40 else "unexpected text")

    def _error(self, problem: str) -> TemplateError:
        return TemplateError(self.start, problem)


def _is_letter(char: str) -> bool:
    return char == "_" or (char.isascii() and char.isalpha())


def _is_digit(char: str) -> bool:
    """Whether a number may begin with it."""
    return char == "." or (char.isascii() and char.isdigit())


def _cut(word: str) -> str:
    return word if len(word) <= 40 else word[:40] + "…"
