"""All commands as click has them: `cgtune --help`, `--version`, and one line for a wrong command."""

from __future__ import annotations

from cgtune.errors import CgtuneError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    import click


def main(words: Sequence[str]) -> int:
    """Run click's side of the command line; the exit code."""
    try:
        import click
    except ImportError:
        if list(words) == ["--version"]:
            return _write_version()
        raise CgtuneError("only `run` and `inspect` work without click: pip install click") from None
    try:
        return int(_make_group(click).main(list(words), prog_name="cgtune", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        from cgtune.cli.output import write

        return write(error.format_message() + "\n")
    except click.ClickException as error:
        message = error.format_message().rstrip(".")
        raise UsageError(message[:1].lower() + message[1:]) from None
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        return 130


def _write_version() -> int:
    from cgtune import __version__
    from cgtune.cli.output import write

    return write(f"cgtune {__version__}\n")


def _make_group(click_module: object) -> click.Group:
    import click

    from cgtune import __version__

    @click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
    @click.version_option(__version__, message="cgtune %(version)s")
    def group() -> None:
        """Make a program use what its container really has."""

    # Reached only by `cgtune --help`: the dispatcher takes both before click is loaded.
    @group.command("run", short_help="Start a program with the container's figures.")
    def run() -> None: ...

    @group.command("inspect", short_help="Show what this container gives, and which file says so.")
    def inspect() -> None: ...

    return group
