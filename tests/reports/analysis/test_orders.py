"""Orders of many tasks."""

from __future__ import annotations

from mtcs.reports.analysis.orders import ORDERED, orders


def test_each_order_is_of_all_tasks(report_of) -> None:
    tasks = [f"T{i}" for i in range(ORDERED)]
    values = {"mtcs": {t: [0.5 + 0.01 * i] for i, t in enumerate(tasks)}}
    values["mtl"] = {t: [0.6 if i else 0.1] for i, t in enumerate(tasks)}
    found = orders(report_of(values))
    assert all(sorted(places) == list(range(1, ORDERED + 1)) for places in found.values())
    assert found["as in the suite"] == list(range(1, ORDERED + 1))
    assert [tasks[found["by name"].index(i)] for i in (1, 2, 3)] == ["T0", "T1", "T10"]
    assert found["easy for MTCS first"] == list(range(ORDERED, 0, -1))
    assert found["MTCS most ahead first"].index(1) == 0  # 0.5 beside 0.1
    assert found["MTCS most ahead first"].index(2) == ORDERED - 1


def test_few_tasks_need_no_choice(report_of) -> None:
    assert orders(report_of({"mtcs": {"A": [0.5]}})) == {}
