"""Options of the commands that read series of your own: what they guess of a table, said by the user."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Literal

import typer

from mtcs.data.table_options import TableOptions
from mtcs.stages.options import comma_list

_PANEL = "How tables are read, where the guess is wrong"


def _option(name: str, metavar: str | None, help: str) -> Any:
    return typer.Option(name, metavar=metavar, help=help, rich_help_panel=_PANEL)


def _table_options(
    label: Annotated[str | None, _option("--label", "COLUMN", "Labels; 'none': there are none.")] = None,
    id: Annotated[str | None, _option("--id", "COLUMN", "Names of the series.")] = None,
    time: Annotated[str | None, _option("--time", "COLUMN", "Times, of one row per time step.")] = None,
    task_column: Annotated[str | None, _option("--task-column", "COLUMN", "Tasks, several in one table.")] = None,
    group: Annotated[
        str | None,
        _option(
            "--group", "COLUMN", "What series come from, as machine or patient: --cv keeps each group's in one fold."
        ),
    ] = None,
    values: Annotated[str | None, _option("--values", "COLUMNS", "Values, as x,y,z or t0:t99.")] = None,
    layout: Annotated[
        Literal["wide", "long"] | None, _option("--layout", None, "One row per series, or per time step.")
    ] = None,
    header: Annotated[
        bool | None, _option("--header/--no-header", None, "Whether the first row names columns.")
    ] = None,
    separator: Annotated[
        str | None, _option("--separator", "CHAR", "A character, or tab, semicolon, comma, space.")
    ] = None,
    decimal: Annotated[Literal[".", ","] | None, _option("--decimal", None, "Decimal points or commas.")] = None,
) -> TableOptions:
    columns = None if values is None else comma_list(values)
    return TableOptions(label, id, time, task_column, group, columns, layout, header, separator, decimal)


def with_table_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command, whose parameter `tables` is given on the command line by an option for each of `TableOptions`."""
    own, options = inspect.signature(command, eval_str=True), inspect.signature(_table_options, eval_str=True)

    @wraps(command)
    def with_options(**given: Any) -> None:
        known = {name: given.pop(name) for name in options.parameters}
        command(**given, tables=_table_options(**known))

    parameters = [one for one in own.parameters.values() if one.name != "tables"] + list(options.parameters.values())
    with_options.__signature__ = own.replace(parameters=parameters)  # pyright: ignore[reportAttributeAccessIssue]
    with_options.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_options
