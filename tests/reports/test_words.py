"""The sentences of a report, and that none is true and absurd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from mtcs.reports.words import sentences
from mtcs.reports.writing import DASH, duration, enumerated, number, percent, probability, signed

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
    assert sentences(report)["lead"] == (
        f"MTCS ({number(report.table.mean['mtcs'].mean)}) and MTL ({number(report.table.mean['mtl'].mean)}) cannot be "
        "told apart on these 12 tasks. MTCS is ahead of TST. The paper reports nothing on these tasks."
    )


def test_significant_differences_have_a_direction(report_of) -> None:
    report = report_of(steps(["mtcs", "mtl", "dtw"], MINE, 0.05))
    assert "MTCS (" in sentences(report)["lead"] and ") is ahead of MTL (" in sentences(report)["lead"]
    assert "MTCS is ahead of DTW." in sentences(report)["lead"]
    turned = report_of(steps(["dtw", "mtl", "mtcs"], MINE, 0.05))
    assert ") is behind MTL (" in sentences(turned)["lead"]
    assert "MTCS is behind DTW. DTW has the highest mean, 0.8" in sentences(turned)["lead"]


def test_equal_means_are_named_together_or_not_at_all(report_of) -> None:
    turned = steps(["dtw", "mtl", "mtcs"], MINE, 0.05)
    assert "DTW and TST have the highest mean, 0.8" in sentences(report_of(turned | {"tst": turned["dtw"]}))["lead"]
    same = steps(["mtcs", "mtl"], MINE, 0.05)
    equal = report_of(same | {"dtw": same["mtcs"]}, reference="mtl")
    assert "highest mean" not in sentences(equal)["lead"], "one of them is the closest rival"


def test_few_labels_are_not_blamed_for_what_the_paper_has_with_all(report_of) -> None:
    report = report_of(steps(["mtcs", "mtl"], UCR12, 0.05), labels_per_class=20)
    words = sentences(report)
    assert "The paper, with all labels, reports 0.862 for MTCS." in words["lead"]
    assert "At most 20 training series of each label are used here." in words["lead"]
    assert not words["findings"]


def test_few_tasks_decide_nothing(report_of) -> None:
    report = report_of(steps(["mtcs", "mtl", "dtw"], MINE[:2], 0.05))
    assert (
        "cannot be told apart on these 2 tasks. Too few tasks differ for any test to decide"
        in sentences(report)["lead"]
    )
    one = report_of(steps(["mtcs", "mtl"], MINE[:1], 0.05))
    assert "cannot be told apart on T00. Too few tasks differ for any test to decide" in sentences(one)["lead"]


def test_a_verdict_of_one_seed_or_of_unlike_precisions_says_so(report_of, result) -> None:
    several = steps(["mtcs", "mtl"], MINE, 0.05)
    cells = {method: {task: values[:1] for task, values in of.items()} for method, of in several.items()}
    report = report_of(cells)
    assert "is ahead of MTL (0.798) on these 12 tasks. That is one seed of each. " in sentences(report)["lead"]
    runs = [result(method, 0, {"A": 0.5}) for method in cells]
    fp32 = runs[1].trained[0].model_copy(update={"precision": "fp32"})
    unlike = replace(report, results=(runs[0], runs[1].model_copy(update={"trained": (fp32,)})))
    assert "That is one seed of each, trained in bf16 and in fp32. " in sentences(unlike)["lead"]
    assert "That is" not in sentences(report_of(several))["lead"]


def test_a_single_method_is_compared_with_the_paper_alone(report_of) -> None:
    assert sentences(report_of({"mtcs": {task: [0.862, 0.862] for task in UCR12}}))["lead"] == (
        "MTCS averages 0.862 on these 12 tasks. The paper reports 0.862 for MTCS."
    )


def test_few_methods_that_are_alike_are_named_and_many_counted(report_of) -> None:
    cells = steps(["mtcs", "mtl"], MINE, 0.05)
    for i, method in enumerate(("tnc", "dtw", "tst", "t_loss", "ts_tcc", "mmoe", "ts2vec")):
        ours = enumerate(cells["mtcs"].items())
        cells[method] = {task: [values[0] + (0.002 if (k + i) % 2 else -0.002)] for k, (task, values) in ours}
        rest = {0: "TNC", 1: "TNC and DTW", 6: "7 other methods"}
        if i in rest:
            assert f". {rest[i]} cannot be told from MTCS." in sentences(report_of(cells))["lead"]


def test_no_sentence_counts_zero(report_of) -> None:
    for methods in (["mtcs"], ["mtcs", "mtl"], ["mtcs", "mtl", "dtw"], ["mtl", "dtw"]):
        for count in (1, 2, 3, 12):
            for gap in (0.0, 0.05):
                said = sentences(report_of(steps(methods, MINE[:count], gap)))["lead"]
                assert " 0 " not in said, said
                assert "  " not in said


def test_the_variant_that_comes_closest_to_the_paper_is_named(report_of) -> None:
    cells = {"mtcs": {t: [0.80, 0.81] for t in UCR12}, "longer": {t: [0.85, 0.856] for t in UCR12}}
    parameters = {"mtcs": {"schedule": {"epochs": 5}}, "longer": {"schedule": {"epochs": 20}}}
    said = sentences(report_of(cells, ablation=["longer"], parameters=parameters))["lead"]
    assert said.endswith("The paper reports 0.862 for MTCS; with 20 epochs instead of 5 it reaches 0.853 here.")
    worse = report_of(
        {**cells, "longer": {t: [0.75, 0.755] for t in UCR12}}, ablation=["longer"], parameters=parameters
    )
    assert sentences(worse)["lead"].endswith("The paper reports 0.862 for MTCS.")


def test_parameters_unlike_the_papers_are_said_at_the_top(report_of, write, result) -> None:
    parameters = {"threshold": 4.0, "sharing_weight": 0.1, "schedule": {"epochs": 20, "learning_rate": 0.001}}
    write(result("mtcs", 0, {"A": 0.5}, parameters))
    report = report_of({}, parameters={"mtcs": parameters})
    assert (
        "MTCS is not set as in the paper here: threshold 4.0 instead of 2; schedule.epochs 20 instead of 5."
        in sentences(report)["lead"]
    )


def test_another_reference_keeps_its_tests(report_of) -> None:
    cells = steps(["mtcs", "mtl", "dtw"], MINE, 0.05)
    report = report_of(cells, reference="dtw")
    assert [comparison.method for comparison in report.comparisons] == ["mtcs", "mtl"]
    assert sentences(report)["lead"].startswith("DTW (") and ") is behind MTCS (" in sentences(report)["lead"]
    assert "ahead of DTW, equal and behind" in sentences(report)["how_compared"]


def test_a_reference_without_results_is_replaced_and_that_is_said(report_of) -> None:
    report = report_of(steps(["mtl", "dtw"], MINE, 0.05), parameters={"mtcs": {}, "mtl": {}, "dtw": {}})
    assert (report.reference, len(report.comparisons)) == ("mtl", 1)
    assert "MTCS is not in this report, so methods are compared with MTL." in sentences(report)["lead"]


def test_means_far_below_the_published_ones_are_named(report_of) -> None:
    report = report_of({"mtcs": {t: [0.843, 0.843] for t in UCR12}, "tst": {t: [0.6] for t in UCR12}})
    assert sentences(report)["findings"] == f"More than 0.02 below the published mean: TST ({MINUS}0.040)."


def test_caveats_name_seeds_missing_methods_and_runs_set_aside(report_of, write, result) -> None:
    write(result("mtcs", 0, {"A": 0.5}))
    write(result("mtcs", 1, {"A": 0.6}))
    write(result("mtl", 0, {"A": 0.5}, {"threshold": 1.0}))
    write(result("dtw", 0, {"A": 0.5}))
    report = report_of(
        {},
        methods=["mtcs", "mtl", "dtw", "tst"],
        seeds=2,
        parameters={"mtcs": {}, "mtl": {}, "dtw": {}, "tst": {}, "tnc": {}},
    )
    assert sentences(report)["not_counted"] == "Not counted: MTL, seed 0, which has threshold 1.0 instead of 2.0."
    assert sentences(report)["caveats"] == (
        "Mean ± sample standard deviation over the seeds that the table of methods counts; a single seed has no "
        "deviation. No results yet: MTL, TST. Not in this report: TNC. The loss still falls when training ends, over "
        "the last fifth of the steps by 33\N{NO-BREAK SPACE}% for MTCS; longer training may help. Not counted: MTL, "
        "seed 0, which has threshold 1.0 instead of 2.0."
    )


def test_labels_never_predicted_and_repeated_series_are_caveats(report_of, write, result) -> None:
    message = {"balanced_accuracy": 0.5, "majority": 0.95, "never_predicted": ("c",), "test_in_train": 7}
    write(result("mtcs", 0, {"A": 0.95}, **message).model_copy(update={"curves": ()}))
    report = report_of({}, parameters={"mtcs": {}})
    assert sentences(report)["caveats"] == (
        "One seed: the spread over seeds is unknown. Test series that are in the training part too: A 7 of 100. Some "
        "methods never predict some labels; the table of balanced accuracy names them."
    )


def test_doubtful_cells_are_explained(report_of) -> None:
    methods = ("tnc", "ts_tcc", "tst", "dtw", "mtcs")
    report = report_of({m: {t: [0.9] for t in ("TwoPatterns", "UWaveGestureLibraryZ", "Crop")} for m in methods})
    doubts = sentences(report)["doubts"].splitlines()
    assert len(doubts) == 7 + 2
    assert "TwoPatterns, DTW: 0.905 is mis-copied: value of TwoLeadECG; other publications give 1.000." in doubts


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
    assert [percent(share) for share in (0.5, 0.996, 1.0)] == [f"{n}\N{NO-BREAK SPACE}%" for n in ("50", "99.6", "100")]
    assert enumerated(["a", "b", "c"]) == "a, b and c"
