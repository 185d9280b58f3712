"""How methods are named where people read."""

from __future__ import annotations

from collections.abc import Iterable


class Titles(dict[str, str]):
    """What a reader knows each method by; a method without a title is shown by its name."""

    def __missing__(self, method: str) -> str:
        return method

    def of(self, methods: Iterable[str]) -> list[str]:
        return [self[method] for method in methods]
