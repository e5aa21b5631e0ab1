"""A plan as text that other programs read: variables in their own notations. Pure.

| format | a line | for |
|---|---|---|
| env | `NAME=value` | `docker run --env-file`, systemd's EnvironmentFile |
| shell | `export NAME='value'` | `eval "$(cgtune plan --format shell -- …)"` |
| dotenv | `NAME='value'` | .env files: shells and python-dotenv read the same |
| docker | `ENV NAME="value"` | a Dockerfile |
| kubernetes | `- name: "NAME"` and `value: "value"` | a container's env |

`shell` carries all that `run` would set, so that the program is told the same; the others carry the settings
themselves, for a file that stays. What only argv can carry, or only the interpreter, is a comment.

Where `run` puts something in front of a value of the user's, that value is not written, for it may hold a secret:
`shell` has the shell put it there, "$NAME", and leaves it out of the marker; for the others our part is a comment.
"""

from __future__ import annotations

from cgtune.apply import apply_to_environment, is_new
from cgtune.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cgtune.settings import Setting

NAMES = ("env", "shell", "dotenv", "docker", "kubernetes")


def format_plan(
    plan: Plan, name: str, environment: Mapping[str, str], present: Mapping[str, str], remarks: Sequence[str] = ()
) -> str:
    """The text. `environment` is what the plan was made for, `present` what is there, also of a cgtune before us."""
    lines = [_comment(text) for text in (*remarks, *(notice.message for notice in plan.notices))]
    if name == "shell":
        lines += _export(plan, environment, present)
    else:
        for setting in plan.settings:
            if is_new(setting) and setting.via == "env" and setting.name != "PYTHONPATH" and not setting.previous:
                lines += _lines(name, setting)
    for setting in plan.settings:
        if is_new(setting):
            lines += [_comment(text) for text in _remaining(name, setting, present)]
    return "".join(f"{line}\n" for line in lines)


def _export(plan: Plan, environment: Mapping[str, str], present: Mapping[str, str]) -> list[str]:
    whole = plan.replace(settings=tuple(setting for setting in plan.settings if not setting.previous))
    after = apply_to_environment(whole, environment)
    lines = [
        f"export {key}={quote_for_shell(value)}" for key, value in after.items() if environment.get(key) != value
    ]
    for setting in plan.settings:
        if _is_put_in_front(setting, present):
            ours = setting.value.removesuffix(setting.previous or "")
            lines.append(f'export {setting.name}={quote_for_shell(ours)}"${setting.name}"')
    return lines


def _is_put_in_front(setting: Setting, present: Mapping[str, str]) -> bool:
    """Whether the shell can do so: its variable holds the user's own value, and no more."""
    return is_new(setting) and bool(setting.previous) and present.get(setting.name) == setting.previous


def _remaining(name: str, setting: Setting, present: Mapping[str, str]) -> list[str]:
    """What a variable of this format cannot say."""
    value, reason = setting.shown, setting.reason
    if setting.via == "argv" and setting.name.startswith("$("):
        return [f"in the command, {setting.name} is {value}   ({reason})"]
    if setting.via == "argv":
        return [f"add to the command: {setting.name} {value}   ({reason})"]
    if setting.via == "inject":
        return [] if name == "shell" else [f"{setting.name} {value}   (only `cgtune run` can set this: {reason})"]
    # PYTHONPATH is but the way to the interpreter, which these lines tell of already.
    is_told = _is_put_in_front(setting, present) if name == "shell" else setting.name == "PYTHONPATH"
    if not setting.previous or is_told:
        return []
    return [f"{setting.name} {value}   (put it in front of your own value: {reason})"]


def _lines(name: str, setting: Setting) -> list[str]:
    value = setting.value
    if name == "env":
        # This notation has no way to write a line end.
        return [f"{setting.name}={value}"] if "\n" not in value else [f"# {setting.name}: a value of several lines"]
    if name == "dotenv":
        quoted = _quote_for_dotenv(value)
        return [
            f"# {setting.name}: no notation that all readers of such files agree on"
            if quoted is None
            else f"{setting.name}={quoted}"
        ]
    if name == "docker":
        return [f"ENV {setting.name}={_quote(value, also='$')}"]
    return [f"- name: {_quote(setting.name)}", f"  value: {_quote_for_kubernetes(value)}"]


def quote_for_shell(text: str) -> str:
    """One word of sh, whatever is in it."""
    if text and all(char.isalnum() or char in "_-.,:/=+%@" for char in text) and text.isascii():
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _quote_for_dotenv(text: str) -> str | None:
    """In single quotes, else in double ones; None where readers differ (tried with dash, bash, python-dotenv 1.2)."""
    if "${" in text:
        # python-dotenv expands it in quotes of either kind.
        return None
    # In single quotes it takes a backslash before another one, or before the quote, away.
    if "'" not in text and "\\\\" not in text and text[-1:] != "\\" and "\n" not in text:
        return f"'{text}'"
    # In double ones a shell expands these, and only a shell takes a backslash before them away.
    return None if any(char in text for char in "$`\n") else _quote(text)


def _quote(text: str, also: str = "") -> str:
    for char in ("\\", '"', *also):
        text = text.replace(char, f"\\{char}")
    return '"' + text.replace("\n", "\\n") + '"'


def _quote_for_kubernetes(text: str) -> str:
    # Kubernetes expands $(NAME) in values; $$ is one $.
    return _quote(text.replace("$", "$$"))


def _comment(text: str) -> str:
    return "# " + text.replace("\n", " ")
