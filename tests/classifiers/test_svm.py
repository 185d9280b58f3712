"""The SVM's protocol and its search against scikit-learn's own."""

import logging

import numpy as np
import pytest
import yaml
from pydantic import ValidationError
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.svm import SVC

from mtcs.classifiers.subsample import subsample
from mtcs.classifiers.svm import fit_svm
from mtcs.config.classifiers import SVM
from mtcs.errors import InputError
from mtcs.ops import svm_grid
from tests.classifiers.overlapping import overlapping

GRID = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1e3, 1e4, np.inf)
SPEC = SVM(C=GRID)


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
    fitted = fit_svm(x, y, SVM(C=grid), workers=2)
    assert fitted.scores == dict(zip(grid, reference.cv_results_["mean_test_score"], strict=True))
    assert reference.best_params_["C"] == fitted.reader.C
    best = reference.best_estimator_
    sign = -1 if len(best.classes_) == 2 else 1
    assert np.array_equal(fitted.reader.intercepts, sign * best.intercept_)
    assert np.array_equal(fitted.reader.multipliers, sign * best.dual_coef_)
    assert np.array_equal(fitted.reader.vectors, best.support_vectors_)
    assert fitted.reader.predict(x).tolist() == reference.predict(x).tolist()
    assert fitted.unconverged == ()


@pytest.mark.parametrize("distance", [0, 1e-6])
def test_an_infinite_C_is_left_out_where_equal_series_have_two_labels(distance):
    x, y = repeated()
    x[:60] += distance  # no distance to libsvm, which computes in single precision
    steps = []
    fitted = fit_svm(x, y, SPEC, workers=2, progress=lambda *step: steps.append(step))
    scores = dict(fitted.scores or {})
    assert np.isnan(scores.pop(np.inf))
    assert scores == fit_svm(x, y, SVM(C=GRID[:-1])).scores
    assert max(scores, key=scores.__getitem__) == fitted.reader.C
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
    assert (fitted.reader.C, fitted.scores) == (1e4, None)
    assert "C = inf has no solution: nearly equal series have different labels" in caplog.text
    new = rng.normal(size=(100, 16)) + 6 * (np.arange(100) % 2)[:, np.newaxis]
    assert (fitted.reader.predict(new) == np.arange(100) % 2).mean() > 0.95


def test_overflow_of_a_hard_margin_leaves_it_out(caplog):
    x, y = knotted()
    with pytest.raises(ValueError, match="not finite"):
        SVC(C=np.inf, max_iter=SPEC.max_iter).fit(x, y)
    fitted = fit_svm(x, y, SPEC)
    assert (fitted.reader.C, fitted.scores) == (1e4, None)
    assert [record.getMessage() for record in caplog.records] == [
        "C = inf has no solution: nearly equal series have different labels; fitted with another C."
    ]
    assert np.array_equal(fitted.reader.predict(x), SVC(C=1e4).fit(x, y).predict(x))


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
    assert reference.best_params_["C"] == fitted.reader.C


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
    assert reference.best_params_["C"] == fitted.reader.C


def test_values_of_C_that_bind_nowhere_are_not_fitted_again(monkeypatch):
    x, y = overlapping(200, 4)
    fits: list[float] = []
    fit = svm_grid._Fold._fit
    monkeypatch.setattr(svm_grid._Fold, "_fit", lambda fold, C: (fits.append(C), fit(fold, C))[1])
    fitted = fit_svm(x, y, SPEC, workers=1)
    assert fits.count(np.inf) == 5  # once a fold
    assert fits.count(1e4) == 0
    assert len(fits) < 5 * len(GRID)
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
    assert not svm_grid.same_solution(bounded, unbounded)
    assert svm_grid.same_solution(SVC(C=10 * near).fit(x, y), unbounded)


@pytest.mark.parametrize(("n", "classes"), [(49, 2), (60, 13)], ids=["under_50_series", "under_5_a_class"])
def test_few_series_are_fitted_with_a_hard_margin(n, classes):
    x, y = overlapping(n, classes)
    steps = []
    fitted = fit_svm(x, y, SPEC, progress=lambda done, total: steps.append((done, total)))
    assert (fitted.reader.C, fitted.scores) == (np.inf, None)
    assert steps == [(1, 1)]
    assert np.array_equal(fitted.reader.predict(x), SVC(C=np.inf).fit(x, y).predict(x))


@pytest.mark.parametrize(("n", "classes"), [(50, 2), (65, 13)])
def test_the_search_begins_at_50_series_and_5_a_class(n, classes):
    assert fit_svm(*overlapping(n, classes), SVM(C=(1.0, 10.0))).scores is not None


def test_equal_scores_go_to_the_first_of_the_grid():
    x, y = overlapping(100, 2)
    x[:, 0] = 20 * y  # every C separates these
    fitted = fit_svm(x, y, SVM(C=(10.0, 1.0, 100.0)))
    assert fitted.scores == {10.0: 1.0, 1.0: 1.0, 100.0: 1.0}
    assert fitted.reader.C == 10.0


def test_long_training_sets_are_subsampled_as_in_ts2vec():
    x, y = overlapping(150, 3)
    spec = SVM(C=(0.1, 1.0, 10.0), max_train=90)
    kept_x, _, kept_y, _ = train_test_split(x, y, train_size=90, random_state=0, stratify=y)
    cut, sample = fit_svm(x, y, spec), fit_svm(np.asarray(kept_x), np.asarray(kept_y), spec)
    assert cut.scores == sample.scores
    assert np.array_equal(cut.reader.vectors, sample.reader.vectors)


@pytest.mark.parametrize(
    "counts",
    [(200, 1), (200, 1, 1, 150), (31, 30, 30), (3000, 2, 2, 2), (50,) * 60],
    ids=["a_single_series", "two_single_series", "fewer_left_out_than_classes", "rare_classes", "many_classes"],
)
def test_a_subsample_keeps_every_class(counts):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts)) + 3
    rows = subsample(labels, 90)
    assert len(set(rows.tolist())) == len(rows)
    assert len(rows) <= 90 + (np.array(counts) == 2).sum()
    assert set(labels[rows].tolist()) == set(labels.tolist())


def test_a_class_of_one_series_is_fitted_beyond_max_train():
    x, y = overlapping(300, 2)
    y[17] = 2
    x[17] += 30
    fitted = fit_svm(x, y, SVM(C=(1.0, 10.0), max_train=60))
    assert (fitted.reader.vectors == x[17]).all(axis=1).any()
    assert fitted.reader.predict(x[17:18]).tolist() == [2]


def test_more_classes_than_max_train_are_an_error():
    with pytest.raises(InputError, match=r"^60 classes are more than max_train = 50 series; choose a larger max_train"):
        subsample(np.repeat(np.arange(60), 6), 50)


def test_workers_do_not_change_the_result():
    x, y = overlapping(600, 5)  # rows enough for several blocks of a kernel
    fits = [fit_svm(x, y, SPEC, workers) for workers in (1, 2, 5)]
    for fitted in fits[1:]:
        assert fitted.scores == fits[0].scores
        for name in fitted.reader.SHAPES:
            assert np.array_equal(getattr(fitted.reader, name), getattr(fits[0].reader, name))


def test_progress_counts_every_fit():
    steps = []
    fit_svm(*overlapping(60, 2), SVM(C=(1.0, 10.0), folds=3), progress=lambda *step: steps.append(step))
    assert steps == [(done, 7) for done in range(1, 8)]


def test_giving_up_is_logged_once_and_kept(caplog):
    x, y = overlapping(80, 2)
    with caplog.at_level(logging.WARNING):
        fitted = fit_svm(x, y, SVM(C=(1.0, 10.0), max_iter=3))
    assert fitted.unconverged == (10.0, 1.0)
    (record,) = caplog.records
    assert record.getMessage() == (
        "libsvm stopped at max_iter = 3, short of its tolerance, in 11 of 11 fits (C = 10, 1)."
    )


def test_spec_reads_yaml_and_forbids_what_it_does_not_know():
    assert (1, 1e4, np.inf) == SVM(**yaml.safe_load("{kind: svm, C: [1, 1.0e+4, .inf]}")).C
    for grid in ((), (0.0,), (-1.0,), (np.nan,)):
        with pytest.raises(ValidationError):
            SVM(C=grid)
    with pytest.raises(ValidationError):
        SVM(C=(1,), penalty=1)  # pyright: ignore[reportCallIssue]
