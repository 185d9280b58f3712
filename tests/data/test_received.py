"""What was downloaded is on record, of every task, whoever else downloads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from mtcs.data.received import read_received, record_received


def test_two_downloads_of_a_suite_lose_nothing_of_each_other(tmp_path):
    tasks = [f"Task{i}" for i in range(40)]
    for task in tasks:
        (tmp_path / "suite" / task).mkdir(parents=True)
        (tmp_path / "suite" / task / f"{task}_TRAIN.ts").write_text(task)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda task: record_received(tmp_path / "suite", task), tasks))
    assert sorted(read_received(tmp_path / "suite")) == sorted(tasks)
