"""What methods cost: of finished runs, or measured in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from mtcs.evaluation.cost import MethodCost, SuiteCosts, write_costs
from mtcs.layout import Layout
from mtcs.reports import tables
from mtcs.reports.analysis import cost
from mtcs.reports.analysis.cost import front
from mtcs.reports.writing import Titles

ACCURACIES = {"A": 0.5, "B": 0.6}
TITLES = Titles(mtcs="MTCS", mtl="MTL")


def test_costs_are_sums_over_tasks_and_means_over_seeds(result) -> None:
    (actual,) = cost.summarize({"mtcs": [result("mtcs", seed, ACCURACIES) for seed in range(3)]})
    assert actual.training_seconds == pytest.approx(292.7)
    assert actual.series_per_second == pytest.approx(560 / 4)
    assert (actual.models, actual.runs, actual.weights, actual.peak_memory_mb) == (1, 3, 637120, 1432.0)
    assert (actual.machines, actual.precisions) == (("cpu: Intel Xeon, 2 threads",), ("bf16",))
    row = tables.cost_table(cost.Costs((actual,)), TITLES).loc["MTCS"]
    assert row.tolist() == ["4 min 53 s", "1", "140", "637,120", "1,432 MB", "3", "bf16"]
    (single,) = cost.summarize({"tnc": [result("tnc", 0, ACCURACIES)]})
    assert (single.training_seconds, single.models, single.runs) == (pytest.approx(2 * 291.7), 2, 1)


def test_a_method_that_trains_nothing_has_no_cost_of_training(result) -> None:
    (actual,) = cost.summarize({"dtw": [result("dtw", 0, ACCURACIES)]})
    assert (actual.models, actual.training_seconds, actual.series_per_second) == (0, None, None)


def measured(
    methods: Mapping[str, Mapping[str, object]],
    tasks: Sequence[str] = tuple(ACCURACIES),
    reading: float | None = None,
) -> SuiteCosts:
    rows = [
        MethodCost(
            method=method,
            parameters=dict(parameters),
            models=int(method != "dtw"),
            training_seconds=None if method == "dtw" else 75.0,
            reading_seconds=reading,
            series_per_second=1234.0,
            weights=0 if method == "dtw" else 637_120,
            peak_memory_mb=987.6,
            device="cpu: Intel Xeon, 1 threads",
            precision="fp32" if method in ("tnc", "dtw") else "bf16",
        )
        for method, parameters in methods.items()
    ]
    made = {"torch": "2.13.0"}
    return SuiteCosts(
        suite="tiny", tasks=tuple(tasks), steps=15, series=128, load=0.2, versions=made, commit="c", methods=tuple(rows)
    )


def test_costs_of_one_run_go_before_those_of_finished_runs(layout: Layout, result) -> None:
    parameters = {"mtcs": {"threshold": 2.0}, "mtl": {"threshold": 2.0}}
    runs = {method: [result(method, seed, ACCURACIES) for seed in (0, 1)] for method in ("mtl", "mtcs")}

    def costs(methods: Mapping[str, Mapping[str, object]], of: Sequence[str] = tuple(ACCURACIES)) -> cost.Costs:
        write_costs(layout.costs("tiny"), measured(methods, of))
        return cost.gather(layout, "tiny", list(ACCURACIES), parameters, runs)

    actual = costs({"mtcs": {"threshold": 2.0}, "mtl": {"threshold": 2.0}, "gone": {}})
    assert ([row.method for row in actual.rows], actual.absent) == (["mtl", "mtcs"], ())
    row = tables.cost_table(actual, TITLES).loc["MTCS"]
    assert row.tolist() == ["1 min 15 s", "1", "1,234", "637,120", "988 MB", "bf16"]
    assert actual.machines == ("cpu: Intel Xeon, 1 thread",)
    actual = costs({"mtcs": {"threshold": 2.0}, "mtl": {"threshold": 9.0}})
    assert ([row.method for row in actual.rows], actual.absent) == (["mtcs"], ("mtl",))
    for other in (costs({"mtcs": {"threshold": 9.0}}), costs({"mtcs": {"threshold": 2.0}}, ["A"])):
        assert other.one_run is None
        assert [row.runs for row in other.rows] == [2, 2]


def test_reading_is_part_of_what_a_method_takes_where_it_was_measured() -> None:
    before, now = (cost.Costs(tuple(cost.measured(measured({"mtcs": {}, "dtw": {}}, reading=s)))) for s in (None, 9.0))
    assert not before.reading
    assert before.seconds == {"mtcs": 75}
    assert "reading" not in tables.cost_table(before, TITLES)
    assert now.reading
    assert now.seconds == {"mtcs": 84, "dtw": 9}
    assert tables.cost_table(now, TITLES)["reading"].tolist() == ["9 s", "9 s"]


def test_precision_is_a_column_where_it_differs() -> None:
    costs = cost.Costs(tuple(cost.measured(measured({"mtcs": {}, "tnc": {}, "dtw": {}}))))
    assert tables.cost_table(costs, TITLES)["precision"].tolist() == ["bf16", "fp32", tables.DASH]


def test_on_the_front_is_what_nothing_cheaper_reaches() -> None:
    assert front([10, 5, 1, 5, 20], [0.8, 0.7, 0.6, 0.75, 0.8]) == [2, 3, 0]
    assert front([], []) == []
