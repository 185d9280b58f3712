"""The command line: one command a stage, those that use what stages leave, one that begins, two that list."""

from __future__ import annotations

import io
import os
import re
import resource
import sys
import traceback
from typing import Annotated, Any

import typer

from mtcs import __version__
from mtcs.errors import MtcsError, WorkError, one_line
from mtcs.help import SectionedCommand, SectionedGroup
from mtcs.stages import OWN, STAGES
from mtcs.stages.options import SomeSuite
from mtcs.stages.options import experiment as read_params


class _Group(SectionedGroup):
    """Ends a failed command with one line and its exit code; the traceback is for --debug."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().make_context(*args, **kwargs)
        except Exception as error:
            if _is_usage(error):
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
        return "Interrupted; stages of the pipeline go on from where they were, other commands start anew.", 130
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
    app.command(cls=SectionedCommand, rich_help_panel="Your own series" if _stage in OWN else _PIPELINE)(_stage)


@app.command(cls=SectionedCommand, rich_help_panel=_PIPELINE)
def suites(only: SomeSuite = None) -> None:
    """List the suites of params.yaml, their tasks, and the sizes that the UCR archive gives them."""
    from mtcs.data.published import published_sizes
    from mtcs.data.text import counted

    sizes = published_sizes()
    params = read_params()
    for name, suite in (params.suites if only is None else {only: params.suite(only)}).items():
        known = [sizes[task] for task in suite.tasks if task in sizes]
        total = f", {sum(s.n_train for s in known):,} training series, {sum(s.n_classes for s in known)} labels"
        total = total if len(known) == len(suite.tasks) else ""
        n = suite.labels_per_class
        few = "" if n is None else f", of which at most {n:,} of each label are kept, draw {suite.draw or 0}"
        typer.echo(f"{name}: {counted(len(suite.tasks), 'task')}{total} (from {suite.source}){few}")
        for task in suite.tasks:
            size = sizes.get(task)
            facts = "not in the UCR archive"
            if size is not None:
                facts = f"{size.n_train:6} train {size.n_test:6} test {size.n_classes:3} labels"
                facts += f"  length {size.length or 'varies'}"
            typer.echo(f"  {task:28} {facts}")


@app.command(cls=SectionedCommand, rich_help_panel=_PIPELINE)
def methods() -> None:
    """List the methods of params.yaml and their parameters."""
    from mtcs.config.parameters import effective

    experiment = read_params()
    for name in experiment.known:
        note = ", a variant for the table of ablations" if name in experiment.ablation else ""
        if name in experiment.readings:
            reading = experiment.readings[name]
            own = f" and of an encoder trained without {reading.held_out:g} of each task" if reading.held_out else ""
            typer.echo(f"{name}: representations of {reading.representations_of}{own}, classifier {reading.classifier}")
            continue
        typer.echo(f"{name}: one model for {'each task' if name in experiment.single_task else 'a suite'}{note}")
        for parameter, value in effective(experiment.methods[name].model_dump(mode="json")).items():
            if isinstance(value, dict):
                value = ", ".join(f"{k} {v}" for k, v in value.items() if v is not None)
            typer.echo(f"  {parameter:16} {value}")


def main() -> None:
    """Entry point of the `mtcs` command."""
    usable_streams()
    bounded_spinning()
    try:
        check_address_space()
        app()
    except (OSError, WorkError) as error:  # of help, too, which is written before a command is invoked
        sys.exit(_report(error))


def usable_streams() -> None:
    """Make standard streams take whatever is written: letters they lack are escaped, a closed one leads nowhere.

    A closed one would be the next file that is opened, into which libraries write their warnings then.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest descriptor that is free
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def check_address_space() -> None:
    """Refuse a limit on memory (`ulimit -v`) below what libraries need: they abort, hang or blame a file then.

    Raises:
        WorkError: if there is such a limit.
    """
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < ADDRESS_SPACE:
        raise WorkError(
            f"Memory is limited to {limit / 1e9:.1f} GB of addresses (ulimit -v), and the libraries of mtcs need "
            f"{ADDRESS_SPACE / 1e9:.0f} GB; raise that limit."
        )


ADDRESS_SPACE = 2_000_000_000
"""Bytes, with which every command works on small data; at 1.5 GB threads of libraries hang."""


def bounded_spinning() -> None:
    """Threads that wait for one that is not running soon give way; read by the OpenMP library when torch loads it.

    By default they spin for milliseconds, while the thread that they wait for may want their core. What the user has
    set stays. `benchmarks/threads.py` measures what it is worth on a machine.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
