"""What each method costs: time of training and reading, memory, speed, size, and the machine they were taken on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from mtcs.evaluation.cost import SuiteCosts, read_costs
from mtcs.evaluation.records import TrainingRecord
from mtcs.evaluation.results import RunResult
from mtcs.files import is_there
from mtcs.layout import Layout
from mtcs.reports.analysis.parameters import differences
from mtcs.reports.analysis.runs import machine


@dataclass(frozen=True)
class Cost:
    """Costs of a method on a suite; None where something was not measured.

    models: that serve the suite, 0 where a method trains nothing and so has its cost in the classifier.
    training_seconds: of all models, of finished runs the mean over seeds.
    reading_seconds: from raw series to labels with trained models; None of finished runs.
    runs: how many finished runs training is the mean of; 0 where it was measured for its own sake.
    series_per_second: from raw series to representation, training and test series of all tasks together;
        measured for its own sake, of a method that trains nothing, to the nearest neighbour.
    weights: of the largest model.
    peak_memory_mb: the largest of training, of the device for CUDA, else of the process.
    machines: devices and threads of training and inference, precisions: likewise; none where nothing was trained.
    """

    method: str
    models: int
    training_seconds: float | None
    reading_seconds: float | None
    runs: int
    series_per_second: float | None
    weights: int | None
    peak_memory_mb: float | None
    machines: tuple[str, ...]
    precisions: tuple[str, ...]


@dataclass(frozen=True)
class Costs:
    """A row a method; `one_run` is what they were measured in, None where they are those of finished runs.

    absent: methods with results, but without costs of these parameters in `one_run`.
    """

    rows: tuple[Cost, ...]
    one_run: SuiteCosts | None = None
    absent: tuple[str, ...] = ()

    @property
    def seconds(self) -> dict[str, float]:
        """What a suite takes by method: training and reading, or training alone where `reading` is not known of any."""
        known = {row.method: (row.training_seconds or 0) + (row.reading_seconds or 0) for row in self.rows}
        return {method: seconds for method, seconds in known.items() if seconds}

    @property
    def reading(self) -> bool:
        """Whether it was measured what reading takes."""
        return any(row.reading_seconds is not None for row in self.rows)

    @property
    def comparable(self) -> bool:
        """Whether the seconds of all methods are of the same work in one run, so that cheaper means something."""
        return self.one_run is not None and self.reading

    @property
    def machines(self) -> tuple[str, ...]:
        """All machines of the table."""
        return tuple(dict.fromkeys(machine for row in self.rows for machine in row.machines))


def gather(
    layout: Layout,
    suite: str,
    tasks: Sequence[str],
    parameters: Mapping[str, Mapping[str, object]],
    runs: Mapping[str, Sequence[RunResult]],
) -> Costs:
    """Costs measured in one run of `mtcs cost` where there are any of these tasks and parameters, else those of `runs`.

    Args:
        layout: where everything lies.
        suite: the suite's name.
        tasks: its tasks.
        parameters: by method, as plain values.
        runs: by method and reading, in the order of the rows.

    Raises:
        InputError: if the file of costs does not hold what it should.
    """
    if is_there(layout.costs(suite)):
        costs = read_costs(layout.costs(suite), suite)
        if costs.tasks == tuple(tasks):
            by_method = {row.method: row for row in measured(costs)}
            now = {
                one.method for one in costs.methods if not differences(one.parameters, parameters.get(one.method, {}))
            }
            rows = tuple(by_method[method] for method in runs if method in now)
            if rows:
                return Costs(rows, costs, tuple(method for method in runs if method not in now))
    return Costs(tuple(summarize(runs)))


def measured(costs: SuiteCosts) -> list[Cost]:
    """Costs that were measured in one run on one machine, in its order."""
    return [
        Cost(
            method=one.method,
            models=one.models,
            training_seconds=one.training_seconds,
            reading_seconds=one.reading_seconds,
            runs=0,
            series_per_second=one.series_per_second,
            weights=one.weights or None,
            peak_memory_mb=one.peak_memory_mb,
            machines=(machine(one.device),),
            precisions=(one.precision,) if one.models else (),
        )
        for one in costs.methods
    ]


def summarize(runs: Mapping[str, Sequence[RunResult]]) -> list[Cost]:
    """Costs of the methods whose runs have left any record; runs by method, in the order of the rows."""
    costs = []
    for method, results in runs.items():
        complete_runs = [result.trained for result in results if result.trained]
        represented = [result.represented for result in results if result.represented]
        if not complete_runs and not represented:
            continue
        trained = [record for run in complete_runs for record in run if record.steps]
        seconds = sum(cost.seconds for cost in represented)
        scopes = 1 if results[0].joint else len(results[0].tasks)
        records = (*trained, *represented) if trained else ()
        costs.append(
            Cost(
                method=method,
                models=max(scopes, *map(len, complete_runs)) if trained else 0,
                training_seconds=fmean(map(_seconds, complete_runs)) if trained else None,
                reading_seconds=None,
                runs=len(complete_runs),
                series_per_second=sum(cost.series for cost in represented) / seconds if trained and seconds else None,
                weights=max((record.parameters for record in trained), default=None),
                peak_memory_mb=max((record.peak_memory_mb for record in trained), default=None),
                machines=tuple(dict.fromkeys(machine(record.device) for record in records)),
                precisions=tuple(dict.fromkeys(record.precision for record in records)),
            )
        )
    return costs


def _seconds(run: Sequence[TrainingRecord]) -> float:
    return sum(record.seconds for record in run)


def front(seconds: Sequence[float], accuracies: Sequence[float]) -> list[int]:
    """The methods that no other is better than for as little or less, the cheapest first; (n,) each, by position."""
    order = sorted(range(len(seconds)), key=lambda i: (seconds[i], -accuracies[i]))
    return [i for place, i in enumerate(order) if all(accuracies[i] > accuracies[j] for j in order[:place])]
