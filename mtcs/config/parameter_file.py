"""`params.yaml` as text: YAML 1.2 as DVC reads it, no key twice, aliases only as far as they stay small."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml
from yaml.constructor import ConstructorError

MAX_VALUES = 100_000
"""Values of a file, those that aliases repeat counted as often as they are repeated."""


def read_yaml(text: str) -> Any:
    """The values of a parameter file.

    Raises:
        yaml.YAMLError: if it is no YAML 1.2, a key stands twice in a mapping, or aliases repeat too much or themselves.
        RecursionError: if it is nested too deeply.
    """
    if odd := _NO_BREAK.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise yaml.YAMLError(f"line {line} holds {odd[0]!a}, which DVC takes for no end of a line; take it out")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {})  # before anything is expanded
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """Values that a node stands for; those of a node that is met again are known."""
    if (size := known.get(id(node))) is not None:
        if size:
            return size
        raise ConstructorError(None, None, "an alias repeats itself", node.start_mark)
    known[id(node)] = 0  # while it is counted
    size = 1
    if isinstance(node, yaml.SequenceNode):
        size += sum(_count(one, known) for one in node.value)
    elif isinstance(node, yaml.MappingNode):
        size += sum(_count(key, known) + _count(value, known) for key, value in node.value)
    if size > MAX_VALUES:
        problem = f"aliases repeat more than {MAX_VALUES:,} values; of a method, write 'like: NAME' instead"
        raise ConstructorError(None, None, problem, node.start_mark)
    known[id(node)] = size
    return size


_NO_BREAK = re.compile("[\x85\u2028\u2029]")
"""Ends of lines in YAML 1.1, as PyYAML has it, but not in 1.2."""


class _Loader(yaml.SafeLoader):
    """A safe loader of YAML 1.2. PyYAML alone reads 1.1, where `no` is false, `1:30` is 90 and `012` is ten."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: list[Any] = []  # a key may be a list, which the mapping itself refuses below
        for key_node, _ in node.value:
            if key_node.tag != "tag:yaml.org,2002:merge":
                key = self.construct_object(key_node, deep=True)
                if key in seen:
                    raise ConstructorError(None, None, f"{key!s:.60} stands twice", key_node.start_mark)
                seen.append(key)
        return super().construct_mapping(node, deep)


# The core schema of YAML 1.2 (Section 10.3): only these words and forms are anything but text.
_FORMS = {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}
_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile("^<<$"), ["<"])
for _tag, _form in _FORMS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_form})$"), None)


def _whole_number(loader: yaml.SafeLoader, node: yaml.Node) -> int:
    assert isinstance(node, yaml.ScalarNode)
    return int(loader.construct_scalar(node))


def _number(loader: yaml.SafeLoader, node: yaml.Node) -> float:
    assert isinstance(node, yaml.ScalarNode)
    return float(re.sub(r"\.(inf|nan)$", r"\1", loader.construct_scalar(node).lower()))


_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)
