"""`cgtune completion bash|zsh|fish`: a script for that shell, made from the option table.

    bash    source <(cgtune completion bash)            in ~/.bashrc
    zsh     source <(cgtune completion zsh)             in ~/.zshrc, after compinit
    fish    cgtune completion fish | source             in config.fish

Each completes commands, options and their choices; where the program begins, the program is completed as if it
stood alone. Nothing of cgtune runs when a key is pressed.
"""

from __future__ import annotations

from cgtune.cli.completion_scripts import BASH, FISH, ZSH
from cgtune.cli.group import COMMANDS
from cgtune.cli.output import write
from cgtune.errors import UsageError
from cgtune.options import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cgtune.options import Option

# Those with a program behind their options.
_HOSTING = ("run", "plan", "measure")
_HELP = """\
Print the completion of that shell:
  bash   source <(cgtune completion bash)     in ~/.bashrc
  zsh    source <(cgtune completion zsh)      in ~/.zshrc, after compinit
  fish   cgtune completion fish | source      in config.fish
"""


def main(words: Sequence[str]) -> int:
    """Print the script for one shell."""
    if list(words) in (["-h"], ["--help"]):
        return write("usage: cgtune completion bash|zsh|fish\n\n" + _HELP)
    if len(words) != 1 or words[0] not in ("bash", "zsh", "fish"):
        raise UsageError("say for which shell: cgtune completion bash, zsh or fish")
    return write(make_script(words[0]))


def make_script(shell: str) -> str:
    """The script for bash, zsh or fish."""
    if shell == "bash":
        return _make_bash()
    return _make_zsh() if shell == "zsh" else _make_fish()


def _fill(template: str, parts: dict[str, str]) -> str:
    for name, text in parts.items():
        template = template.replace(f"@{name}@", text)
    return template


def _options_of(command: str) -> list[Option]:
    return [option for option in OPTIONS if command in option.commands]


def _with_value() -> list[str]:
    return [f"--{option.name}" for option in OPTIONS if option.kind != "flag"]


def _quote(text: str) -> str:
    """A word as all three shells take it."""
    return "'" + text.replace("'", "'\\''") + "'"


def _make_bash() -> str:
    values = []
    for option in OPTIONS:
        if option.choices:
            action = f"""COMPREPLY=($(compgen -P "$prefix" -W '{" ".join(option.choices)}' -- "$current"))"""
        elif option.metavar in ("FILE", "DIR"):
            action = f"_cgtune_files {'-f' if option.metavar == 'FILE' else '-d'}"
        else:
            continue
        values.append(f"            --{option.name}) {action} ;;")
    lists = []
    for command in COMMANDS:
        names = [f"--{option.name}" for option in _options_of(command)]
        if names:
            lists.append(f"""            {command}) COMPREPLY=($(compgen -W '{" ".join(names)}' -- "$current")) ;;""")
    return _fill(
        BASH,
        {
            "COMMANDS": " ".join(COMMANDS),
            "WITH_VALUE": "|".join(_with_value()),
            "BASH_VALUES": "\n".join(values),
            "BASH_OPTIONS": "\n".join(lists),
            "HOSTING": "|".join(_HOSTING),
        },
    )


def _make_zsh() -> str:
    commands = [f"                {_quote(f'{name}:{purpose}')}" for name, purpose in COMMANDS.items()]
    lists = []
    for command in COMMANDS:
        own = _options_of(command)
        if own:
            specs = [_quote(spec) for option in own for spec in _zsh_specs(option)]
            joined = " \\\n                    ".join(specs)
            lists.append(f"            {command})\n                _arguments -S \\\n                    {joined}")
            lists.append("                ;;")
    return _fill(
        ZSH,
        {
            "ZSH_COMMANDS": "\n".join(commands),
            "ZSH_OPTIONS": "\n".join(lists),
            "HOSTING": "|".join(_HOSTING),
            "WITH_VALUE": "|".join(_with_value()),
        },
    )


def _zsh_specs(option: Option) -> list[str]:
    """As _arguments wants them: [*]--name=[help]:what:action."""
    text = option.help.rstrip(".").replace("[", "(").replace("]", ")")
    often = "*" if option.is_repeatable else ""
    if option.kind == "flag":
        names = [f"--{option.name}", *([f"-{option.short}"] if option.short else [])]
        return [f"{name}[{text}]" for name in names]
    action = f"({' '.join(option.choices)})" if option.choices else ""
    action = {"FILE": "_files", "DIR": "_files -/"}.get(option.metavar, action)
    return [f"{often}--{option.name}=[{text}]:{option.metavar}:{action}"]


def _make_fish() -> str:
    commands = [
        f"complete -c cgtune -n __cgtune_needs_command -a {name} -d {_quote(purpose)}"
        for name, purpose in COMMANDS.items()
    ]
    options = []
    for option in OPTIONS:
        line = f"complete -c cgtune -n '__cgtune_is_in_options {' '.join(option.commands)}' -l {option.name}"
        line += f" -s {option.short}" if option.short else ""
        if option.choices:
            line += f" -x -a {_quote(' '.join(option.choices))}"
        elif option.metavar == "DIR":
            line += " -x -a '(__fish_complete_directories)'"
        elif option.kind != "flag":
            line += " -r -F" if option.metavar == "FILE" else " -x"
        options.append(f"{line} -d {_quote(option.help.rstrip('.'))}")
    return _fill(
        FISH,
        {
            "FISH_WITH_VALUE": " ".join(_with_value()),
            "FISH_COMMANDS": "\n".join(commands),
            "FISH_OPTIONS": "\n".join(options),
            "FISH_HOSTING": " ".join(_HOSTING),
        },
    )
