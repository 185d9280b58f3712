"""The tables as text, and as Markdown and LaTeX."""

from __future__ import annotations

import pandas as pd

from mtcs.reports import tables
from mtcs.reports.analysis.runs import run_table

MINUS = "\N{MINUS SIGN}"
TEN = ("mtcs", "mtl", "mmoe", "ts2vec", "ts2vec_joint", "t_loss", "tnc", "ts_tcc", "tst", "dtw")


def test_ten_methods_have_their_names_and_seeds(report_of) -> None:
    joint = ("mtcs", "mtl", "mmoe", "ts2vec_joint")
    tasks = ("Crop", "TwoPatterns", "FordA")
    report = report_of({m: {t: [0.8, 0.9] if m in joint else [0.85] for t in tasks} for m in TEN})
    frame = tables.methods(report)
    assert list(frame.columns) == ["accuracy", "paper", "difference", "rank", "wins/ties/losses", "p", "seeds"]
    names = ["MTCS", "MTL", "MMoE", "TS2Vec", "TS2Vec joint", "T-Loss", "TNC", "TS-TCC", "TST", "DTW"]
    assert list(frame.index) == list(tables.accuracy(report).columns) == names
    assert frame["seeds"].tolist() == ["2", "2", "2", "1", "2", *["1"] * 5]
    assert frame.loc[["MMoE", "TS2Vec joint"], "paper"].tolist() == [tables.DASH] * 2
    assert tables.accuracy(report).loc["Crop", ["MTCS", "DTW"]].tolist() == ["0.850 ± 0.071", "0.850"]
    assert tables.paper(report).loc["TwoPatterns", "DTW"] == f"0.905† ({MINUS}0.055)"
    assert "MMoE" not in tables.paper(report)


def marked(frame: pd.DataFrame) -> dict[tuple[str, str], str]:
    """The marked cells by the names of their row and column."""
    cells = {(name, column): frame.loc[name, column] for name in frame.index for column in frame}
    return {key: cell for key, cell in cells.items() if isinstance(cell, tables.Marked)}


def test_many_methods_run_down_and_the_best_are_marked(report_of) -> None:
    report = report_of({f"m{i:02}": {"A": [0.5 + i / 100], "B": [0.9 - i / 100]} for i in range(20)})
    frame = tables.accuracy(report)
    assert (frame.index.name, frame.shape, list(frame.columns)) == ("method", (20, 2), ["A", "B"])
    assert marked(frame) == {("m19", "A"): "0.690", ("m00", "B"): "0.900"}


def test_what_prints_the_same_is_marked_the_same_and_a_single_method_is_not(report_of) -> None:
    cells = {"mtcs": {"A": [0.95874, 0.95874]}, "mtl": {"A": [0.95851]}, "dtw": {"A": [0.95849]}}
    assert set(marked(tables.accuracy(report_of(cells)))) == {("A", "MTCS"), ("A", "MTL")}
    assert set(marked(tables.methods(report_of(cells)))) == {("MTCS", "accuracy"), ("MTL", "accuracy")}
    for table in (tables.accuracy, tables.methods):
        assert not marked(table(report_of({"mtcs": {"A": [0.3, 0.9]}})))


def test_many_tasks_have_the_type_of_their_data_and_means_of_types(report_of) -> None:
    tasks = ["Wafer", "Car", *(f"T{i:02}" for i in range(20))]
    report = report_of({f"m{i:02}": {t: [0.3 if t == "Car" else 0.5 + i / 100] for t in tasks} for i in range(23)})
    assert tables.accuracy(report)["type of data"].tolist() == ["Sensor", "Sensor", *["other"] * 20]  # tasks stay rows
    frame = tables.types_of_data(report)
    assert (frame.index.name, frame["tasks"].to_dict()) == ("type of data", {"Sensor": "2", "other": "20"})
    assert frame.loc["Sensor", ["m00", "m22"]].tolist() == ["0.400", "0.510"]
    assert ("Sensor", "m22") in marked(frame) and ("Sensor", "m00") not in marked(frame)
    assert tables.types_of_data(report_of({"mtcs": {"Wafer": [0.5]}})).empty


def test_p_values_of_pairs_are_marked_where_they_are_significant(report_of) -> None:
    scores = {f"T{t:02}": 0.9 - 0.001 * t for t in range(12)}
    report = report_of(
        {m: {t: [s - i * 0.05 - i * 0.01 * s] for t, s in scores.items()} for i, m in enumerate(TEN[:2])}
    )
    frame = tables.p_values(report)
    assert marked(frame) == dict.fromkeys((("MTL", "MTCS"), ("MTCS", "MTL")), "< 0.001")
    assert frame.loc["MTL", "MTL"] == tables.DASH


def test_other_classifiers_stand_beside_ours_with_all_that_print_the_best(report_of) -> None:
    report = report_of({"mtcs": {"Crop": [0.6], "Wafer": [1.0], "Mine": [0.5]}})
    frame = tables.other_classifiers(report)
    assert (frame.index.name, list(frame.columns)) == ("classifier", ["mean of 2", "Crop", "Wafer"])  # the longer side
    assert frame.loc["MTCS", ["Crop", "Wafer"]].tolist() == ["0.600", "1.000"]
    assert ("MTCS", "Wafer") in marked(frame) and ("MTCS", "Crop") not in marked(frame)
    means = frame["mean of 2"].astype(float).tolist()
    assert means == sorted(means, reverse=True)
    assert (frame.index[0], "mean of 2") in marked(frame)


def test_a_classifier_of_ours_stands_beside_its_public_results(report_of) -> None:
    frame = tables.other_classifiers(report_of({"QUANT": {"Crop": [0.6], "Wafer": [1.0]}}))
    assert frame.loc["QUANT", "Crop"] == "0.600"
    assert frame.loc["QUANT, public", "Crop"] == "0.777"


def test_balanced_accuracies(report_of, write, result) -> None:
    write(result("mtcs", 0, {"A": 0.95}, balanced_accuracy=0.5, majority=0.95, never_predicted=("c",)))
    report = report_of({}, parameters={"mtcs": {}})
    assert tables.balanced_accuracy(report).loc["A"].to_dict() == {
        "most frequent label": "0.950",
        "MTCS": "0.500",
        "never predicted": "MTCS: c",
    }


def test_heads_are_a_column_where_a_method_has_them(report_of, write, result) -> None:
    for method in ("mtcs", "dtw"):
        write(result(method, 0, {"A": 0.5}))
    frame = tables.methods(report_of({}, parameters={"mtcs": {}, "dtw": {}}))
    assert frame["heads"].tolist() == ["0.490", tables.DASH]


def test_runs_say_how_their_models_came_about(report_of, write, result) -> None:
    first, single = result("mtcs", 0, {"A": 0.5, "B": 0.6}), result("tnc", 0, {"A": 0.5, "B": 0.6})
    fast, slow = (
        single.trained[0].model_copy(
            update={"seconds": seconds, "series_per_second": rate, "commit": "0123456789-dirty"}
        )
        for seconds, rate in ((10.0, 900.0), (90.0, 100.0))
    )
    write(first)
    write(single.model_copy(update={"trained": (fast, slow)}))
    report = report_of({}, parameters={"mtcs": {}, "tnc": {}}, tasks=["A", "B"])
    frame = run_table(report.results, report.titles)
    assert frame.loc["MTCS", ["training time", "steps", "parameters"]].tolist() == ["4 min 52 s", "600", "637,120"]
    assert frame.loc["TNC", ["series/s", "training time"]].tolist() == ["180", "1 min 40 s"]  # 18,000 series in 100 s
    assert frame["commit"].tolist() == ["0123456789", "0123456789-dirty"]


def test_readings_are_paired_with_their_methods_by_seed(report_of) -> None:
    report = report_of(
        {
            "mtcs": {"A": [0.6, 0.8], "B": [0.5, 0.5]},
            "tnc": {"A": [0.7, 0.7], "B": [0.5, 0.5]},
            "dtw": {"A": [0.9, 0.9], "B": [0.9, 0.9]},
            "mtcs_ridge": {"A": [0.7, 0.9], "B": [0.5, 0.5]},
            "tnc_ridge": {"A": [0.6], "B": [0.4]},
        },
        parameters={"mtcs": {}, "tnc": {}, "dtw": {}},
        readings={"mtcs_ridge": "mtcs", "tnc_ridge": "tnc", "absent_ridge": "dtw"},
    )
    assert report.methods == ("mtcs", "tnc", "dtw")
    frame = tables.readings(report)
    assert frame.index.tolist() == ["MTCS (kernel ridge)", "tnc_ridge"]
    numbers = ["0.600 ± 0.071", "0.650 ± 0.071", "+0.050 ± 0.000", "1/1/0", "1 → 1", "2"]
    assert frame.loc["MTCS (kernel ridge)"].tolist() == numbers
    assert frame.loc["tnc_ridge"].tolist() == ["0.600", "0.500", f"{MINUS}0.100", "0/0/2", "1 → 2", "1"]


def test_markdown_lines_are_of_one_length_and_bars_are_escaped(report_of) -> None:
    report = report_of({m: {"a|b": [0.5, 0.6], "Crop": [0.8, 0.9]} for m in TEN})
    for frame in (tables.methods(report), tables.accuracy(report)):
        assert len({len(line) for line in tables.markdown(frame).splitlines()}) == 1
    assert r"| a\|b |" in tables.markdown(tables.accuracy(report))


def test_latex_is_booktabs_with_everything_escaped() -> None:
    frame = pd.DataFrame(
        {"a_b": [tables.Marked("0.5 ± 0.1")], "p": ["< 0.001"]}, index=pd.Index(["50 %"], name="t&u"), dtype=object
    )
    assert tables.latex(frame).splitlines() == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"t\&u & a\_b & p \\",
        r"\midrule",
        r"50 \% & \textbf{0.5 $\pm$ 0.1} & $<$ 0.001 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]
