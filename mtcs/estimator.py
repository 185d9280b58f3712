"""Classifiers for series of your own: several tasks that share one encoder, or one task as scikit-learn has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mtcs.bundles.bundle import Bundle, with_names
from mtcs.bundles.cross_validation import LabelledTask, Validation, recalibrate, validate
from mtcs.bundles.file import save_bundle
from mtcs.bundles.fit import add_task, fit_bundle
from mtcs.bundles.given_tasks import check_classes, series_and_labels
from mtcs.bundles.metrics import fold_scores
from mtcs.classifiers.classify import Encoded
from mtcs.config.classifiers import ClassifierSpec
from mtcs.config.device_names import DeviceName, PrecisionName
from mtcs.config.methods import MethodSpec, SeriesSpec, Spec
from mtcs.config.packaged import packaged_classifier, packaged_method, usual_classifier
from mtcs.data.arrays import as_labels, as_series, check_rows, without_mask
from mtcs.data.folder import FolderData
from mtcs.errors import InputError
from mtcs.progress import silence
from mtcs.training.hardware import Hardware, choose_hardware

Data = Mapping[str, tuple[Any, Any]]
"""Series and labels (X, y) by task."""


class _Parameters(BaseEstimator):
    """What both classifiers are made with."""

    def __init__(
        self,
        method: str | Mapping[str, Any] = "mtcs",
        random_state: int | np.random.RandomState | None = None,
        epochs: int | None = None,
        members: int | None = None,
        classifier: str | Mapping[str, Any] | None = None,
        device: DeviceName = "auto",
        precision: PrecisionName = "auto",
        n_jobs: int | None = None,
        verbose: bool = False,
        missing: Sequence[float] = (),
    ) -> None:
        self.method = method
        self.random_state = random_state
        self.epochs = epochs
        self.members = members
        self.classifier = classifier
        self.device: DeviceName = device
        self.precision: PrecisionName = precision
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.missing = missing

    def _classifier(self) -> ClassifierSpec:
        return packaged_classifier(usual_classifier(self.method) if self.classifier is None else self.classifier)


class MultiTaskClassifier(_Parameters):
    """One encoder for several labelled data sets, with softly shared heads, and a classifier for each.

    Series X are (n, T) or (n, channels, T) numbers, as an array or a pandas frame, or a list of n arrays (T_i,) or
    (channels, T_i) of unequal length; NaN stands for a missing value. Tasks may differ in their numbers of channels.
    Labels y are any that can be hashed, and come back as they were given.

    Args:
        method: what trains the encoder, by its name in the documentation, or parameters that depart from those of one,
            as {"like": "mtcs", "depth": 6}. Every method trains one encoder for all tasks here. "mtcs_rocket" was more
            accurate than "mtcs" on nine of ten tasks of ucr10; it trains twice, for at least 2,000 steps unless
            `epochs` is given.
        random_state: seed of weights and order; None draws one.
        epochs: passes over all series, in place of however long the method is trained otherwise.
        members: encoders that are trained side by side, from different weights: more accurate, in as many times the
            time; None is the method's own number, one.
        classifier: what reads representations: "ridge", "svm", "with_random_kernels", which reads series, too, or
            parameters by `kind`; None is "ridge", or what the method is named for, as of "mtcs_rocket" or "quant".
        device: "auto", "cpu" or "cuda".
        precision: "auto", "fp32" or "bf16".
        n_jobs: threads for the classifiers; None is one for every core.
        verbose: whether progress is shown on standard error.
        missing: values that stand for missing ones, as (-9999,), in all tasks and in new series.

    Attributes:
        classes_: the labels (C,) of each task, in the order of the columns of `predict_proba`.
        label_affinity_: (S, S) Equation 4 for every pair of the S labels of tasks that were fitted together; rows and
            columns are (task, label). Only after methods with heads: mtcs, mtl, mmoe, mtcs_difference, mtcs_rocket.
        task_similarity_: (K, K) covariance similarity of every two of these K tasks.
        bundle_: the encoder and the classifiers themselves.

    Example:
        >>> import numpy as np
        >>> import mtcs
        >>> X, y = np.random.default_rng(0).normal(size=(20, 30)), ["ok", "worn"] * 10
        >>> X[1::2] += 2 * np.sin(np.arange(30))
        >>> model = mtcs.MultiTaskClassifier({"depth": 2, "hidden": 8}, random_state=0, device="cpu")
        >>> model.fit({"pumps": (X, y), "fans": (X[:, :20], y)}).predict("pumps", X[:2])
        array(['ok', 'worn'], dtype='<U4')
    """

    def fit(self, data: Data) -> MultiTaskClassifier:
        """Train the encoder on all tasks together, and fit a classifier to each.

        Args:
            data: {task: (X, y)}.

        Raises:
            InputError: in one line, if a parameter is wrong or a task cannot be learned from.
            WorkError: if training diverges.
        """
        spec, classifier, seed = self._spec(), self._classifier(), self._seed()
        with silence(not self.verbose):
            bundle = fit_bundle(spec, classifier, data, seed, self._hardware(spec), self._workers, self.missing)
        bundle = replace(bundle, precision=self.precision)
        self.bundle_ = with_names(bundle, data) if isinstance(data, FolderData) else bundle
        return self

    def predict(self, task: str, X: Any) -> np.ndarray:
        """Labels (n,) of new series of a task."""
        return self._fitted.predict(task, self.encode(task, X), self._workers)

    def predict_proba(self, task: str, X: Any) -> np.ndarray:
        """Probabilities (n, C) of new series of a task, a column for each of `classes_[task]`.

        Raises:
            InputError: if the classifier gives none, as "quant", "dtw" and the SVM of a run of the pipeline.
        """
        return self._fitted.predict_proba(task, self.encode(task, X), self._workers)

    def transform(self, task: str, X: Any) -> np.ndarray:
        """Representations (n, D) of new series of a task; (n, channels * D), channel by channel, of several.

        D is the sum over encoders, of which an ensemble has `members`, and a mixture, as "mtcs_rocket", twice as many.
        """
        return self.encode(task, X).representations

    def add_task(self, name: str, X: Any, y: Any) -> MultiTaskClassifier:
        """Learn one more task with the encoder as it is: a new classifier only, which takes seconds.

        It is of the kind that `classifier` names, which may be set anew for it.
        `label_affinity_` and `task_similarity_` stay those of the tasks that were fitted together.

        Raises:
            InputError: if there is a task of that name, or it cannot be learned from.
        """
        bundle = self._fitted
        hardware = self._hardware(bundle.model.spec)
        self.bundle_ = add_task(bundle, name, X, y, self._classifier(), hardware, self._workers, self.missing)
        return self

    def calibrate(self, data: Data, folds: int = 5, groups: Mapping[str, Any] | None = None) -> MultiTaskClassifier:
        """Calibrate probabilities by what models of `folds` folds say of series that they have not seen.

        Without it, they are calibrated by the training series, whose labels the encoder knows, and are somewhat too
        sure. It trains `folds` times, and changes neither encoder nor labels.

        Args:
            data: {task: (X, y)}, what was fitted; tasks that are not among it stay as they are.
            folds: parts of each task.
            groups: {task: (n,)} what series come from, as in `cross_validate`.

        Raises:
            InputError: if a task was not fitted together with the encoder, or has other labels now.
        """
        bundle = self._fitted
        together = {task.name for task in bundle.model.tasks}
        for name, task in _labelled(self, data).items():
            if name not in together:
                raise InputError(f"{name} was not fitted together with the encoder; calibrate leaves it as it is.")
            if task.labels.tolist() != bundle.task(name).labels.tolist():
                raise InputError(f"{name}: data has other labels than the model; give the data that it was fitted to.")
        self.bundle_ = recalibrate(bundle, validate_model(self, data, folds, groups))
        return self

    def save(self, path: str | Path) -> None:
        """Write the fitted model into one file, conventionally `.mtcs`, which `mtcs.load` and `mtcs predict` read.

        Raises:
            InputError: if there is no task, or a label is neither text, number nor tuple of these.
        """
        save_bundle(Path(path), self._fitted)

    @property
    def classes_(self) -> dict[str, np.ndarray]:
        return {name: task.labels for name, task in self._fitted.tasks.items()}

    @property
    def label_affinity_(self) -> pd.DataFrame:
        bundle = self._fitted
        if bundle.affinity is None:
            raise AttributeError(f"label_affinity_ is not known: {_why_unknown(bundle)}")
        pairs = [(task.name, label) for task in bundle.model.tasks for label in bundle.task(task.name).labels.tolist()]
        index = pd.MultiIndex.from_tuples(pairs, names=["task", "label"])
        return pd.DataFrame(bundle.affinity, index, index)

    @property
    def task_similarity_(self) -> pd.DataFrame:
        bundle = self._fitted
        if np.isnan(bundle.similarity).all():  # of no tasks, too
            raise AttributeError(f"task_similarity_ is not known: {_why_unknown(bundle)}")
        names = [task.name for task in bundle.model.tasks]
        return pd.DataFrame(bundle.similarity, names, names)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "bundle_")

    @property
    def _fitted(self) -> Bundle:
        if "bundle_" not in self.__dict__:
            check_is_fitted(self)
        return self.bundle_

    @property
    def _workers(self) -> int:
        if self.n_jobs is not None and not (_is_whole(self.n_jobs) and self.n_jobs):
            raise InputError(f"n_jobs is {self.n_jobs!r:.60}, expected a whole number but 0, or None for every core.")
        return effective_n_jobs(self.n_jobs or -1)

    def _spec(self) -> MethodSpec:
        spec = packaged_method(self.method)
        if self.members is not None:
            members = _at_least_one("members", self.members)
            if members > 1 and isinstance(spec, SeriesSpec):
                raise InputError(f"members is {members}, and this method trains no encoder; take mtcs.")
            spec = packaged_method({**spec.model_dump(), "members": members})
        if self.epochs is not None:
            if isinstance(spec, SeriesSpec):
                raise InputError(f"epochs is {self.epochs}, and this method trains no encoder; leave it out.")
            spec = spec.for_passes(_at_least_one("epochs", self.epochs))
        return spec

    def encode(self, task: str, X: Any) -> Encoded:
        """Representations of new series of a task, beside the series as they were scaled: what classifiers read."""
        bundle = self._fitted
        with silence(not self.verbose):
            return bundle.encode(task, X, self._hardware(bundle.model.spec))

    def _seed(self) -> int:
        given: Any = self.random_state
        if given is None or isinstance(given, np.random.RandomState):
            return int(check_random_state(given).randint(2**31))
        if not _is_whole(given) or not 0 <= given < 2**32:
            raise InputError(f"random_state is {given!r:.60}, expected a whole number from 0 to 2**32 - 1, or None.")
        return int(given)

    def _hardware(self, spec: Spec) -> Hardware:
        return choose_hardware(self.device, self.precision, spec.fixed_length)


class MTCSClassifier(ClassifierMixin, _Parameters):
    """One task alone, X and y, for scikit-learn's pipelines and searches; parameters as `MultiTaskClassifier`.

    Series are (n, T), NaN or masked where a value is missing or a series has ended.
    """

    def fit(self, X: Any, y: Any) -> MTCSClassifier:
        """Train on series X (n, T) with labels y (n,).

        Raises:
            ValueError: if X or y cannot be learned from.
        """
        with _value_errors():
            check_rows(X, y, _ONE)
        X, y = validate_data(self, without_mask(X), y, ensure_all_finite="allow-nan", dtype=np.float64)
        check_classification_targets(y)
        with _value_errors():
            self.model_ = MultiTaskClassifier(**self.get_params(deep=False)).fit({_ONE: (X, y)})
        self.classes_ = self.model_.classes_[_ONE]
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Labels (n,) of series (n, T)."""
        return self._use("predict", X)

    @available_if(lambda self: self._classifier().gives_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n, C) of series (n, T), a column for each of `classes_`; not there of `quant` and `dtw`."""
        return self._use("predict_proba", X)

    def _use(self, what: str, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, without_mask(X), reset=False, ensure_all_finite="allow-nan", dtype=np.float64)
        with _value_errors():
            return getattr(self.model_, what)(_ONE, X)

    def __sklearn_tags__(self) -> Any:
        tags = cast(Any, super()).__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _at_least_one(name: str, value: Any) -> int:
    if not _is_whole(value) or value < 1:
        raise InputError(f"{name} is {value!r}, expected a whole number of at least 1.")
    return int(value)


def _why_unknown(bundle: Bundle) -> str:
    """Why a bundle has no affinity of labels, or no similarity of tasks."""
    tasks = bundle.model.tasks
    if not tasks:
        return "the encoder alone was learned, no tasks with it"
    if isinstance(bundle.model.spec, SeriesSpec):
        return "the classifier reads the series themselves, and there are no representations"
    if not np.isnan(bundle.similarity).all():
        return "the method trains without labels; fit mtcs, mtl or mmoe"
    return "the representations of this run are gone; run 'mtcs represent', 'mtcs classify', and load it again"


_ONE = "task"


@contextmanager
def _value_errors() -> Iterator[None]:
    """What scikit-learn expects of wrong input."""
    try:
        yield
    except InputError as error:
        raise ValueError(str(error)) from error


def cross_validate(
    model: MultiTaskClassifier, data: Data, folds: int = 5, groups: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Scores of tasks on series that were left out, in stratified folds; each fold trains on all tasks together.

    Args:
        model: its parameters are what is validated; it is not changed.
        data: {task: (X, y)}.
        folds: parts of each task.
        groups: {task: (n,)} what series come from, as a machine or a patient: all of one are in the same fold. Those of
            tasks that are not in `data` are left out. None takes those that `read_folder` found, {} none.

    Returns:
        One row a task and fold: task, fold, accuracy, balanced_accuracy, f1 (mean over labels), log_loss (NaN where
        the classifier gives no probabilities).

    Raises:
        InputError: if a label has fewer series than there are folds, or groups seem to be of a task named otherwise.
    """
    return fold_scores(validate_model(model, data, folds, groups))


def validate_model(
    model: MultiTaskClassifier,
    data: Data,
    folds: int = 5,
    groups: Mapping[str, Any] | None = None,
    alone: bool = False,
    curve: bool = False,
) -> dict[str, Validation]:
    """What `cross_validate` measures, series by series; for `alone` and `curve` see `mtcs.bundles.cross_validation`.

    Raises:
        InputError: if a task has one label only, or a label has fewer series than there are folds.
    """
    if not isinstance(model, MultiTaskClassifier):
        raise InputError(f"model is {type(model).__name__}, expected MultiTaskClassifier; sklearn validates others.")
    if groups is None and isinstance(data, FolderData):
        groups = data.groups
    tasks = _labelled(model, data)
    for name, X, _ in series_and_labels(data):
        check_rows(X, groups.get(name) if isinstance(groups, Mapping) else None, name, "groups")

    def train(part: Data) -> Bundle:
        return cast(MultiTaskClassifier, clone(model)).fit(part).bundle_

    with silence(not model.verbose):
        return validate(tasks, train, model._hardware(model._spec()), folds, groups, alone, curve, model._workers)


def _labelled(model: MultiTaskClassifier, data: Data) -> dict[str, LabelledTask]:
    tasks = {}
    for name, X, y in series_and_labels(data):
        check_rows(X, y, name)
        series = as_series(X, name)
        labels, truth = as_labels(y, len(series), name)
        check_classes(name, labels, len(series), model._classifier())
        tasks[name] = LabelledTask(series, labels, truth)
    return tasks
