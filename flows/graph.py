"""The stages that a flow brings up to date and the order among them, read from DVC's index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro

from mtcs.errors import InputError
from mtcs.layout import Layout

_RESULTS = Layout().result("suite", "method", 0).parents[2]


@dataclass(frozen=True)
class Stage:
    """One instance of a stage of `dvc.yaml`.

    name: as DVC names it.
    command: its shell command.
    needs: names of the stages, among those of the same `Graph`, whose outputs it reads.
    """

    name: str
    command: str
    needs: tuple[str, ...]

    @property
    def group(self) -> str:
        """The entry of `dvc.yaml` that the stage is an instance of."""
        return self.name.partition("@")[0]

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.command.split())


class Graph:
    """DVC's index of a workspace, opened once: reading it again for every stage would take longer than the stage."""

    def __init__(self, root: Path) -> None:
        """Raises InputError if the workspace or its `dvc.yaml` is broken."""
        try:
            self.repo = Repo(str(root), _wait_for_lock=True)
            self._graph: Any = get_active_graph(self.repo.index.graph)
        except DvcException as error:
            raise InputError(f"DVC: {error}; 'dvc status' tells more.") from error
        self._stages: dict[str, Any] = {stage.addressing: stage for stage in self._graph}

    def select(
        self, suites: Sequence[str] = (), methods: Sequence[str] = (), seeds: Sequence[int] = ()
    ) -> dict[str, Stage]:
        """Stages by name, each after those it needs: all of `dvc.yaml`, or those behind what is asked for.

        Suites alone are all that their reports need. With `methods` or `seeds` it is what the results of those
        runs need, and no report, since that compares every method and seed.

        Raises:
            InputError: if no stage writes what is asked for.
        """
        targets: list[Any] | None = None
        if methods or seeds:
            targets = self._resulting(suites, methods, seeds)
        elif suites:
            targets = [stage for suite in suites for stage in self._writers(Layout().report(suite))]
            for suite in suites:
                self._resulting([suite], (), ())
        plan = plan_repro(self._graph, targets)
        chosen = set(plan)
        return {stage.addressing: self._stage(stage, chosen) for stage in plan}

    def is_up_to_date(self, name: str) -> bool:
        """Whether DVC would skip the stage now; False as well where another DVC process is at its files."""
        try:
            with self.repo.lock:
                return not self._stages[name].changed()
        except LockError:
            return False

    def writers(self, path: Path) -> list[str]:
        """Names of the stages that have that path, relative to the workspace, among their outputs.

        Raises:
            InputError: if there is none.
        """
        return [stage.addressing for stage in self._writers(path)]

    def _writers(self, path: Path) -> list[Any]:
        found = [stage for stage in self._graph if path in self._outs(stage)]
        if not found:
            raise InputError(f"No stage of dvc.yaml writes {path}; add its suite there.")
        return found

    def _resulting(self, suites: Sequence[str], methods: Sequence[str], seeds: Sequence[int]) -> list[Any]:
        files = {Layout().result("", "", seed).name for seed in seeds}
        found = []
        for stage in self._graph:
            for out in self._outs(stage):
                if not out.is_relative_to(_RESULTS) or len(out.relative_to(_RESULTS).parts) < 3:
                    continue
                asked = zip((suites, methods, files), out.relative_to(_RESULTS).parts, strict=False)
                if all(not names or name in names for names, name in asked):
                    found.append(stage)
        if not found:
            asked = {"suites": suites, "methods": methods, "seeds": seeds}
            told = "; ".join(f"{what} {', '.join(map(str, names))}" for what, names in asked.items() if names)
            raise InputError(f"No stage of dvc.yaml makes results of {told}; add it there, or ask for what it has.")
        return list(dict.fromkeys(found))

    def _outs(self, stage: Any) -> list[Path]:
        return [Path(out.fs_path).relative_to(self.repo.root_dir) for out in stage.outs if out.protocol == "local"]

    def _stage(self, stage: Any, among: set[Any]) -> Stage:
        needs = [other.addressing for other in self._graph.successors(stage) if other in among]
        return Stage(stage.addressing, _command(stage), tuple(sorted(needs)))


def _command(stage: Any) -> str:
    return "\n".join(stage.cmd) if isinstance(stage.cmd, list) else stage.cmd or ""
