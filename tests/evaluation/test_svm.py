"""The SVM against scikit-learn's own search, and its file."""

import logging
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
import yaml
from pydantic import ValidationError
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.svm import SVC

from mtcs.config.classifiers import SVM
from mtcs.errors import InputError
from mtcs.evaluation import svm as classifiers
from mtcs.evaluation.svm import fit_svm, load_classifier, predict, save_classifier

GRID = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1e3, 1e4, np.inf)
SPEC = SVM(costs=GRID)


def overlapping(n: int, classes: int, seed: int = 0, width: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Noisy classes, the features float32 as an encoder's are."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    means = rng.normal(size=(classes, width))
    return (means[labels] + 1.2 * rng.normal(size=(n, width))).astype(np.float32), labels


def iris() -> tuple[np.ndarray, np.ndarray]:
    data, labels = load_iris(return_X_y=True)  # sorted by class, with equal rows
    return np.asarray(data, dtype=np.float32), np.asarray(labels)


def digits() -> tuple[np.ndarray, np.ndarray]:
    data, labels = load_digits(return_X_y=True)  # whole numbers: many equal distances
    return np.asarray(data, dtype=np.float32)[:400], np.asarray(labels)[:400]


def rare_classes() -> tuple[np.ndarray, np.ndarray]:
    """Two of five classes with fewer members than folds, as in ECG5000; one label never occurs."""
    x, _ = overlapping(120, 3)
    labels = np.repeat([0, 1, 2, 4, 5], [60, 40, 15, 3, 2])
    return x + labels[:, None].astype(np.float32) / 2, labels


def repeated() -> tuple[np.ndarray, np.ndarray]:
    """Every series occurs three times, some under two labels."""
    x, labels = overlapping(60, 3)
    return np.concatenate([x, x, x]), np.concatenate([labels, labels, (labels + (labels == 1)) % 3])


def far_from_zero() -> tuple[np.ndarray, np.ndarray]:
    x, labels = overlapping(100, 2)
    return x + 100, labels


def constant() -> tuple[np.ndarray, np.ndarray]:
    _, labels = overlapping(60, 2)
    return np.ones((60, 4), dtype=np.float32), labels


DATA = {
    "iris": iris,
    "digits": digits,
    "rare_classes": rare_classes,
    "repeated": repeated,
    "far_from_zero": far_from_zero,
    "constant": constant,
    "two_classes": lambda: overlapping(90, 2),
}


@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")  # the reference's, on rare classes
@pytest.mark.parametrize("name", DATA)
def test_search_is_that_of_grid_search_cv(name):
    x, y = DATA[name]()
    grid = GRID[:-1] if name in ("repeated", "constant") else GRID  # there no hard margin exists, see below
    reference = GridSearchCV(SVC(max_iter=SPEC.max_iter), {"C": grid}, cv=5).fit(x, y)
    fitted = fit_svm(x, y, SVM(costs=grid), workers=2)
    assert fitted.scores == dict(zip(grid, reference.cv_results_["mean_test_score"], strict=True))
    assert fitted.cost == reference.best_params_["C"]
    assert np.array_equal(fitted.svc.intercept_, reference.best_estimator_.intercept_)
    assert np.array_equal(fitted.svc.support_vectors_, reference.best_estimator_.support_vectors_)
    assert predict(fitted.svc, x).tolist() == reference.predict(x).tolist()
    assert fitted.unconverged == ()


@pytest.mark.parametrize("distance", [0, 1e-6])
def test_an_infinite_cost_is_left_out_where_equal_series_have_two_labels(distance):
    x, y = repeated()
    x[:60] += distance  # no distance to libsvm, which computes in single precision
    steps = []
    fitted = fit_svm(x, y, SPEC, workers=2, progress=lambda *step: steps.append(step))
    scores = dict(fitted.scores or {})
    assert np.isnan(scores.pop(np.inf))
    assert scores == fit_svm(x, y, SVM(costs=GRID[:-1])).scores
    assert fitted.cost == max(scores, key=scores.__getitem__)
    assert steps[-1] == (51, 51)
    # What is left out: steps without end towards multipliers without bound.
    with pytest.warns(ConvergenceWarning, match="Solver terminated early"):
        endless = SVC(C=np.inf, max_iter=100_000).fit(x, y)
    assert abs(endless.dual_coef_).max() > 1e9


def knotted() -> tuple[np.ndarray, np.ndarray]:
    """Six of eight series nearly the same, with two labels: distinct to libsvm, but its multipliers overflow."""
    rng = np.random.default_rng(15)
    x = rng.normal(size=(8, 2))
    x[2:] = x[0] + 2e-3 * rng.normal(size=(6, 2))
    return x, np.arange(8) % 2


def test_equal_series_with_different_labels_leave_a_hard_margin_out(caplog):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    x = rng.normal(size=(40, 16)).astype(np.float32) + 6 * y[:, np.newaxis]
    x[39] = x[38]
    fitted = fit_svm(x, y, SPEC)
    assert (fitted.cost, fitted.scores) == (1e4, None)
    assert "C = inf has no solution: nearly equal series have different labels" in caplog.text
    new = rng.normal(size=(100, 16)) + 6 * (np.arange(100) % 2)[:, np.newaxis]
    assert (predict(fitted.svc, new) == np.arange(100) % 2).mean() > 0.95


def test_overflow_of_a_hard_margin_leaves_it_out(caplog):
    x, y = knotted()
    with pytest.raises(ValueError, match="not finite"):
        SVC(C=np.inf, max_iter=SPEC.max_iter).fit(x, y)
    fitted = fit_svm(x, y, SPEC)
    assert (fitted.cost, fitted.svc.C, fitted.scores) == (1e4, 1e4, None)
    assert [record.getMessage() for record in caplog.records] == [
        "C = inf has no solution: nearly equal series have different labels; fitted with another C."
    ]
    assert np.array_equal(predict(fitted.svc, x), SVC(C=1e4).fit(x, y).predict(x))


@pytest.mark.filterwarnings(  # the reference fails to fit, and says so
    "ignore:One or more of the test scores are non-finite:UserWarning",
    "ignore::sklearn.exceptions.FitFailedWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
)
def test_overflow_in_a_fold_has_no_score_as_in_grid_search_cv():
    near, labels = knotted()
    x, y = overlapping(100, 2)
    x[::12], y[::12] = x[0], 0  # the knot, spread over all folds
    x[::12, :2] = near[np.arange(9) % 8]
    y[::12] = labels[np.arange(9) % 8]
    reference = GridSearchCV(SVC(max_iter=SPEC.max_iter), {"C": GRID}, cv=5).fit(x, y)
    fitted = fit_svm(x, y, SPEC)
    assert np.isnan(reference.cv_results_["mean_test_score"][-1])
    assert np.array_equal(
        list((fitted.scores or {}).values()), reference.cv_results_["mean_test_score"], equal_nan=True
    )
    assert fitted.cost == reference.best_params_["C"]


# The reference fails to fit, and says so.
@pytest.mark.filterwarnings(
    "ignore:The least populated class:UserWarning",
    "ignore:One or more of the test scores are non-finite:UserWarning",
    "ignore::sklearn.exceptions.FitFailedWarning",
)
def test_a_fold_with_one_class_has_no_score_as_in_grid_search_cv():
    x, y = overlapping(60, 2)
    y[:] = np.arange(60) == 7
    reference = GridSearchCV(SVC(), {"C": GRID}, cv=5).fit(x, y)
    fitted = fit_svm(x, y, SPEC)
    assert np.isnan(reference.cv_results_["mean_test_score"]).all()
    assert np.isnan(list((fitted.scores or {0: 0}).values())).all()
    assert fitted.cost == reference.best_params_["C"]


def test_costs_that_bind_nowhere_are_not_fitted_again(monkeypatch):
    x, y = overlapping(200, 4)
    asked: list[float] = []
    fit = classifiers._Fold._fit
    monkeypatch.setattr(classifiers._Fold, "_fit", lambda fold, cost: (asked.append(cost), fit(fold, cost))[1])
    fitted = fit_svm(x, y, SPEC, workers=1)
    assert asked.count(np.inf) == 5  # once a fold
    assert asked.count(1e4) == 0
    assert len(asked) < 5 * len(GRID)
    # What was skipped is what a fit would have found: bit-equal multipliers, hence equal scores.
    unbounded = SVC(C=np.inf).fit(x, y)
    skipped = SVC(C=1e4).fit(x, y)
    assert np.array_equal(unbounded.dual_coef_, skipped.dual_coef_)
    assert np.array_equal(unbounded.intercept_, skipped.intercept_)
    reference = GridSearchCV(SVC(), {"C": GRID}, cv=5).fit(x, y)
    assert fitted.scores == dict(zip(GRID, reference.cv_results_["mean_test_score"], strict=True))


def test_multipliers_below_a_bound_they_met_on_the_way_are_another_solution():
    # Final multipliers that all lie below C do not prove that C had no part in them: here a step was cut short.
    x, y = overlapping(200, 2, seed=1)
    unbounded = SVC(C=np.inf).fit(x, y)
    near = 1.05 * abs(unbounded.dual_coef_).max()
    bounded = SVC(C=near).fit(x, y)
    assert abs(bounded.dual_coef_).max() < near
    assert not classifiers._same_solution(bounded, unbounded)
    assert classifiers._same_solution(SVC(C=10 * near).fit(x, y), unbounded)


@pytest.mark.parametrize(("n", "classes"), [(49, 2), (60, 13)], ids=["under_50_series", "under_5_a_class"])
def test_few_series_are_fitted_with_a_hard_margin(n, classes):
    x, y = overlapping(n, classes)
    steps = []
    fitted = fit_svm(x, y, SPEC, progress=lambda done, total: steps.append((done, total)))
    assert (fitted.cost, fitted.scores, fitted.svc.C) == (np.inf, None, np.inf)
    assert steps == [(1, 1)]
    assert np.array_equal(predict(fitted.svc, x), SVC(C=np.inf).fit(x, y).predict(x))


@pytest.mark.parametrize(("n", "classes"), [(50, 2), (65, 13)])
def test_the_search_begins_at_50_series_and_5_a_class(n, classes):
    assert fit_svm(*overlapping(n, classes), SVM(costs=(1.0, 10.0))).scores is not None


def test_equal_scores_go_to_the_first_of_the_grid():
    x, y = overlapping(100, 2)
    x[:, 0] = 20 * y  # every C separates these
    fitted = fit_svm(x, y, SVM(costs=(10.0, 1.0, 100.0)))
    assert fitted.scores == {10.0: 1.0, 1.0: 1.0, 100.0: 1.0}
    assert fitted.cost == 10.0


def test_long_training_sets_are_subsampled_as_in_ts2vec():
    x, y = overlapping(150, 3)
    spec = SVM(costs=(0.1, 1.0, 10.0), max_train=90)
    kept_x, _, kept_y, _ = train_test_split(x, y, train_size=90, random_state=0, stratify=y)
    whole, sample = fit_svm(x, y, spec), fit_svm(np.asarray(kept_x), np.asarray(kept_y), spec)
    assert whole.svc.shape_fit_ == (90, 12)
    assert whole.scores == sample.scores
    assert np.array_equal(whole.svc.support_vectors_, sample.svc.support_vectors_)


def test_a_subsample_that_loses_a_class_is_an_error():
    x, y = overlapping(91, 3)
    with pytest.raises(InputError, match=r"^91 training series cannot be cut to max_train = 90 .*choose another max_"):
        fit_svm(x, y, SVM(costs=(1.0,), max_train=90))


def test_workers_do_not_change_the_result(tmp_path):
    x, y = overlapping(600, 5)  # rows enough for several blocks of a kernel
    files = []
    for workers in (1, 2, 5):
        fitted = fit_svm(x, y, SPEC, workers)
        save_classifier(tmp_path / f"{workers}.skops", fitted.svc)
        files.append(
            ((tmp_path / f"{workers}.skops").read_bytes(), fitted.scores, predict(fitted.svc, x, workers).tolist())
        )
    assert files[0] == files[1] == files[2]


def test_progress_counts_every_fit():
    steps = []
    fit_svm(*overlapping(60, 2), SVM(costs=(1.0, 10.0), folds=3), progress=lambda *step: steps.append(step))
    assert steps == [(done, 7) for done in range(1, 8)]


def test_giving_up_is_logged_once_and_kept(caplog):
    x, y = overlapping(80, 2)
    with caplog.at_level(logging.WARNING):
        fitted = fit_svm(x, y, SVM(costs=(1.0, 10.0), max_iter=3))
    assert fitted.unconverged == (10.0, 1.0)
    (record,) = caplog.records
    assert record.getMessage() == (
        "libsvm stopped at max_iter = 3, short of its tolerance, in 11 of 11 fits (C = 10, 1)."
    )


def test_one_class_is_an_error():
    with pytest.raises(InputError, match=r"^All 60 training series have one label \(3\), expected two or more; take "):
        fit_svm(np.zeros((60, 2), np.float32), np.full(60, 3), SPEC)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_an_error(value):
    x, y = overlapping(60, 2)
    x[[17, 40], 3] = value
    with pytest.raises(InputError, match=r"^Representation 17 of 60 holds a value that is not finite; train the model"):
        fit_svm(x, y, SPEC)


def test_representations_of_another_split_are_an_error():
    x, y = overlapping(60, 2)
    with pytest.raises(
        InputError, match=r"^Representations \(59, 12\) and labels \(60,\) do not match, .*'mtcs repres"
    ):
        fit_svm(x[:59], y, SPEC)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_predict_is_that_of_the_svc(classes):  # and in a tie of exactly zero: see "constant" above
    x, y = overlapping(700, classes)
    svc = fit_svm(x[:300], y[:300] + 5, SVM(costs=(1.0,))).svc
    assert np.array_equal(predict(svc, x), svc.predict(x))
    assert predict(svc, x[:0]).shape == (0,)


def test_spec_reads_yaml_and_forbids_what_it_does_not_know():
    assert SVM(**yaml.safe_load("{kind: svm, costs: [1, 1.0e+4, .inf]}")).costs == (1, 1e4, np.inf)
    for costs in ((), (0.0,), (-1.0,), (np.nan,)):
        with pytest.raises(ValidationError):
            SVM(costs=costs)
    with pytest.raises(ValidationError):
        SVM(costs=(1,), cost=1)  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("classes", [2, 4])
def test_a_saved_classifier_predicts_the_same(tmp_path, classes):
    x, y = overlapping(120, classes)
    svc = fit_svm(x, y, SPEC).svc
    path = tmp_path / "made" / "Task.skops"
    save_classifier(path, svc)
    loaded = load_classifier(path)
    assert np.array_equal(loaded.predict(x), svc.predict(x))
    assert np.array_equal(predict(loaded, x), svc.predict(x))
    save_classifier(tmp_path / "again.skops", loaded)
    assert (tmp_path / "again.skops").read_bytes() == path.read_bytes()
    assert [file.name for file in path.parent.iterdir()] == ["Task.skops"]


FIT_AND_SAVE = """
import sys, numpy as np
from pathlib import Path
from mtcs.config.classifiers import SVM
from mtcs.evaluation.svm import fit_svm, save_classifier
padding = [object() for _ in range(int(sys.argv[2]))]
x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
save_classifier(Path(sys.argv[1]), fit_svm(x, np.arange(40) % 2, SVM(costs=(1.0,))).svc)
"""


@pytest.mark.slow  # two interpreters
def test_equal_classifiers_of_two_processes_have_equal_bytes(tmp_path):
    for name, padding in (("a", "10"), ("b", "100000")):  # objects lie at other addresses
        subprocess.run([sys.executable, "-c", FIT_AND_SAVE, tmp_path / name, padding], check=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with zipfile.ZipFile(tmp_path / "a") as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


class Foreign:
    """A type of nobody's library."""


class Extended(SVC):
    """An SVC in name alone."""


def svc_with(attribute: object) -> SVC:
    svc = SVC()
    svc.extra = attribute  # pyright: ignore[reportAttributeAccessIssue]
    return svc


@pytest.mark.parametrize(
    ("thing", "named"),
    [
        (RandomForestClassifier(), "sklearn.ensemble._forest.RandomForestClassifier"),  # skops alone would trust it
        (svc_with(RandomForestClassifier()), "sklearn.ensemble._forest.RandomForestClassifier"),
        (svc_with(np.sqrt), "numpy.sqrt"),
        (svc_with(Foreign()), "Foreign"),
        (Extended(), "Extended"),
        ({"svc": SVC()}, "no SVC"),
        ([1, 2], "no SVC"),
    ],
    ids=["estimator", "inner_estimator", "function", "class", "subclass", "dict", "list"],
)
def test_a_file_with_anything_but_an_svc_is_an_error(tmp_path, thing, named):
    path = tmp_path / "Task.skops"
    skops.io.dump(thing, path)
    with pytest.raises(InputError, match=rf"Task\.skops holds .*{named}.*, expected the parts of an SVC alone; run 'm"):
        load_classifier(path)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"Task\.skops does not exist; run 'mtcs classify'\.$"):
        load_classifier(tmp_path / "Task.skops")


def damaged(path: Path, how: str) -> None:
    save_classifier(path, fit_svm(*overlapping(40, 2), SPEC).svc)
    data = bytearray(path.read_bytes())
    if how == "cut":
        del data[len(data) // 2 :]
    elif how == "empty":
        del data[:]
    elif how == "flipped":
        data[200] ^= 255  # inside a compressed array
    path.write_bytes(data)
    if how in ("no schema", "other json"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("schema.json" if how == "other json" else "other", "[]")


@pytest.mark.parametrize("how", ["cut", "empty", "flipped", "no schema", "other json"])
def test_a_damaged_file_is_an_error(tmp_path, how):
    path = tmp_path / "Task.skops"
    damaged(path, how)
    with pytest.raises(
        InputError, match=r"Task\.skops does not hold a classifier \(.*\); run 'mtcs classify' again\.$"
    ):
        load_classifier(path)
