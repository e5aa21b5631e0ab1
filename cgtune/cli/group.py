"""All commands as click has them: `cgtune --help`, `--version`, and one line for a wrong command."""

from __future__ import annotations

from cgtune import __version__
from cgtune.cli.output import write
from cgtune.errors import CgtuneError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

COMMANDS = {
    "run": "Start a program with the container's figures.",
    "inspect": "Show what this container gives, and which file says so.",
}


def main(words: Sequence[str]) -> int:
    """Run click's side of the command line; the exit code."""
    if not words:
        raise UsageError("no command: cgtune run -- PROGRAM…, or cgtune inspect; cgtune --help shows all")
    if words[0] == "--version":
        return write(f"cgtune {__version__}\n")
    try:
        import click
    except ImportError:
        raise CgtuneError("only `run` and `inspect` work without click: pip install click") from None
    if not words[0].startswith("-") and words[0] not in COMMANDS:
        raise UsageError(f"no such command {words[0]}{_suggest(words[0])}")
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


def _suggest(word: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, COMMANDS, 1)
    return f" (did you mean {close[0]}?)" if close else "; cgtune --help lists them"


def _make_group() -> click.Group:
    import click

    @click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
    @click.version_option(__version__, message="cgtune %(version)s")
    def group() -> None:
        """Make a program use what its container really has."""

    # Only listed here: the dispatcher takes the two before click is loaded.
    for name, purpose in COMMANDS.items():
        group.add_command(click.Command(name, short_help=purpose))
    return group
