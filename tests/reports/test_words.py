"""The sentences of a report, and that none is true and absurd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from mtcs.reports import words
from mtcs.reports.numbers import DASH, duration, listed, number, probability, signed

MINUS = "\N{MINUS SIGN}"
UCR12 = (
    *("Crop", "ElectricDevices", "Wafer", "TwoPatterns", "ECG5000", "FordA", "FordB", "ChlorineConcentration"),
    *(f"UWaveGestureLibrary{axis}" for axis in ("All", "X", "Y", "Z")),
)


def steps(methods: Sequence[str], tasks: Sequence[str], gap: float) -> dict[str, Mapping[str, Sequence[float]]]:
    """Each method `gap` below the one before on every task, by a little more on each."""
    base = np.random.default_rng(1).uniform(0.8, 0.9, len(tasks))
    return {
        method: {task: [base[t] - i * (gap + 0.001 * t)] * 2 for t, task in enumerate(tasks)}
        for i, method in enumerate(methods)
    }


MINE = [f"T{t:02}" for t in range(12)]


def test_methods_that_differ_little_cannot_be_told_apart(report_of) -> None:
    cells = steps(["mtcs", "tst"], MINE, 0.05)
    cells["mtl"] = {t: [v[0] + (0.002 if i % 2 else -0.002)] * 2 for i, (t, v) in enumerate(cells["mtcs"].items())}
    report = report_of(cells)
    assert words.lead(report) == (
        f"MTCS ({number(report.table.mean['mtcs'].mean)}) and MTL ({number(report.table.mean['mtl'].mean)}) cannot be "
        "told apart on these 12 tasks. MTCS is ahead of TST. The paper reports nothing on these tasks."
    )


def test_significant_differences_have_a_direction(report_of) -> None:
    report = report_of(steps(["mtcs", "mtl", "dtw"], MINE, 0.05))
    assert "MTCS (" in words.lead(report) and ") is ahead of MTL (" in words.lead(report)
    assert "MTCS is ahead of DTW." in words.lead(report)
    turned = report_of(steps(["dtw", "mtl", "mtcs"], MINE, 0.05))
    assert ") is behind MTL (" in words.lead(turned)
    assert "MTCS is behind DTW. DTW has the highest mean, 0.8" in words.lead(turned)


def test_few_tasks_decide_nothing(report_of) -> None:
    report = report_of(steps(["mtcs", "mtl", "dtw"], MINE[:2], 0.05))
    assert "cannot be told apart on these 2 tasks. Too few tasks differ for any test to decide" in words.lead(report)
    one = report_of(steps(["mtcs", "mtl"], MINE[:1], 0.05))
    assert "On T00, MTCS (" in words.lead(one) and "one task decides nothing" in words.lead(one)


def test_a_single_method_is_compared_with_the_paper_alone(report_of) -> None:
    assert words.lead(report_of({"mtcs": {task: [0.862, 0.862] for task in UCR12}})) == (
        "MTCS averages 0.862 on these 12 tasks. The paper reports 0.862 for MTCS."
    )


def test_few_methods_that_are_alike_are_named_and_many_counted(report_of) -> None:
    cells = steps(["mtcs", "mtl"], MINE, 0.05)
    for i, method in enumerate(("tnc", "dtw", "tst", "t_loss")):
        ours = enumerate(cells["mtcs"].items())
        cells[method] = {task: [values[0] + (0.002 if (k + i) % 2 else -0.002)] for k, (task, values) in ours}
        words_of_rest = {0: "TNC", 1: "TNC and DTW", 2: "TNC, DTW and TST", 3: "the other 4 methods"}[i]
        assert f"Nor can MTCS be told from {words_of_rest}." in words.lead(report_of(cells))


def test_no_sentence_counts_zero(report_of) -> None:
    for methods in (["mtcs"], ["mtcs", "mtl"], ["mtcs", "mtl", "dtw"], ["mtl", "dtw"]):
        for count in (1, 2, 3, 12):
            for gap in (0.0, 0.05):
                said = words.lead(report_of(steps(methods, MINE[:count], gap)))
                assert " 0 " not in said, said
                assert "  " not in said


def test_the_variant_that_comes_closest_to_the_paper_is_named(report_of) -> None:
    cells = {"mtcs": {t: [0.80, 0.81] for t in UCR12}, "longer": {t: [0.85, 0.856] for t in UCR12}}
    parameters = {"mtcs": {"schedule": {"epochs": 5}}, "longer": {"schedule": {"epochs": 20}}}
    said = words.lead(report_of(cells, ["longer"], parameters))
    assert said.endswith("The paper reports 0.862 for MTCS; with 20 epochs instead of 5 it reaches 0.853 here.")
    worse = report_of({**cells, "longer": {t: [0.75, 0.755] for t in UCR12}}, ["longer"], parameters)
    assert words.lead(worse).endswith("The paper reports 0.862 for MTCS.")


def test_parameters_unlike_the_papers_are_said_at_the_top(report_of, write, result) -> None:
    parameters = {"threshold": 4.0, "sharing_weight": 0.1, "schedule": {"epochs": 20, "learning_rate": 0.001}}
    write(result("mtcs", 0, {"A": 0.5}, parameters))
    report = report_of({}, parameters={"mtcs": parameters})
    assert (
        "MTCS is not set as in the paper here: threshold 4.0 instead of 2; schedule.epochs 20 instead of 5."
        in words.lead(report)
    )


def test_another_reference_keeps_its_tests(report_of) -> None:
    cells = steps(["mtcs", "mtl", "dtw"], MINE, 0.05)
    report = report_of(cells, reference="dtw")
    assert [comparison.method for comparison in report.comparisons] == ["mtcs", "mtl"]
    assert words.lead(report).startswith("DTW (") and ") is behind MTCS (" in words.lead(report)
    assert "ahead of DTW, equal and behind" in words.how_compared(report)


def test_a_reference_without_results_is_replaced_and_that_is_said(report_of) -> None:
    report = report_of(steps(["mtl", "dtw"], MINE, 0.05))
    assert (report.reference, len(report.comparisons)) == ("mtl", 1)
    assert "MTCS is not in this report, so methods are compared with MTL." in words.lead(report)


def test_means_far_below_the_published_ones_are_named(report_of) -> None:
    report = report_of({"mtcs": {t: [0.843, 0.843] for t in UCR12}, "tst": {t: [0.6] for t in UCR12}})
    assert words.findings(report) == f"More than 0.02 below the published mean: TST ({MINUS}0.040)."


def test_caveats_name_seeds_missing_methods_and_runs_set_aside(report_of, write, result) -> None:
    write(result("mtcs", 0, {"A": 0.5}))
    write(result("mtcs", 1, {"A": 0.6}))
    write(result("mtl", 0, {"A": 0.5}, {"alpha": 1}))
    write(result("dtw", 0, {"A": 0.5}))
    report = report_of(
        {},
        methods=["mtcs", "mtl", "dtw", "tst"],
        seeds={"mtcs": [0, 1], "mtl": [0], "dtw": [0], "tst": [0]},
        parameters={"mtcs": {}, "mtl": {"alpha": 2}, "dtw": {}, "tst": {}, "tnc": {}},
    )
    said = " ".join(words.caveats(report))
    assert said == (
        "Mean ± sample standard deviation over 2 seeds for MTCS; one seed, without a spread, for DTW. DTW interpolates "
        "missing values; encoders leave such steps out of the maximum. No results yet: MTL, TST. Not in this "
        "report: TNC. Not counted: MTL, seed 0, which has alpha 1 instead of 2."
    )


def test_labels_never_predicted_and_repeated_series_are_caveats(report_of, write, result) -> None:
    message = {"balanced_accuracy": 0.5, "majority": 0.95, "never_predicted": ("c",), "test_in_train": 7}
    write(result("mtcs", 0, {"A": 0.95}, **message))
    report = report_of({}, parameters={"mtcs": {}})
    assert words.caveats(report)[1:] == [
        "Test series that are in the training part too: A 7 of 100.",
        "Labels that are never predicted: A, MTCS: c.",
    ]


def test_doubtful_cells_are_explained(report_of) -> None:
    methods = ("tnc", "ts_tcc", "tst", "dtw", "mtcs")
    report = report_of({m: {t: [0.9] for t in ("TwoPatterns", "UWaveGestureLibraryZ", "Crop")} for m in methods})
    sentences = words.doubts(report)
    assert len(sentences) == 7 + 2
    assert "TwoPatterns, DTW: 0.905 is mis-copied: value of TwoLeadECG; other publications give 1.000." in sentences


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (292, "4 min 52 s"), (11220, "3 h 07 min")]
)
def test_durations_read_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_numbers_are_written_in_one_way() -> None:
    assert (number(0.8), signed(-0.0124), signed(0.0001), probability(0.0002)) == (
        *("0.800", f"{MINUS}0.012", "0.000", "< 0.001"),
    )
    assert {number(float("nan")), signed(float("nan")), probability(float("nan"))} == {DASH}
    assert listed(["a", "b", "c"]) == "a, b and c"
