"""Parameters in words: all of them by dotted name, and those in which two methods differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def parameter_table(parameters: Mapping[str, Mapping[str, Any] | None]) -> dict[str, list[str]]:
    """Each parameter's value by method, nested names joined by dots; empty where a method has no such parameter."""
    flat = {method: dict(flatten(effective(values or {}))) for method, values in parameters.items()}
    names = dict.fromkeys(name for values in flat.values() for name in values)
    return {name: [values.get(name, "") for values in flat.values()] for name in names}


def effective(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A method's parameters, without the schedule of one that trains nothing."""
    trains = parameters.get("schedule", {}).get("steps") != 0
    return {name: value for name, value in parameters.items() if trains or name != "schedule"}


def differences(parameters: Mapping[str, object], reference: Mapping[str, object]) -> str:
    """The parameters that differ, in words: "threshold 1.0 instead of 2.0".

    Of another kind of method only the kind is said, as the rest does not compare.
    """
    ours, theirs = dict(flatten(parameters)), dict(flatten(reference))
    if ours.get("kind") != theirs.get("kind"):
        ours, theirs = ({"kind": values["kind"]} if "kind" in values else {} for values in (ours, theirs))
    words = []
    for name in dict.fromkeys([*theirs, *ours]):
        if ours.get(name) != theirs.get(name):
            old = f"instead of {theirs[name]}" if name in theirs else "added"
            words.append(f"{name} {ours[name]} {old}" if name in ours else f"no {name}")
    return "; ".join(words)


def flatten(values: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each parameter as text, nested names joined by dots."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from flatten(value, f"{prefix}.{name}" if prefix else str(name))
    elif prefix:
        yield prefix, ", ".join(map(str, values)) if isinstance(values, list | tuple) else str(values)
