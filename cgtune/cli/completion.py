"""`cgtune completion bash|zsh|fish`: a script for that shell, made from the option table.

    bash    source <(cgtune completion bash)            in ~/.bashrc
    zsh     source <(cgtune completion zsh)             in ~/.zshrc, after compinit
    fish    cgtune completion fish | source             in config.fish

Each completes commands, options and their choices; where the program begins, the program is completed as if it
stood alone. Nothing of cgtune runs when a key is pressed.
"""

from __future__ import annotations

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

_BASH = """\
# bash completion of cgtune; made by `cgtune completion bash`
_cgtune() {
    local IFS=$' \\t\\n' current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}
    local index=2 value option='' program='' prefix=''
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W '@COMMANDS@' -- "$current"))
        return
    fi
    while ((index < COMP_CWORD)) && [[ ! $program ]]; do
        case ${COMP_WORDS[index]} in
            --) program=$((index + 1)) ;;
            @WITH_VALUE@)
                value=$((index + 1))
                # Bash takes --option=value apart.
                [[ ${COMP_WORDS[value]} == = ]] && ((value++))
                ((value >= COMP_CWORD)) && option=${COMP_WORDS[index]}
                ((value > COMP_CWORD)) && current=''
                index=$((value + 1))
                ;;
            -?*) ((index++)) ;;
            *) program=$index ;;
        esac
    done
    if [[ ! $program && $current == --*=* ]]; then
        option=${current%%=*} prefix="${current%%=*}=" current=${current#*=}
    fi
    if [[ $option ]]; then
        case $option in
@BASH_VALUES@
        esac
        return
    fi
    if [[ ! $program && $current == -* ]]; then
        case $command in
@BASH_OPTIONS@
        esac
        return
    fi
    case $command in
        @HOSTING@) ;;
        completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$current")); return ;;
        *) return ;;
    esac
    program=${program:-$COMP_CWORD}
    if declare -F _command_offset >/dev/null; then
        _command_offset "$program"
        return
    fi
    # A program may also be a file: ./program.
    ((program == COMP_CWORD)) && _cgtune_files -c || _cgtune_files -f
}
_cgtune_files() {
    local IFS=$'\\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen "$1" -P "$prefix" -- "$current"))
}
complete -F _cgtune cgtune
"""

_ZSH = """\
#compdef cgtune
# zsh completion of cgtune; made by `cgtune completion zsh`
_cgtune() {
    local curcontext=$curcontext state line
    local -a own_commands
    typeset -A opt_args
    _arguments -C '1:command:->command' '*::options:->options'
    case $state in
        command)
            own_commands=(
@ZSH_COMMANDS@
            )
            _describe command own_commands
            ;;
        options)
            # Where the program begins, it is completed as if it stood alone.
            if [[ $words[1] == (@HOSTING@) ]]; then
                local -i index=2
                local is_ended=''
                while ((index < CURRENT)) && [[ ! $is_ended ]]; do
                    case $words[index] in
                        --) is_ended=1; ((index++)) ;;
                        @WITH_VALUE@) ((index += 2)) ;;
                        -?*) ((index++)) ;;
                        *) is_ended=1 ;;
                    esac
                done
                if [[ $is_ended || ($index -eq $CURRENT && $words[CURRENT] != -*) ]]; then
                    words=("${(@)words[index,-1]}")
                    ((CURRENT -= index - 1))
                    _normal
                    return
                fi
            fi
            case $words[1] in
@ZSH_OPTIONS@
            completion) _arguments '1:shell:(bash zsh fish)' ;;
            esac
            ;;
    esac
}
if [[ $funcstack[1] == _cgtune ]]; then
    _cgtune "$@"
else
    compdef _cgtune cgtune
fi
"""

_FISH = """\
# fish completion of cgtune; made by `cgtune completion fish`
function __cgtune_rest --description 'the words behind the options of the command, if the cursor is behind these'
    set -l words (commandline -opc)[3..]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                string escape -- $words
                return 0
            case @FISH_WITH_VALUE@
                set -e words[1]
                set -q words[1]; or return 1
                set -e words[1]
            case '-?*'
                set -e words[1]
            case '*'
                string escape -- $words
                return 0
        end
    end
    return 1
end
function __cgtune_needs_command
    test (count (commandline -opc)) -eq 1
end
function __cgtune_has_command
    set -l words (commandline -opc)
    set -q words[2]; and contains -- $words[2] $argv
end
function __cgtune_is_in_options
    __cgtune_has_command $argv; and not __cgtune_rest >/dev/null
end
function __cgtune_complete_program
    set -l words (__cgtune_rest)
    set -l line (string join ' ' -- $words (commandline -ct))
    string match -q -- '-*' $line; or complete -C"$line"
end
complete -c cgtune -f
@FISH_COMMANDS@
@FISH_OPTIONS@
complete -c cgtune -n '__cgtune_has_command completion' -a 'bash zsh fish'
complete -c cgtune -n '__cgtune_has_command @FISH_HOSTING@' -a '(__cgtune_complete_program)'
"""


def main(words: Sequence[str]) -> int:
    """Print the script for one shell."""
    if list(words) in (["-h"], ["--help"]):
        return write("usage: cgtune completion bash|zsh|fish\n\n" + _HELP)
    if len(words) != 1 or words[0] not in ("bash", "zsh", "fish"):
        raise UsageError("say for which shell: cgtune completion bash, zsh or fish")
    return write(make_script(words[0]))


_HELP = """\
Print the completion of that shell:
  bash   source <(cgtune completion bash)     in ~/.bashrc
  zsh    source <(cgtune completion zsh)      in ~/.zshrc, after compinit
  fish   cgtune completion fish | source      in config.fish
"""


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
        _BASH,
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
        _ZSH,
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
        _FISH,
        {
            "FISH_WITH_VALUE": " ".join(_with_value()),
            "FISH_COMMANDS": "\n".join(commands),
            "FISH_OPTIONS": "\n".join(options),
            "FISH_HOSTING": " ".join(_HOSTING),
        },
    )
