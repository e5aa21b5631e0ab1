"""The completion of each shell, with @NAMES@ where completion.py puts what the option table says."""

from __future__ import annotations

BASH = """\
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

ZSH = """\
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

FISH = """\
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
