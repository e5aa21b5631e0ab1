"""A plan as text that other programs read: variables in their own notations. Pure.

| format | a line | for |
|---|---|---|
| env | `NAME=value` | `docker run --env-file`, systemd's EnvironmentFile |
| shell | `export NAME='value'` | `eval "$(cgtune plan --format shell -- …)"` |
| dotenv | `NAME="value"` | .env files |
| docker | `ENV NAME="value"` | a Dockerfile |
| kubernetes | `- name: NAME` and `value: "value"` | a container's env |

`shell` carries all that `run` would set, so that the program is told the same; the others carry the settings
themselves, for a file that stays. What only argv can carry, or only the interpreter, is a comment.
"""

from __future__ import annotations

from cgtune.apply import apply_to_environment, is_new
from cgtune.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.settings import Setting

NAMES = ("env", "shell", "dotenv", "docker", "kubernetes")


def format_plan(plan: Plan, name: str, environment: Mapping[str, str]) -> str:
    """The text; `environment` is what the plan was made for."""
    lines = [f"# {notice.message}" for notice in plan.notices]
    if name == "shell":
        after = apply_to_environment(plan, environment)
        changed = {key: value for key, value in after.items() if environment.get(key) != value}
        lines += [f"export {key}={quote_for_shell(value)}" for key, value in changed.items()]
    else:
        for setting in plan.settings:
            if is_new(setting) and setting.via == "env" and setting.name != "PYTHONPATH":
                lines += _lines(name, setting)
    for setting in plan.settings:
        if is_new(setting) and (setting.via == "argv" or (setting.via == "inject" and name != "shell")):
            how = "add to the command" if setting.via == "argv" else "only `cgtune run` can set this"
            lines.append(_one_line(f"# {setting.name} {setting.value}   ({how}: {setting.reason})"))
    return "".join(f"{line}\n" for line in lines)


def _lines(name: str, setting: Setting) -> list[str]:
    value = setting.value
    if name == "env":
        # This notation has no way to write a line end.
        return [f"{setting.name}={value}"] if "\n" not in value else [f"# {setting.name}: a value of several lines"]
    if name == "dotenv":
        return [f"{setting.name}={_quote(value, also='$')}"]
    if name == "docker":
        return [f"ENV {setting.name}={_quote(value, also='$')}"]
    return [f"- name: {setting.name}", f"  value: {_quote_for_kubernetes(value)}"]


def quote_for_shell(text: str) -> str:
    """One word of sh, whatever is in it."""
    if text and all(char.isalnum() or char in "_-.,:/=+%@" for char in text) and text.isascii():
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _quote(text: str, also: str = "") -> str:
    for char in ("\\", '"', *also):
        text = text.replace(char, f"\\{char}")
    return '"' + text.replace("\n", "\\n") + '"'


def _quote_for_kubernetes(text: str) -> str:
    # Kubernetes expands $(NAME) in values; $$ is one $.
    return _quote(text.replace("$(", "$$("))


def _one_line(text: str) -> str:
    return text.replace("\n", " ")
