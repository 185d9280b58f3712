r"""Reader of `.arff` files of the archive: numeric attributes, one a time step, and labels as a nominal one at the end.

Of several channels, the first attribute is relational: a quoted text in which `\n` ends a channel.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mtcs.data.text import InvalidData, check_characters, check_count, parse_values, read_lines
from mtcs.errors import listed, quoted

_ATTRIBUTE = re.compile(r"""@attribute\s+('[^']*'|"[^"]*"|\S+)\s+(\{.*\}|\S+)\s*""", re.IGNORECASE)
_NUMERIC = ("numeric", "real", "integer")


def read_arff(path: Path) -> tuple[list[np.ndarray], list[str | None]]:
    """Series (T_i,) or (channels, T_i) float64, NaN where a value is missing, and labels; None where one is `?`.

    Raises:
        InvalidData: with the line, if the file holds anything else.
        OSError: if it cannot be read.
    """
    steps, nested, classes = 0, False, None
    series, labels, in_data = [], [], False
    for number, line in read_lines(path):
        where, text = f"{path.name}, line {number}", line.strip(" \t")
        if not text or text.startswith("%"):
            continue
        check_characters(where, text[:1000])
        if in_data:
            channels, label = _row(where, text, nested, classes)
            if not nested and len(channels[0]) != steps:
                raise InvalidData(
                    f"{where} has {len(channels[0])} values, its header states {steps} numeric attributes"
                )
            series.append(channels[0] if len(channels) == 1 else np.stack(channels))
            labels.append(label)
            check_count(path.name, len(labels))
        elif text.lower().startswith("@attribute"):
            kind = _kind(where, text)
            if kind.startswith("{"):
                classes = [_unquoted(one) for one in kind[1:-1].split(",")]
            elif kind.lower() == "relational":
                nested = True
            elif kind.lower() in _NUMERIC:
                steps += 1
            else:
                raise InvalidData(
                    f"{where}: attribute of type {quoted(kind)}, expected numeric ones and labels in {{}}"
                )
        elif text.lower() == "@data":
            in_data = True
        elif not text.lower().startswith(("@relation", "@end")):
            raise InvalidData(f"{where}: {quoted(text)}, expected @relation, @attribute, @end or @data")
    if not in_data or not series:
        raise InvalidData(f"{path.name} has no {'series' if in_data else 'line @data'}, expected at least one")
    return series, labels


def _kind(where: str, text: str) -> str:
    attribute = _ATTRIBUTE.fullmatch(text)
    if attribute is None:
        raise InvalidData(f"{where}: {quoted(text)}, expected '@attribute NAME numeric' or '@attribute NAME {{a,b}}'")
    return attribute[2]


def _row(where: str, text: str, nested: bool, classes: list[str] | None) -> tuple[list[np.ndarray], str | None]:
    """Channels (T,) and the label of a line of data."""
    if nested:
        bag = re.fullmatch(r"""(['"])([^'"]*)\1\s*(?:,(.*))?""", text)
        if bag is None:
            raise InvalidData(
                f"{where}: {quoted(text)}, expected channels in quotes with '\\n' between them, and a label"
            )
        parts, label = bag[2].split("\\n"), bag[3]
    elif classes is not None:
        values, _, label = text.rpartition(",")
        parts = [values]
    else:
        parts, label = [text], None
    channels = [parse_values(where, part, ",", "?") for part in parts]
    if len({len(channel) for channel in channels}) > 1:
        sizes = " and ".join(map(str, sorted({len(channel) for channel in channels})))
        raise InvalidData(f"{where} has channels of {sizes} values, expected as many in each")
    if classes is None or label is None:
        return channels, None
    label = _unquoted(label)
    if label != "?" and label not in classes:
        raise InvalidData(f"{where}: label {quoted(label)}, expected one of its header's: {listed(classes)}")
    return channels, None if label == "?" else label


def _unquoted(text: str) -> str:
    text = text.strip(" \t")
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
