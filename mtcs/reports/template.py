"""The templates of reports, and what they write values with."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache
from shlex import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from mtcs.errors import counted
from mtcs.reports import tables
from mtcs.reports.analysis.significance import LEVEL
from mtcs.reports.figures.drawing import DARK, THEME
from mtcs.reports.writing import enumerated, number, percent, signed


def template(name: str) -> Template:
    """A template, which escapes what is put into it where it makes a page, and has the filters and names of all."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mtcs", "reports"),
        autoescape=lambda name: name is not None and ".html." in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters = (breakable, counted, enumerated, named, number, percent, quote, signed, stacked, tables.markdown)
    environment.filters |= {one.__name__: one for one in filters}
    environment.tests["known"] = lambda value: not math.isnan(value)
    environment.tests["marked"] = lambda cell: isinstance(cell, tables.Marked)
    environment.globals |= {"dark": DARK, "left": tables.LEFT, "level": LEVEL, "theme": THEME}
    return environment


def named(methods: Sequence[str], most: int = 6, others: str = "other methods") -> str:
    """Methods by name, or of more than a reader would read, how many there are."""
    return enumerated(methods) if len(methods) <= most else f"{len(methods)} {others}"


def breakable(name: str) -> Markup:
    """A name that may be broken before capitals and after joining marks, so that a narrow column can hold it."""
    return Markup("<wbr>").join(re.split(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[_-])(?=.)", str(name)))


def stacked(cell: object) -> Markup:
    """A cell with its deviation below its mean."""
    return Markup(re.sub(r" (± [\d.]+)", r"<small>\1</small>", str(escape(cell))))
