"""Options of the commands that read series of your own: what they guess of a table, said by the user."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

_PANEL = "How tables are read, where the guess is wrong"

LabelOption = Annotated[
    str | None,
    typer.Option("--label", metavar="COLUMN", help="Labels; 'none': there are none.", rich_help_panel=_PANEL),
]
IdOption = Annotated[
    str | None, typer.Option("--id", metavar="COLUMN", help="Names of the series.", rich_help_panel=_PANEL)
]
TimeOption = Annotated[
    str | None, typer.Option("--time", metavar="COLUMN", help="Times, of one row a time step.", rich_help_panel=_PANEL)
]
TaskColumnOption = Annotated[
    str | None,
    typer.Option("--task-column", metavar="COLUMN", help="Tasks, several in one table.", rich_help_panel=_PANEL),
]
GroupOption = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="COLUMN",
        help="What series come from, as machine or patient: --cv keeps each group's in one fold.",
        rich_help_panel=_PANEL,
    ),
]
ValuesOption = Annotated[
    str | None,
    typer.Option("--values", metavar="COLUMNS", help="Values, as x,y,z or t0:t99.", rich_help_panel=_PANEL),
]
LayoutOption = Annotated[
    Literal["wide", "long"] | None,
    typer.Option("--layout", help="One row a series, or one a time step.", rich_help_panel=_PANEL),
]
HeaderOption = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the first row names columns.", rich_help_panel=_PANEL),
]
SeparatorOption = Annotated[
    str | None,
    typer.Option(
        "--separator", metavar="CHAR", help="A character, or tab, semicolon, comma, space.", rich_help_panel=_PANEL
    ),
]
DecimalOption = Annotated[
    Literal[".", ","] | None, typer.Option("--decimal", help="Decimal points or commas.", rich_help_panel=_PANEL)
]


def column_list(values: str | None) -> list[str] | None:
    """Columns of `--values`."""
    return None if values is None else [name.strip() for name in values.split(",") if name.strip()]
