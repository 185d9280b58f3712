"""From a folder of recordings to labels with probabilities, by the command line, far from any params.yaml."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from typer.testing import CliRunner

import mtcs
from mtcs.bundles import fit as bundle_fit
from mtcs.cli import app
from mtcs.stages.fit import _more_passes
from mtcs.training.loop import train_method
from mtcs.training.other_work import OtherWork
from tests.command_line import run

pytestmark = pytest.mark.usefixtures("here")


def series(n: int = 12, length: int = 20) -> tuple[np.ndarray, list[str]]:
    X = np.random.default_rng(0).normal(scale=0.2, size=(n, length)).round(3)
    X[::2] += np.sin(np.arange(length))
    return X, ["ok", "worn out"] * (n // 2)


def folder() -> Path:
    """Pumps with a header, identities and unequal lengths; fans as Excel writes them in Germany; an archive's pair."""
    root = Path("sensors")
    root.mkdir()
    X, y = series()
    frame = pd.DataFrame(X, columns=[f"t{i}" for i in range(X.shape[1])])
    frame.iloc[3, 15:] = np.nan
    frame.insert(0, "id", [f"r{i}" for i in range(len(X))])
    frame["state"] = y
    frame.to_csv(root / "pumps.csv", index=False)
    lines = [
        ";".join([label, *(f"{value:.3f}".replace(".", ",") for value in row)]) for row, label in zip(X, y, strict=True)
    ]
    (root / "fans.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    for part in ("TRAIN", "TEST"):
        text = "\n".join("\t".join([str(1 + i % 2), *map(str, row)]) for i, row in enumerate(X))
        (root / f"Valve_{part}.tsv").write_text(text)
    (root / "motors").mkdir()
    np.savez(root / "motors" / "all.npz", X=X, y=np.arange(len(X)) % 2)
    return root


def test_a_folder_is_read_and_told(capsys):
    data = mtcs.read_folder(folder())
    message = capsys.readouterr().err.splitlines()
    X, y = series()
    assert set(data) == {"pumps", "fans", "Valve", "motors"}
    assert "pumps.csv: 12 series of 15 to 20 steps, labels in column `state`: ok 6, worn out 6" in message
    fans = "fans.csv: 12 series of 20 steps, labels in the first column: ok 6, worn out 6"
    assert f"{fans}; read with `;` and decimal commas" in message
    np.testing.assert_array_equal(data["pumps"][0][0], X[0])
    np.testing.assert_allclose(data["fans"][0][0], X[0], atol=5e-4)
    assert list(data["fans"][1]) == list(data["pumps"][1]) == y
    assert len(data["Valve"][0]) == len(data.test["Valve"][0]) == 12
    assert set(data.test) == {"Valve"}
    assert data["motors"][1].dtype == np.int64


def test_fit_inspect_and_predict(monkeypatch):
    monkeypatch.setattr("mtcs.estimator.packaged_method", tiny)
    code, out, err = run("fit", folder(), "--out", "m.mtcs", "--cv", 2, "--device", "cpu", "--precision", "fp32")
    assert code == 0, err
    assert "accuracy" in out
    assert "Tip: with so few series more passes may be better; compare --cv 5 --epochs 125." in err  # four tasks
    page = Path("m.html").read_text()
    assert "Labels of new recordings of pumps are right" in page
    assert "What learning together was worth" in page
    assert "Method mtcs, classifier ridge, 2 folds" in page
    code, out, _ = run("inspect", "m.mtcs")
    assert code == 0
    assert re.match(r"m\.mtcs: [\d.]+ MB, like mtcs with [\d,]+ weights, seed 0, read by ridge\n", out)
    assert "pumps: 12 series of 15 to 20 steps; labels ok, worn out" in out
    assert "2-fold accuracy" in out
    assert re.search(r"\n    2-fold accuracy [\d., a-z_]+, calibration_error 0\.", out)
    with safe_open("m.mtcs", "numpy") as file:
        assert out.endswith(f"{file.metadata()['README']}\n"), "whoever has no mtcs reads the same"
    code, out, err = run("predict", "m.mtcs", "sensors/pumps.csv", "--task", "pumps", "--proba", "--device", "cpu")
    assert code == 0, err
    table = pd.read_csv(io.StringIO(out))
    assert list(table.columns) == ["id", "label", "predicted", "margin", "p_ok", "p_worn out"]
    assert list(table["id"]) == [f"r{i}" for i in range(12)]
    model, data = mtcs.load("m.mtcs"), mtcs.read_folder("sensors", verbose=False)
    np.testing.assert_allclose(table[["p_ok", "p_worn out"]], model.predict_proba("pumps", data["pumps"][0]), atol=1e-6)
    np.testing.assert_allclose(table["margin"], (table["p_ok"] - table["p_worn out"]).abs(), atol=2e-6)
    Path("new.csv").write_text("\n".join(",".join(map(str, row)) for row in series()[0]))
    code, out, err = run("predict", "m.mtcs", "new.csv", "--task", "pumps", "--out", "labels.csv", "--device", "cpu")
    assert code == 0, err
    assert list(pd.read_csv("labels.csv").columns) == ["predicted", "margin"]
    for arguments, words in (
        (("predict", "m.mtcs", "new.csv"), "choose one with --task"),
        (("predict", "m.mtcs", "new.csv", "--task", "pump"), "Unknown task 'pump'"),
        (("predict", "m.mtcs", "new.csv", "--task", ""), "Unknown task ''; m.mtcs has "),
        (("predict", "none.mtcs", "new.csv"), "none.mtcs does not exist"),
        (("predict", "mtcs", "new.csv"), "METHOD SUITE TASK DATA"),
        (("fit", "none", "--out", "m.mtcs"), "none does not exist; name a file, or a folder with"),
        (("fit", "sensors", "--out", "m.bin"), "does not end in .mtcs"),
        (("fit", "sensors", "--out", "m.mtcs", "--cv", 2, "--report", "page"), "does not end in .html"),
        (("inspect", "new.csv"), "new.csv is no fitted classifier"),
    ):
        code, _, err = run(*arguments)
        assert code == 2
        assert words in err
        assert err.count("\n") == 1


def tiny(method: str):
    from mtcs.config.packaged import packaged_method

    return packaged_method({"like": method, "depth": 2, "hidden": 8, "output": 16})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"label,a,b\nok,1\xff,2\n", "line 2: not UTF-8"),
        (b"label;a;b\nok;1,5;2\nok;1.5;2\n", "decimal points (line 3) and decimal commas (line 2)"),
        (b"label,a,b\nok,1,two\n", "line 2: 'two' is no number"),
        (b'label,a,b\nok,"1,5",2\n', "line 2: '1,5' is no number"),
        (b"label,a,b\nok,1,5,2,5\n", "line 2: 5 fields under a header of 3"),
        (b"label,a,b\nok,,\n", "line 2: no observed value"),
        (b"a,b,c\n1,2,3\n", "has no labels"),
        (b'label,a\nok,"1\n', "line 2"),
    ],
)
def test_tables_that_cannot_be_read(content, words):
    Path("data").mkdir()
    Path("data/t.csv").write_bytes(content)
    with pytest.raises(mtcs.InputError) as error:
        mtcs.read_folder("data", verbose=False)
    assert words in str(error.value)
    assert "t.csv" in str(error.value)


@pytest.mark.parametrize(
    "content",
    ["ok,1,2\nworn,3,4\n", "1,2,ok\n3,4,worn\n", "a,b,y\n1,2,ok\n3,4,worn\n", ",0,1,state\n0,1,2,ok\n1,3,4,worn\n"],
)
def test_where_labels_stand(content):
    Path("data").mkdir()
    Path("data/t.csv").write_text(content)
    X, y = mtcs.read_folder("data", verbose=False)["t"]
    assert list(y) == ["ok", "worn"]
    np.testing.assert_array_equal(X, [[1, 2], [3, 4]])


@pytest.fixture
def fitted() -> Path:
    X, y = series()
    model = mtcs.MultiTaskClassifier(
        {"depth": 2, "hidden": 8, "output": 16}, random_state=0, device="cpu", precision="fp32"
    )
    model.fit({"pumps": (X, y), "fans": (X, y)}).save("m.mtcs")
    return Path("m.mtcs")


def long_table(X: np.ndarray, names: list[str]) -> str:
    rows = [f"{name},{step},{value}" for name, row in zip(names, X, strict=True) for step, value in enumerate(row)]
    return "\n".join(["id,time,value", *rows]) + "\n"


def test_predictions_keep_names_and_order_whatever_the_format(fitted, monkeypatch):
    X, _ = series()
    names = [f"r{i}" for i in (5, 3, 1, 0)]
    expected = mtcs.load(fitted).predict_proba("pumps", X[:4])
    frame = pd.DataFrame(X[:4], columns=[f"t{i}" for i in range(20)], index=pd.Index(names, name="id"))
    frame.to_csv("wide.csv")
    frame.to_parquet("wide.parquet")
    Path("long.csv").write_text(long_table(X[:4], names))
    Path("recordings").mkdir()
    for name, row in zip(names, X, strict=False):
        (Path("recordings") / f"{name}.csv").write_text("\n".join(map(str, row)))
    everything = frame.reset_index().assign(task=["pumps"] * 4)
    pd.concat([everything.assign(task="fans"), everything]).to_csv("all.csv", index=False)
    for data in ("wide.csv", "wide.parquet", "long.csv", "recordings", "all.csv"):
        code, out, err = run("predict", fitted, data, "--task", "pumps", "--proba", "--device", "cpu")
        assert code == 0, err
        table = pd.read_csv(io.StringIO(out), index_col="id")
        if data == "recordings":
            table = table.loc[names]
        assert list(table.index) == names
        np.testing.assert_allclose(table[["p_ok", "p_worn out"]], expected, atol=1e-6)
    for name in ("long.csv", "wide.parquet"):
        done = CliRunner().invoke(
            app, ["predict", str(fitted), "-", "--task", "pumps", "--device", "cpu"], input=Path(name).read_bytes()
        )
        assert done.exit_code == 0
        assert list(pd.read_csv(io.StringIO(done.stdout))["id"]) == names
    done = CliRunner().invoke(app, ["predict", str(fitted), "-", "--task", "pumps"], input=b"1,2\n3,x\n")
    assert done.exit_code == 2
    assert "mtcs: stdin.csv, line 2: 'x' is no finite number" in done.stderr


def test_a_dash_is_standard_output(fitted):
    np.savetxt("new.csv", series(4)[0], delimiter=",")
    expected = run("predict", fitted, "new.csv", "--task", "pumps", "--device", "cpu")
    assert run("predict", fitted, "new.csv", "--task", "pumps", "--device", "cpu", "--out", "-") == expected
    assert expected[0] == 0 and expected[1].startswith("predicted,")
    assert not Path("-").exists()


def test_standard_input_without_end_is_refused(fitted, monkeypatch):
    monkeypatch.setattr("mtcs.data.files.MAX_STDIN", 10)
    done = CliRunner().invoke(app, ["predict", str(fitted), "-", "--task", "pumps"], input=b"1,2,3,4,5,6")
    assert done.exit_code == 2
    assert "mtcs: standard input has more than 10 bytes; save it as a file, and name that." in done.stderr


def test_series_that_cannot_be_labelled_are_named(fitted):
    X, _ = series()
    X[1], lines = 0.5, ["id,label," + ",".join(f"t{i}" for i in range(20))]
    lines += [f"r{i},ok," + ",".join(map(str, row[: 5 if i == 2 else 20])) for i, row in enumerate(X)]
    Path("new.csv").write_text("\n".join(lines))
    code, _, err = run("predict", fitted, "new.csv", "--task", "pumps", "--device", "cpu")
    assert code == 0
    assert "new.csv: series r1 is constant, so its label means little." in err
    assert "new.csv: series r2 has 5 steps, less than half of the shortest training series (20)." in err
    Path("new.csv").write_text("\n".join([*lines, lines[-1].replace(",ok,", ",broken,")]))
    code, _, err = run("predict", fitted, "new.csv", "--task", "pumps", "--device", "cpu")
    assert code == 2
    assert "series r11 has label broken, expected one of pumps's (ok, worn out)" in err
    Path("tasks.csv").write_text("task,t0,t1\nvalves,1,2\n")
    code, _, err = run("predict", fitted, "tasks.csv", "--task", "pumps")
    assert code == 2
    assert "tasks.csv has series of valves, and none of task pumps" in err


def test_every_word_for_a_missing_label_is_one_unless_the_task_has_that_label(fitted):
    X, _ = series(5)
    frame = pd.DataFrame(X, columns=[f"t{i}" for i in range(20)]).assign(label=["ok", "NA", "nan", "?", ""])
    frame.to_csv("new.csv", index=False)
    code, out, err = run("predict", fitted, "new.csv", "--task", "pumps", "--device", "cpu")
    assert code == 0, err
    assert [line.split(",")[0] for line in out.splitlines()[1:]] == ["ok", "", "", "", ""]
    assert "on 1 with a label" in err
    mtcs.load(fitted).add_task("countries", X, ["NA", "DE", "NA", "DE", "NA"]).save("m.mtcs")
    frame["label"] = ["NA", "nan", "DE", "?", ""]
    frame.to_csv("new.csv", index=False)
    code, out, err = run("predict", "m.mtcs", "new.csv", "--task", "countries", "--device", "cpu")
    assert code == 0, err
    assert "on 2 with a label" in err


def test_the_classifier_is_not_overwritten_by_what_it_predicts(fitted):
    content = fitted.read_bytes()
    Path("new.csv").write_text(f"{','.join(map(str, range(20)))}\n" * 2)
    code, out, err = run("predict", fitted, "new.csv", "--task", "pumps", "--out", Path(fitted).absolute())
    assert (code, out) == (2, "")
    assert err.endswith("is a file that is read, m.mtcs; name another.\n")
    assert fitted.read_bytes() == content


def test_recordings_and_their_labels_are_not_overwritten_by_predictions(fitted, monkeypatch):
    given = {"labels.csv": "file,label\nv1,ok\n", "v1.csv": "1\n2\n3\n"}
    Path("new").mkdir()
    Path("elsewhere.csv").write_text("1\n2\n")
    for name, content in given.items():
        Path("new", name).write_text(content)
    Path("new/v2.csv").symlink_to(Path("elsewhere.csv").absolute())
    for out in ("new/labels.csv", "new/v1.csv", "elsewhere.csv"):
        code, _, err = run("predict", fitted, "new", "--task", "pumps", "--out", out)
        assert code == 2
        assert f"--out {out} is a file that is read, new/" in err
    monkeypatch.chdir("new")
    code, _, err = run("predict", "../m.mtcs", ".", "--task", "pumps", "--out", "predicted.csv")
    assert code == 2
    assert err.endswith("--out predicted.csv would be read next time, as all tables of .; name one elsewhere.\n")
    assert {name: Path(name).read_text() for name in given} == given
    Path("v2.csv").unlink()
    for out in ("../labels.csv", "predicted.out"):
        assert run("predict", "../m.mtcs", ".", "--task", "pumps", "--device", "cpu", "--out", out)[0] == 0


def test_odd_series_are_named_a_few_times_only(fitted):
    Path("new.csv").write_text(
        "".join(f"{i},{','.join(['1'] * 19)}\n" for i in range(3)) + f"{','.join(['2'] * 20)}\n" * 30
    )
    code, _, err = run("predict", fitted, "new.csv", "--task", "pumps", "--device", "cpu")
    assert code == 0
    assert err.count("is constant") == 10
    assert "new.csv: 21 more series are constant or as short.\n" in err


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2," * 19 + "2\n", "constant"),
        ("1,2\n", "shorter than half of the shortest training series (20 steps)"),
        ("1,2\n2,2\n", "shorter than half of the shortest training series (20 steps) or constant"),
    ],
)
def test_series_that_are_all_odd_are_said_so_in_one_line(fitted, row, reason):
    Path("new.csv").write_text(row * 4)
    code, _, err = run("predict", fitted, "new.csv", "--task", "pumps", "--device", "cpu", "--label", "none")
    assert code == 0
    (said,) = [line for line in err.splitlines() if "constant" in line or "half of" in line]
    assert said == f"new.csv: all {4 * row.count(chr(10))} series are {reason}, so their labels mean little."


def test_a_column_too_many_and_values_far_from_those_of_training_are_said(fitted):
    X, _ = series()
    far = "have values more than 100 standard deviations from the mean of training"
    X[3, 4] = -9999
    for rows, sentence in (
        (
            np.column_stack([np.arange(12), X]),
            "all series have 21 steps, those of training 20; if their first column is",
        ),
        (X[:, 1:], "all series have 19 steps, those of training 20; if their first column is"),
        (X.T, "all series have 12 steps, those of training 20; if rows and columns are swapped, or"),
        (X, f"1 of 12 series, the first 3, {far}"),
    ):
        np.savetxt("new.csv", rows, delimiter=",")
        code, _, err = run("predict", fitted, "new.csv", "--task", "pumps", "--device", "cpu")
        assert code == 0
        assert f"new.csv: {sentence}" in err
    np.savetxt("new.csv", np.delete(X, 3, axis=0), delimiter=",")
    err = run("predict", fitted, "new.csv", "--task", "pumps", "--device", "cpu")[2]
    assert "steps" not in err
    assert far not in err


def test_where_the_classifier_goes_is_looked_at_before_anything_is_learned(monkeypatch):
    monkeypatch.setattr("mtcs.estimator.MultiTaskClassifier.fit", None)
    pumps = folder() / "pumps.csv"
    Path("folder.mtcs").mkdir()
    code, _, err = run("fit", pumps, "--out", "folder.mtcs")
    assert (code, err) == (2, "mtcs: folder.mtcs is a folder, where a file is to be written; name another.\n")
    code, _, err = run("fit", pumps, "--out", f"{'m' * 300}.mtcs")
    assert code == 1
    assert err.startswith("mtcs: ") and "m" * 60 in err
    Path("nowhere").symlink_to("nothing")
    for options, expected in (
        (("--out", f"{pumps}/m.mtcs"), f"{pumps} is not a folder, so that {pumps}/m.mtcs cannot be written"),
        (("--out", f"{pumps}/a/m.mtcs"), f"{pumps} is not a folder, so that {pumps}/a/m.mtcs cannot be"),
        (("--out", "nowhere/m.mtcs"), "nowhere is not a folder, so that nowhere/m.mtcs cannot be written"),
        (("--out", "m.mtcs", "--cv", 2, "--report", f"{pumps}/p.html"), f"{pumps} is not a folder, so that"),
    ):
        code, _, err = run("fit", pumps, *options)
        assert code == 2
        assert err.startswith(f"mtcs: {expected}")
        assert err.count("\n") == 1
    code, _, err = run("fit", "none", "--out", "a/b/m.mtcs")
    assert (code, err.startswith("mtcs: none does not exist")) == (2, True)
    code, _, err = run("fit", pumps, "--out", "m.mtcs", "--report", "page.html")
    assert (code, err) == (2, "mtcs: --report page.html shows what --cv measures; add --cv 5, or leave --report out.\n")
    assert sorted(path.name for path in Path().iterdir()) == ["folder.mtcs", "nowhere", "sensors"]


def test_folders_are_made_for_the_classifier_and_its_page():
    pumps = folder() / "pumps.csv"
    code, _, err = run(
        "fit", pumps, "--out", "a/b/m.mtcs", "--cv", 2, "--report", "c/p.html", "--method", "dtw", "--device", "cpu"
    )
    assert code == 0, err
    assert Path("a/b/m.mtcs").is_file() and Path("c/p.html").is_file()
    code, _, err = run("predict", "a/b/m.mtcs", pumps, "--out", f"{pumps}/labels.csv")
    said = "sensors/pumps.csv is not a folder, so that sensors/pumps.csv/labels.csv cannot be written"
    assert (code, err) == (2, f"mtcs: {said}; name another.\n")


@pytest.mark.parametrize("what", ["method", "classifier"])
def test_an_unknown_name_is_refused_before_anything_is_read(what):
    code, _, err = run("fit", "nowhere", "--out", "m.mtcs", f"--{what}", "svn")
    assert code == 2
    assert err.startswith(f"mtcs: Unknown {what} svn; there are ")


def test_a_file_without_an_encoder_says_so():
    assert run("fit", folder() / "pumps.csv", "--out", "m.mtcs", "--method", "dtw")[0] == 0
    assert "MB, dtw without an encoder, seed 0, read by nearest\n" in run("inspect", "m.mtcs")[1]


def test_a_method_without_an_encoder_is_not_compared_with_itself():
    code, _, err = run("fit", folder(), "--out", "m.mtcs", "--cv", 2, "--method", "dtw")
    assert code == 0, err
    assert "cross-validate: 2/2 trainings, fold 2/2" in err
    page = Path("m.html").read_text()
    assert "Labels of new recordings of pumps are right" in page
    assert "What learning together was worth" not in page


def test_scores_come_from_test_series_and_from_folds_of_groups(monkeypatch):
    monkeypatch.setattr("mtcs.estimator.packaged_method", tiny)
    Path("sensors").mkdir()
    X, y = series()
    frame = pd.DataFrame(X).assign(label=y, machine=np.repeat(list("abcdef"), 2))
    frame.to_csv("sensors/pumps.csv", index=False)
    for part in ("TRAIN", "TEST"):
        frame.to_csv(f"sensors/fans_{part}.csv", index=False)
    code, out, err = run("fit", "sensors", "--out", "m.mtcs", "--cv", 2, "--group", "machine", "--device", "cpu")
    assert code == 0, err
    assert "pumps.csv: 12 series of 20 steps, 6 groups, labels in column `label`" in err
    assert "test series  accuracy" in out
    code, out, _ = run("inspect", "m.mtcs")
    assert "test accuracy" in out
    frame.assign(machine=["", *frame.machine[1:]]).to_csv("sensors/pumps.csv", index=False)
    code, _, err = run("fit", "sensors", "--out", "m.mtcs", "--cv", 2, "--group", "machine", "--device", "cpu")
    assert code == 2
    assert "mtcs: pumps: series 0 has no group; name what it comes from, or leave it out." in err
    frame.to_csv("sensors/pumps.csv", index=False)
    code, _, err = run("fit", "sensors", "--out", "m.mtcs", "--cv", 2, "--group", "patient")
    assert code == 2
    assert "fans_TRAIN.csv has no column patient (--group); read without it: " in err


def test_whoever_chose_the_passes_gets_no_tip(monkeypatch):
    monkeypatch.setattr("mtcs.estimator.packaged_method", tiny)
    code, _, err = run("fit", folder(), "--out", "m.mtcs", "--device", "cpu", "--epochs", 1)
    assert code == 0, err
    assert "Tip" not in err


@pytest.mark.parametrize("workers", [1, 2])
def test_training_takes_as_many_threads_as_the_advice_on_them_counts(monkeypatch, workers):
    monkeypatch.setattr("mtcs.estimator.packaged_method", tiny)
    seen = []
    monkeypatch.setattr(OtherWork, "advice", lambda _, threads: seen.append(threads))
    monkeypatch.setattr(
        bundle_fit, "train_method", lambda *args: seen.append(torch.get_num_threads()) or train_method(*args)
    )
    before = torch.get_num_threads()
    code, _, err = run("fit", folder(), "--out", "m.mtcs", "--device", "cpu", "--epochs", 1, "--workers", workers)
    torch.set_num_threads(before)
    assert code == 0, err
    assert seen == [workers, workers]


def test_methods_that_train_long_enough_ask_for_no_more_passes():
    from mtcs.config.packaged import packaged_method

    for method in ("mtcs_difference", "ts2vec", "minirocket"):
        assert _more_passes(packaged_method(method).schedule, [20, 20]) is None
    assert _more_passes(packaged_method("mtcs").schedule, [20, 33]) == 167
    assert _more_passes(packaged_method("mtcs").schedule, [3200]) is None


def test_doubtful_values_and_labels_are_said_before_anything_is_trained(monkeypatch):
    monkeypatch.setattr("mtcs.estimator.packaged_method", tiny)
    X, y = series()
    X[2, 3] = -9999
    frame = pd.DataFrame(X, columns=[f"t{i}" for i in range(X.shape[1])]).assign(label=y)
    frame.to_csv("pump.csv", index=False)
    code, _, err = run("fit", "pump.csv", "--out", "m.mtcs", "--device", "cpu")
    assert code == 0, err
    said = (
        "comes from the value -9999, which 1 of 240 values have; if it stands for a missing one, add --missing -9999."
    )
    assert err.index(said) < err.index("\ntrain:")
    code, _, err = run("fit", "pump.csv", "--out", "m.mtcs", "--device", "cpu", "--missing", "-9999")
    assert code == 0, err
    assert "Warning" not in err
    pd.DataFrame(X).to_csv("index.csv", header=False)
    code, _, err = run("fit", "index.csv", "--out", "m.mtcs", "--device", "cpu")
    assert code == 2
    assert "counted from series to series, expected labels that series share; the first column may be an index" in err


def test_new_series_have_the_channels_of_the_training_series(monkeypatch):
    monkeypatch.setattr("mtcs.estimator.packaged_method", tiny)
    X, y = series()
    for name, channels in (("pump", ["x", "z"]), ("new", ["z", "x"])):
        rows = [
            {"id": f"r{i}", "time": t, channels[0]: value, channels[1]: value / 2}
            for i, row in enumerate(X)
            for t, value in enumerate(row)
        ]
        frame = pd.DataFrame(rows)
        if name == "pump":
            frame["label"] = [label for label in y for _ in range(X.shape[1])]
        frame.to_csv(f"{name}.csv", index=False)
    code, _, err = run("fit", "pump.csv", "--out", "m.mtcs", "--device", "cpu")
    assert code == 0, err
    assert "2 channels (x, z)" in run("inspect", "m.mtcs")[1]
    code, _, err = run("predict", "m.mtcs", "new.csv", "--device", "cpu")
    assert code == 2
    assert "new.csv has the channels z, x, expected x, z as pump was trained on; write the same, or name them" in err
    code, out, err = run("predict", "m.mtcs", "new.csv", "--device", "cpu", "--values", "x,z")
    assert code == 0, err
    assert out.count("\n") == 13


def test_a_single_channel_of_another_name_is_reported(monkeypatch):
    monkeypatch.setattr("mtcs.estimator.packaged_method", tiny)
    X, y = series()
    names = [f"r{i}" for i in range(len(X))]
    Path("new.csv").write_text(long_table(X, names))
    labels = dict(zip(names, y, strict=True))
    Path("pump.csv").write_text(
        "".join(f"{line},{labels.get(line.split(',')[0], 'label')}\n" for line in long_table(X, names).splitlines())
    )
    code, _, err = run("fit", "pump.csv", "--out", "m.mtcs", "--device", "cpu")
    assert code == 0, err
    code, expected, err = run("predict", "m.mtcs", "new.csv", "--device", "cpu")
    assert (code, "column" in err) == (0, False)
    Path("new.csv").write_text(long_table(X, names).replace("value", "flow"))
    code, out, err = run("predict", "m.mtcs", "new.csv", "--device", "cpu")
    assert (code, out) == (0, expected)
    assert "new.csv: column flow, where pump was trained on value; check that both are the same." in err
    Path("new").mkdir()
    for own in ("a", "b"):  # columns called as their files are name no quantity
        Path(f"new/{own}.csv").write_text("\n".join([own, *map(str, X[0])]))
    code, _, err = run("predict", "m.mtcs", "new", "--device", "cpu")
    assert (code, "column" in err) == (0, False)


def test_new_tables_may_have_columns_that_training_left_out(monkeypatch):
    """A machine, which was named as the group, or labels that are not known: they are left out, and told."""
    monkeypatch.setattr("mtcs.estimator.packaged_method", tiny)
    X, y = series()
    frame = pd.DataFrame(X, columns=[f"t{i}" for i in range(X.shape[1])])
    machines = [f"M{i % 3}" for i in range(len(X))]
    frame.assign(state=y, machine=machines).to_csv("pump.csv", index=False)
    assert run("fit", "pump.csv", "--out", "m.mtcs", "--device", "cpu", "--group", "machine")[0] == 0
    frame.assign(state="broken", machine=machines, t99=0.5).to_csv("new.csv", index=False)
    code, out, err = run("predict", "m.mtcs", "new.csv", "--device", "cpu", "--label", "none")
    assert code == 0, err
    assert out.count("\n") == 1 + len(X)
    assert "new.csv: `state`, `machine` left out\n" in err
    assert f"all series have {X.shape[1] + 1} steps" in err, "t99 is one more"
    code, _, err = run("predict", "m.mtcs", "new.csv", "--device", "cpu")
    assert (code, "--label says in which column labels are, or 'none'" in err) == (2, True), err


def test_channels_without_names_in_training_are_told(monkeypatch):
    monkeypatch.setattr("mtcs.estimator.packaged_method", tiny)
    X, y = series()
    np.savez("pump.npz", X=np.stack([X, -X], 1), y=y)
    assert run("fit", "pump.npz", "--out", "m.mtcs", "--device", "cpu")[0] == 0
    rows = [f"r,{step},{value},{-value}" for step, value in enumerate(X[0])]
    Path("new.csv").write_text("\n".join(["id,time,b,a", *rows]))
    code, _, err = run("predict", "m.mtcs", "new.csv", "--device", "cpu")
    assert code == 0, err
    assert "new.csv: channels b, a, where pump was trained without names; check that order.\n" in err


def test_columns_in_another_order_than_in_training_are_refused(monkeypatch):
    """Or with a gap between them; not where they are others, as of series that are longer, or end early."""
    monkeypatch.setattr("mtcs.estimator.packaged_method", tiny)
    X, y = series()
    frame = pd.DataFrame(X, columns=[f"{i // 2:02}:{i % 2 * 3}0" for i in range(X.shape[1])])
    frame.assign(label=y).to_csv("pump.csv", index=False)
    code, _, err = run("fit", "pump.csv", "--out", "m.mtcs", "--device", "cpu")
    assert code == 0, err
    mirrored = frame[frame.columns[::-1]]
    mirrored.to_csv("new.csv", index=False)
    code, _, err = run("predict", "m.mtcs", "new.csv", "--device", "cpu")
    assert code == 2
    assert "new.csv has the columns 09:30, 09:00, " in err
    assert "expected 00:00, 00:30, " in err
    assert err.strip().endswith("as pump was trained on; write the same, or name them with --values.")
    code, out, err = run("predict", "m.mtcs", "new.csv", "--device", "cpu", "--values", ",".join(frame.columns))
    assert (code, out.count("\n")) == (0, 13), err
    for columns, first in ((mirrored.iloc[:, 1:], "08:30"), (frame.drop(columns="03:00"), "03:30")):
        columns.to_csv("new.csv", index=False)
        code, _, err = run("predict", "m.mtcs", "new.csv", "--device", "cpu")
        assert (code, f"new.csv has the columns {first}, " in err) == (2, True), err
    for columns in (frame.iloc[:, 1:], frame.iloc[:, :-1], frame.assign(**{"10:00": 1.0})):
        columns.to_csv("new.csv", index=False)
        assert run("predict", "m.mtcs", "new.csv", "--device", "cpu")[0] == 0
    Path("pumps").mkdir()
    frame.assign(label=y).to_csv("pumps/pump_TRAIN.csv", index=False)
    mirrored.assign(label=y).to_csv("pumps/pump_TEST.csv", index=False)
    code, _, err = run("fit", "pumps", "--out", "m.mtcs", "--device", "cpu")
    assert code == 2
    assert "as pump_TRAIN.csv has; write the same." in err
