"""Dynamic time warping has no parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from mtcs.specs.base import Schedule, Spec

if TYPE_CHECKING:
    from mtcs.data.task import Task
    from mtcs.methods.dtw import Dtw


class DtwSpec(Spec, frozen=True):
    """One-nearest-neighbour classification under full-window dynamic time warping."""

    kind: Literal["dtw"]
    schedule: Schedule = Schedule(steps=0, batch_size=1, learning_rate=1.0)

    def build(self, tasks: Sequence[Task]) -> Dtw:
        from mtcs.methods.dtw import Dtw

        return Dtw()
