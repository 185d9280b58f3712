"""`params.yaml` as text: read as DVC reads it, once its size is known to be bounded, and written likewise."""

from __future__ import annotations

from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

MAX_VALUES = 100_000
"""Values of a file, those that aliases repeat counted as often as they are repeated."""

MAX_DEPTH = 100
"""Lists and mappings inside one another; the C parser of ruamel.yaml overflows its stack at some tens of thousands."""


def read_yaml(text: str) -> Any:
    """The values of a parameter file: YAML 1.2 as DVC reads it.

    Raises:
        YAMLError: if it is no YAML, a key stands twice in a mapping, a value is malformed, it is nested too deeply, or
            aliases repeat too much or themselves.
    """
    _check_size(text)
    try:
        return YAML(typ="safe").load(text)
    except (ValueError, LookupError, TypeError) as error:  # 2001-02-30, !!bool perhaps, a key that is [{}]
        raise YAMLError(f"a value is malformed: {error}") from error


def written_yaml(values: Any, flow: bool | None) -> str:
    """Text from which `read_yaml` has the values again, in their order.

    flow: whether lists and mappings are in brackets; None for those alone that hold no others.
    """
    yaml, text = YAML(typ="safe", pure=True), StringIO()
    yaml.default_flow_style, yaml.width = flow, 110
    yaml.sort_base_mapping_type_on_output = False  # pyright: ignore[reportAttributeAccessIssue]  # untyped there
    yaml.dump(values, text)
    return text.getvalue()


def _check_size(text: str) -> None:
    """Raises YAMLError if aliases repeat too much or themselves, or the file is nested too deeply.

    It follows the parser's events, since nothing is built from them.
    """
    sizes: dict[str, int | None] = {}  # by anchor; None within what the anchor stands before
    anchors: list[str | None] = []  # of the lists and mappings that are open
    counts = [0]  # values of each, below those of the file
    for event in YAML(typ="safe").parse(text):
        if isinstance(event, CollectionStartEvent):
            anchors.append(event.anchor)
            counts.append(1)
            if event.anchor is not None:
                sizes[event.anchor] = None
            if len(anchors) > MAX_DEPTH:
                raise MarkedYAMLError(problem=f"nested more than {MAX_DEPTH} deep", problem_mark=event.start_mark)
            continue
        if isinstance(event, CollectionEndEvent):
            anchor, size = anchors.pop(), counts.pop()
        elif isinstance(event, AliasEvent):
            anchor, size = None, sizes.get(event.anchor, 0)  # an unknown one is the loader's to refuse
            if size is None:
                raise MarkedYAMLError(problem="an alias repeats itself", problem_mark=event.start_mark)
        elif isinstance(event, NodeEvent):
            anchor, size = event.anchor, 1
        else:  # the beginning or end of the file or a document
            continue
        if anchor is not None:
            sizes[anchor] = size
        counts[-1] += size
        if counts[-1] > MAX_VALUES:
            problem = f"aliases repeat more than {MAX_VALUES:,} values; of a method, write 'like: NAME' instead"
            raise MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
