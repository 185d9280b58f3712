"""The stages that a flow brings up to date and the order among them, read from DVC's index."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro

from flows.command import in_words
from mtcs.data.address import without_secrets
from mtcs.errors import InputError, WorkError
from mtcs.layout import Layout, Run

_RESULTS = Layout().results("suite").parent


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
        """Raises InputError if the workspace or its `dvc.yaml` is broken, WorkError if DVC cannot write its files."""
        try:
            self.repo = Repo(str(root), _wait_for_lock=True)
            graph: Any = get_active_graph(self.repo.index.graph)
        except NotDvcRepoError as error:
            raise InputError(f"{root.resolve()} is in no DVC repository; run 'dvc init --no-scm' there.") from error
        except DvcException as error:
            raise InputError(f"DVC: {without_secrets(str(error))}; run 'dvc status' for details.") from error
        except (OSError, sqlite3.Error) as error:
            why = in_words(error) if isinstance(error, OSError) else f"{error}, a database of its cache"
            raise WorkError(f"DVC: {why}; make room or make it writable, and start the same run again.") from error
        self._root = root.resolve()
        ours = [stage for stage in graph if Path(stage.wdir).resolve() == self._root]  # others are other workspaces
        self._graph = graph.subgraph(ours)
        self._stages: dict[str, Any] = {stage.addressing: stage for stage in self._graph}

    def select(
        self, suites: Sequence[str] = (), methods: Sequence[str] = (), seeds: Sequence[int] = ()
    ) -> dict[str, Stage]:
        """Stages by name, each after those it needs; without arguments, all stages of `dvc.yaml`.

        With suites alone, everything that their reports need. With `methods` or `seeds`, what the results of those
        runs need, and no report, since a report compares every method and seed.

        Raises:
            InputError: if no stage writes what is asked for.
        """
        targets: list[Any] | None = None
        if methods or seeds:
            targets = self._measuring(suites, methods, seeds)
        elif suites:
            targets = [stage for suite in suites for stage in self._writers(Layout().report(suite))]
            for suite in suites:
                self._measuring([suite], (), ())  # raises where no result would stand in the report
        plan = plan_repro(self._graph, targets)
        selected = set(plan)
        return {stage.addressing: self._stage(stage, selected) for stage in plan}

    def is_up_to_date(self, name: str) -> bool:
        """Whether DVC would skip the stage now.

        Also False while another DVC process works on its files, or where it cannot be told: the stage then says why.
        """
        try:
            with self.repo.lock:
                return not self._stages[name].changed()
        except (DvcException, OSError, sqlite3.Error):
            return False

    def writers(self, path: Path) -> list[str]:
        """Names of the stages that write that path, relative to the workspace, or what is in it.

        Raises:
            InputError: if there is none.
        """
        return [stage.addressing for stage in self._writers(path)]

    def _writers(self, path: Path) -> list[Any]:
        writers = [stage for stage in self._graph if any(out.is_relative_to(path) for out in self._outs(stage))]
        if not writers:
            raise InputError(f"No stage of dvc.yaml writes {path}; add its suite there.")
        return writers

    def _measuring(self, suites: Sequence[str], methods: Sequence[str], seeds: Sequence[int]) -> list[Any]:
        """The stages that write results of those runs; an empty sequence stands for all."""

        def wanted(out: Path) -> bool:
            if not out.is_relative_to(_RESULTS) or len(out.relative_to(_RESULTS).parts) < 3:
                return False
            suite, method = out.relative_to(_RESULTS).parts[:2]
            if (suites and suite not in suites) or (methods and method not in methods):
                return False
            return not seeds or any(out == Run(suite, method, seed).result for seed in seeds)

        stages = [stage for stage in self._graph if any(wanted(out) for out in self._outs(stage))]
        if not stages:
            selection = {"suites": suites, "methods": methods, "seeds": seeds}
            terms = "; ".join(f"{kind} {', '.join(map(str, names))}" for kind, names in selection.items() if names)
            raise InputError(f"No stage of dvc.yaml makes results of {terms}; add it there, or ask for what it has.")
        return stages

    def _outs(self, stage: Any) -> list[Path]:
        outs = [Path(out.fs_path) for out in stage.outs if out.protocol == "local"]
        return [out.relative_to(self._root) for out in outs if out.is_relative_to(self._root)]

    def _stage(self, stage: Any, selected: set[Any]) -> Stage:
        needs = [other.addressing for other in self._graph.successors(stage) if other in selected]
        return Stage(stage.addressing, _command(stage), tuple(sorted(needs)))


def _command(stage: Any) -> str:
    return "\n".join(stage.cmd) if isinstance(stage.cmd, list) else stage.cmd or ""
