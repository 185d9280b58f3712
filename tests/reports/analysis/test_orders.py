"""Orders of many tasks."""

from __future__ import annotations

from mtcs.reports.analysis.orders import ORDERED, archive_types, orders


def test_each_order_is_of_all_tasks(report_of) -> None:
    tasks = [f"T{i}" for i in range(ORDERED)]
    values = {"mtcs": {t: [0.5 + 0.01 * i] for i, t in enumerate(tasks)}}
    values["mtl"] = {t: [0.6 if i else 0.1] for i, t in enumerate(tasks)}
    result = orders(report_of(values))
    assert all(sorted(places) == list(range(1, ORDERED + 1)) for places in result.values())
    assert result["as in the suite"] == list(range(1, ORDERED + 1))
    assert [tasks[result["by name"].index(i)] for i in (1, 2, 3)] == ["T0", "T1", "T10"]
    assert result["easy for MTCS first"] == list(range(ORDERED, 0, -1))
    assert result["MTCS most ahead first"].index(1) == 0  # 0.5 beside 0.1
    assert result["MTCS most ahead first"].index(2) == ORDERED - 1


def test_tasks_of_the_archive_have_types_where_they_are_many(report_of) -> None:
    own = [f"T{i}" for i in range(ORDERED)]
    tasks = ["Wafer", *own, "ECG200"]
    types = archive_types(tasks)
    assert (types["Wafer"], types["T3"], types["ECG200"]) == ("Sensor", "other", "ECG")
    assert archive_types(own) == archive_types(["Wafer", "ECG200"]) == {}
    result = orders(report_of({"mtcs": {task: [0.5] for task in tasks}}))["by type of data"]
    assert [tasks[result.index(i)] for i in (1, 2, 3)] == ["ECG200", "Wafer", "T0"]


def test_few_tasks_need_no_choice(report_of) -> None:
    assert orders(report_of({"mtcs": {"A": [0.5]}})) == {}
