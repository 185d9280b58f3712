"""Reading `params.yaml`: its first mistake as one line, with the parameter, its value and the condition."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from mtcs.config.experiment import Experiment
from mtcs.config.parameter_file import read_yaml
from mtcs.errors import InputError
from mtcs.files import regular


def read_experiment(path: Path) -> Experiment:
    """Read and check `params.yaml`.

    Raises:
        InputError: one line naming the parameter, its value and the condition.
    """
    try:
        values = read_yaml(regular(path).read_text(encoding="utf-8"))
        if values is None:
            raise InputError(f"{path} is empty; write it as the one of the project.")
        experiment = Experiment.model_validate(values)
        if mistake := _word_for_another_value(values):
            raise InputError(f"{path}: {mistake}.")
        return experiment
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; run mtcs in the folder that holds params.yaml.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; run mtcs in the folder that holds the file params.yaml.") from None
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        problem = str(error.problem).partition(' with value "')[0]  # of a duplicate key: its values may be long
        raise InputError(f"{path}: {line}{problem}.") from error
    except ValidationError as error:
        raise InputError(f"{path}: {_first_fault(error)}.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line} is not UTF-8; save it as UTF-8.") from error
    except YAMLError as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}.") from error


def _word_for_another_value(values: Any) -> str | None:
    """The first text where a number, or true or false, is expected, or one of these for a number: `depth: '012'`.

    Pydantic takes such a word for its value, unless it is strict, as it is here; strict in all else would refuse lists
    for tuples and 1e3 for 1000.
    """
    try:
        Experiment.model_validate(_with_tuples(values), strict=True)
    except ValidationError as error:
        for one in error.errors():
            if isinstance(one["input"], bool):
                return f"{_place(one['loc'])} is {str(one['input']).lower()}, expected a number"
            if isinstance(one["input"], str):
                expected = "true or false" if one["type"] == "bool_type" else "a number"
                return f"{_place(one['loc'])} is {_short(one['input'])}, text; expected {expected}, without quotes"
    return None


def _with_tuples(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _with_tuples(value) for key, value in values.items()}
    return tuple(map(_with_tuples, values)) if isinstance(values, list) else values


def _first_fault(error: ValidationError) -> str:
    """The first thing that is wrong, with its place and value, and how many more there are.

    A name that is unknown comes before what is missing, which may be the same parameter, misspelt.
    """
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    more = len({(one["type"], one["loc"][-1:], _short(one["input"])) for one in error.errors()}) - 1  # of `like`, once
    where = _place(first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    value = (
        ""
        if first["type"] in ("missing", "value_error") or isinstance(first["input"], dict)
        else f" (is {_short(first['input'])})"
    )
    return f"{f'{where}: ' if where else ''}{what}{value}{f'; and {more} more' if more else ''}"


def _place(location: tuple[int | str, ...]) -> str:
    """Where in the file a fault is."""
    place = list(location)
    if place[:1] in (["methods"], ["classifiers"]):
        del place[2:3]  # pydantic's own: which member of the union `kind` chose
    return ".".join(map(str, place))


def _short(value: object) -> str:
    """A value as a message shows it."""
    if isinstance(value, date):  # or a time
        return f"the date {value}; in quotes it is text"
    try:
        text = repr(value) if not isinstance(value, int) or abs(value) < 2**63 else "a number of many digits"
    except ValueError:  # Python writes no integer of more than 4,300 digits, not within a list either
        text = "a number of many digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
