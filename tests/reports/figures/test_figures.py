"""What the figures show."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mtcs.data.task import Split, Task, fingerprint, read_task, write_task
from mtcs.evaluation.cost import SuiteCosts
from mtcs.reports.analysis.affinity import FORMS
from mtcs.reports.analysis.cost import Costs
from mtcs.reports.analysis.paired import Paired
from mtcs.reports.analysis.readings import ReadingRow
from mtcs.reports.analysis.training import falling, smoothed
from mtcs.reports.figures import maps
from mtcs.reports.figures.accuracy import MANY, by_task, cost_accuracy, critical_difference, overview
from mtcs.reports.figures.drawing import PAPER, point
from mtcs.reports.figures.maps import label_pairs, similarity
from mtcs.reports.words import sentences

UCR10 = ("Lightning2", "Computers", "EOGVerticalSignal", "Lightning7", "Chinatown", "EOGHorizontalSignal")


def whole(report_of, write, result, methods=("mtcs", "ts2vec_joint", "tnc"), tasks=UCR10, **fields):
    for method in methods:
        write(result(method, 0, {task: 0.5 + 0.05 * i for i, task in enumerate(tasks)}, **fields))
    return report_of({}, parameters={method: {} for method in methods}, tasks=list(tasks))


def rank_scores(report_of, methods, tasks=12):
    base = np.random.default_rng(1).uniform(0.8, 0.9, tasks)
    return report_of(
        {m: {f"T{t:02}": [base[t] - i * (0.03 + 0.001 * t)] for t in range(tasks)} for i, m in enumerate(methods)}
    )


def test_ranks_stand_at_their_methods_and_bars_only_join_what_passes(report_of) -> None:
    report = rank_scores(report_of, ("tst", "mtcs", "dtw"))
    drawing = critical_difference(report)
    assert drawing is not None
    assert "Average ranks: TST 1.00, MTCS 2.00, DTW 3.00. 0 bars: none." in drawing.description
    assert "bar-" not in drawing.svg
    few = critical_difference(rank_scores(report_of, ("tst", "mtcs", "dtw"), tasks=4))
    assert few is not None
    assert "1 bar: TST, MTCS, DTW." in few.description


def test_bars_of_scores_on_which_the_first_members_rule_errs(report_of) -> None:
    """A differs neither from B nor from C, but B differs from C: a bar from A to C would say that it does not."""
    rng = np.random.default_rng(3)
    b = rng.uniform(0.7, 0.8, 12)
    c = b - rng.uniform(0.01, 0.02, 12)
    a = c + np.where(np.arange(12) < 9, 0.03, -0.2)  # often a little better, sometimes much worse: the first by rank
    cells = {"a": a, "b": b, "c": c}
    report = report_of({m: {f"T{t:02}": [float(v)] for t, v in enumerate(values)} for m, values in cells.items()})
    pairs = report.pairs
    assert pairs.loc["a", "b"] > 0.05 and pairs.loc["a", "c"] > 0.05 and pairs.loc["b", "c"] <= 0.05
    assert sorted(report.table.rank, key=report.table.rank.__getitem__) == ["a", "b", "c"]
    drawing = critical_difference(report)
    assert drawing is not None
    for joined in drawing.description.split(": ")[-1].rstrip(".").split("; "):
        assert not {"b", "c"} <= set(joined.split(", "))


def test_no_ranks_of_two_methods_or_of_equal_ones(report_of) -> None:
    assert critical_difference(rank_scores(report_of, ("tst", "mtcs"))) is None
    assert critical_difference(report_of({m: {"A": [0.5], "B": [0.6]} for m in ("mtcs", "mtl", "dtw")})) is None


def test_figure_2_stands_side_by_side_on_one_scale(report_of, write, result) -> None:
    report = whole(report_of, write, result)
    for form in FORMS:
        drawing = similarity(report, form)
        assert drawing is not None
        svg = drawing.svg
        assert svg.index(">TS2Vec joint<") < svg.index(">MTCS<")
        assert "Framed: Lightning2 and Lightning7, EOGHorizontalSignal and EOGVerticalSignal." in svg
        opacities = re.findall(r"fill: #4399cd(?:; fill-opacity: ([\d.]+))?", svg)
        cells = [float(opacity or 1) for opacity in opacities if opacity != "0"]
        shown = [one.mean(form) for one in sorted(report.affinities, key=lambda one: one.method == "mtcs")]
        values = np.concatenate([frame.to_numpy()[~np.eye(6, dtype=bool)] for frame in shown])
        assert cells == pytest.approx(0.04 + 0.96 * values / values.max(), abs=1e-4)


def test_many_tasks_are_drawn_as_one_image(report_of, write, result, monkeypatch: pytest.MonkeyPatch) -> None:
    report = whole(report_of, write, result)
    drawing = similarity(report, "")
    assert drawing is not None and "<image" not in drawing.svg
    monkeypatch.setattr(maps, "CELLS", 3)
    drawing = similarity(report, "")
    assert drawing is not None and "<image" in drawing.svg


def test_labels_that_share_have_their_names(report_of, write, result) -> None:
    report = whole(report_of, write, result)
    labels = report.affinities[0].labels
    assert labels is not None
    drawing = label_pairs(labels, report.examples, "labels", "Labels")
    assert drawing is not None
    first = labels.pairs().iloc[0]
    assert f">{first['label_k']} · {first['task_k']}<" in drawing.svg
    assert f">{first['label_j']} · {first['task_j']}<" in drawing.svg
    assert drawing.svg.count(" · ") == 2 * min(maps.LISTED, len(labels.pairs()))


def test_labels_that_share_have_a_typical_series_where_the_data_are_at_hand(report_of, write, result, layout) -> None:
    rng = np.random.default_rng(0)
    report = whole(report_of, write, result)
    for name in UCR10:
        labels = np.arange(9) % 3
        series = np.sin(np.linspace(0, 6, 50) * (1 + labels[:, None])) + 0.1 * rng.normal(size=(9, 50))
        series[0, 30:] = np.nan
        split = Split(series.astype(np.float32), labels)
        task = Task(name, split, split, ("a", "b", "c"))
        write_task(layout.normalized("tiny", name), task)
        for method in ("mtcs", "ts2vec_joint", "tnc"):
            made = result(method, 0, {task: 0.5 + 0.05 * i for i, task in enumerate(UCR10)})
            tasks = [
                one.model_copy(update={"fingerprint": fingerprint(read_task(path))})
                for one in made.tasks
                if (path := layout.normalized("tiny", one.task)).exists()
            ]
            if len(tasks) == len(UCR10):
                write(made.model_copy(update={"tasks": tuple(tasks)}))
    known = {m: {} for m in ("mtcs", "ts2vec_joint", "tnc")}
    assert not report_of({}, parameters=known, tasks=list(UCR10)).examples  # which is not asked for
    message = report_of({}, parameters=known, tasks=list(UCR10), series=True)
    assert all(one.shape == (50,) for one in message.examples.values())
    drawn = [label_pairs(one.affinities[0].labels, one.examples, "labels", "Labels") for one in (report, message)]
    lines = [len(one.figure.axes[0].lines) for one in drawn]
    assert lines[1] - lines[0] == 2 * drawn[1].svg.count(" · ") // 2


def test_accuracies_are_drawn_of_all_methods_and_tasks(report_of, write, result) -> None:
    report = whole(report_of, write, result)
    for drawing in (overview(report), by_task(report), by_task(report, narrow=True)):
        for title in ("MTCS", "TS2Vec joint", "TNC"):
            assert f">{title}<" in drawing.svg
    assert all(f">{task}<" in by_task(report).svg for task in UCR10)
    assert "the best method first: MTCS" in overview(report).description


def test_methods_have_a_panel_each_before_the_range_of_all(report_of) -> None:
    methods = ("mtcs", *(f"rival{i}" for i in range(12)))
    drawing = by_task(report_of({m: {"A": [0.5 + i / 100], "B": [0.6]} for i, m in enumerate(methods)}))
    panels = [axes for axes in drawing.figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in panels] == ["MTCS", *methods[1:]]
    for i, axes in enumerate(panels):
        assert axes.lines[0].get_xdata().tolist() == [0.6, 0.5 + i / 100]
        hardest = axes.patches[1]
        assert (hardest.get_x(), hardest.get_x() + hardest.get_width()) == pytest.approx((0.5, 0.62))


def test_of_many_tasks_the_reference_and_the_best_are_drawn(report_of) -> None:
    tasks = [f"T{i}" for i in range(MANY + 1)]
    means = {"mtcs": 0.5, "mtl": 0.4, "tnc": 0.7, "dtw": 0.6}
    drawing = by_task(report_of({m: {task: [mean] for task in tasks} for m, mean in means.items()}))
    assert [axes.get_title(loc="left") for axes in drawing.figure.axes] == ["MTCS", "TNC", "DTW"]


def test_costs_are_drawn_with_names(report_of, write, result) -> None:
    report = whole(report_of, write, result, methods=("mtcs", "mtl", "tnc", "dtw"))
    drawing = cost_accuracy(report)
    assert drawing is not None
    assert all(f">{title}<" in drawing.svg for title in ("MTCS", "MTL", "TNC"))
    assert ">DTW<" not in drawing.svg  # it trains nothing
    assert cost_accuracy(whole(report_of, write, result, methods=("mtcs", "dtw"))) is None


def test_time_is_of_reading_too_where_it_was_measured_and_readings_are_hollow(report_of, write, result) -> None:
    report = whole(report_of, write, result, methods=("mtcs", "mtl", "tnc", "dtw"))
    rows = tuple(replace(row, reading_seconds=20.0) for row in report.costs.rows)
    ridge = replace(rows[0], method="mtcs_ridge", reading_seconds=1.0)
    score = (0.75, 0.01)
    reading = ReadingRow("mtcs", "mtcs_ridge", score, score, Paired(3), 1, 1)
    drawing = cost_accuracy(replace(report, costs=Costs((*rows, ridge)), readings=[reading]))
    assert drawing is not None
    assert ">elapsed time of training and reading, all tasks<" in drawing.svg
    assert all(f">{title}<" in drawing.svg for title in ("MTCS", "MTL", "TNC", "DTW", "mtcs_ridge"))
    markers = [line for axes in drawing.figure.axes for line in axes.lines if line.get_marker() == point(0)["marker"]]
    assert [line.get_markerfacecolor() == PAPER for line in markers].count(True) == 1
    assert "cheaper" not in drawing.description  # of finished runs, which do not compare
    run = SuiteCosts.model_construct(steps=1, series=1, load=0.2, versions={})
    compared = cost_accuracy(replace(report, costs=Costs((*rows, ridge), run), readings=[reading]))
    assert compared is not None and "No other is both cheaper and better than" in compared.description
    before = cost_accuracy(report)
    assert before is not None
    assert ">elapsed time of training, all tasks<" in before.svg


def test_a_loss_that_still_falls_is_named(report_of, write, result) -> None:
    report = whole(report_of, write, result)
    assert falling(report)["mtcs"] == pytest.approx(1 - np.exp(-0.4), abs=0.02)  # by a fifth of two times 300 steps
    assert set(falling(report)) == {"mtcs"}
    assert "over the last fifth of the steps by 33\N{NO-BREAK SPACE}% for MTCS" in sentences(report)["caveats"]
    report.curves["mtcs"] = report.curves["mtcs"].assign(loss=1.0)
    assert falling(report) == {}
    assert "falls" not in sentences(report)["caveats"]


def test_curves_weigh_steps_equally() -> None:
    step = np.arange(80.0)
    frame = pd.DataFrame({"step": step, "steps": np.where(step % 2, 3, 1), "loss": np.where(step % 2, 1.0, 5.0)})
    assert smoothed(frame) == pytest.approx(np.full(40, 2.0))
    assert len(smoothed(frame.head(3))) == 0
