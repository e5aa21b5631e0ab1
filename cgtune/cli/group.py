"""All commands as click has them: `cgtune --help`, `--version`, and one line for a wrong command.

The commands of the option table parse their own words, by `options.parse_arguments`: one parser, one kind of
message, and none of them needs click.
"""

from __future__ import annotations

from cgtune import __version__
from cgtune.cli.output import write
from cgtune.errors import CgtuneError, UsageError
from cgtune.messages import suggest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

COMMANDS = {
    "run": "Start a program with the container's figures.",
    "inspect": "Show what this container gives, and which file says so.",
    "plan": "Show what run would set, and why.",
    "measure": "Measure the memory that one worker needs.",
    "completion": "Print the completion of bash, zsh or fish.",
}


def main(words: Sequence[str]) -> int:
    """Run one command, or what is asked of cgtune itself; the exit code."""
    if not words:
        raise UsageError("no command: cgtune run -- PROGRAM…, or cgtune inspect; cgtune --help shows all")
    word = words[0]
    if word in COMMANDS:
        # By name: only the one that is asked for is loaded.
        return int(__import__(f"cgtune.cli.{word}", fromlist=["main"]).main(words[1:]))
    if word in ("-V", "--version", "version"):
        return write(f"cgtune {__version__}\n")
    if word == "help":
        # `help run` is `run --help`.
        return main([*words[1:2], "--help"])
    if not word.startswith("-"):
        raise UsageError(f"no such command {word}{suggest(word, list(COMMANDS)) or '; cgtune --help lists them'}")
    return _ask_click(words)


def _ask_click(words: Sequence[str]) -> int:
    try:
        import click
    except ImportError:
        raise CgtuneError("this needs click: pip install click; cgtune run --help works without") from None
    group = _make_group()
    if words[0] in ("-h", "--help"):
        # click's own writing has no answer for a full or closed stdout.
        return write(group.get_help(click.Context(group, info_name="cgtune")) + "\n")
    try:
        return int(group.main(list(words), prog_name="cgtune", standalone_mode=False) or 0)
    except click.NoSuchOption as error:
        raise UsageError(f"no such option {error.option_name}; cgtune --help lists them") from None
    except click.ClickException as error:
        message = error.format_message().rstrip(".")
        raise UsageError(message[:1].lower() + message[1:]) from None
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        return 130


def _make_group() -> click.Group:
    import click

    @click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
    @click.version_option(__version__, "-V", "--version", message="cgtune %(version)s")
    def group() -> None:
        """Make a program use what its container really has."""

    # Only listed here: they are taken before click is loaded.
    for name, purpose in COMMANDS.items():
        group.add_command(click.Command(name, short_help=purpose))
    return group
