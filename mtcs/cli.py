"""The command line: the list of commands, and how one that fails ends."""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from mtcs import __version__
from mtcs.errors import INTERRUPTED, MtcsError, WorkError, one_line
from mtcs.help import SectionedCommand, SectionedGroup
from mtcs.process import bounded_spinning, check_address_space, usable_streams
from mtcs.stages import OWN, STAGES


class _Group(SectionedGroup):
    """Ends a failed command with one line and its exit code; the traceback is for --debug."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().make_context(*args, **kwargs)
        except (Exception, KeyboardInterrupt) as error:
            if _is_usage(error) or isinstance(error, KeyboardInterrupt):
                raise typer.Exit(_report(error)) from None
            raise

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (BrokenPipeError, typer.Exit, typer.Abort):  # the reader of our output is gone, which is its right
            raise
        except (Exception, KeyboardInterrupt) as error:
            if ctx.params.get("debug") and not _is_usage(error):
                traceback.print_exception(error)
            raise typer.Exit(_report(error)) from None


class _Command(SectionedCommand):
    """Refuses an empty argument and an empty path: `Path("")` would be the current folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        rest = super().parse_args(ctx, args)
        parameters: list[Any] = self.get_params(ctx)
        for one in parameters:
            named = one.param_type_name == "argument" or isinstance(ctx.params.get(one.name), Path)
            if named and given.get(one.name) == "" and not ctx.resilient_parsing:
                raise typer.BadParameter("it is empty, perhaps a variable that is not set", ctx, one)
        return rest


def _is_usage(error: BaseException) -> bool:
    """Whether typer could not make sense of the command line; no arguments at all are help, and no mistake."""
    return hasattr(error, "format_message") and type(error).__name__ != "NoArgsIsHelpError"


def _report(error: BaseException) -> int:
    """Write the one line of an error to standard error; its exit code."""
    message, code = _error_line(error)
    typer.echo(f"mtcs: {one_line(message)}", err=True)
    return code


def _error_line(error: BaseException) -> tuple[str, int]:
    """The one line and the exit code of an error."""
    if _is_usage(error):
        return _usage_line(error), 2
    if isinstance(error, MtcsError):
        return str(error), error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, 130
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or _NO_MEMORY.search(str(error)):
        return (
            "Out of memory; take a smaller `schedule.batch_size` of the method or `classifiers.svm.max_train`, fewer "
            "--workers, or a larger machine.",
            1,
        )
    if isinstance(error, OSError):
        name = error.filename2 or error.filename  # the second: what a file was to be called
        return f"{error.strerror or error}{f': {name}' if name else ''}.", 1
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first} (a defect of mtcs; --debug shows where)", 1


def _usage_line(error: Any) -> str:
    """What is wrong with the command line, the value that was given, and where to read about it."""
    message = error.format_message().replace("Value error, ", "").rstrip(".")
    wrong = getattr(error.__cause__, "errors", list)()  # of pydantic
    if wrong and repr(given := wrong[0]["input"]) not in message:
        message += f" (is {given})"
    end = "" if message.endswith("?") else "."
    return f"{message}{end} See '{error.ctx.command_path} --help'."


_NO_MEMORY = re.compile(
    "allocate memory|failed to map segment|can't start new thread|could not create a primitive", re.IGNORECASE
)
"""Of errors of torch, the loader of libraries, and Python."""

app = typer.Typer(cls=_Group, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mtcs {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Learn many time-series data sets together: one encoder, softly shared heads, SVMs on its representations.

    For series of your own, fit writes one file; predict, inspect and export need only that file.

    Stages of the pipeline run in this order: download, normalize, train, represent, classify, measure, report; 'dvc
    repro' runs those that are out of date. They read params.yaml and data/ of the current folder.
    """


_PIPELINE = "The pipeline of params.yaml"

for _stage in STAGES:
    app.command(cls=_Command, rich_help_panel="Your own series" if _stage in OWN else _PIPELINE)(_stage)


def main() -> None:
    """Run the command line, of which `mtcs.__main__` is the entry point."""
    usable_streams()
    bounded_spinning()
    try:
        check_address_space()
        app()
    except (OSError, WorkError) as error:  # of help, too, which is written before a command is invoked
        sys.exit(_report(error))
