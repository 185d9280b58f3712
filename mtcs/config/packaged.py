"""Methods and classifiers with the paper's settings, as they come with the package: far from any workspace."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mtcs.config.classifiers import Classifier, ClassifierSpec
from mtcs.config.experiment import Experiment, merged
from mtcs.config.experiment_file import read_experiment
from mtcs.config.methods import MethodSpec, SeriesSpec, Spec
from mtcs.errors import InputError, fault


@cache
def packaged_experiment() -> Experiment:
    """The `params.yaml` of this version."""
    return read_experiment(Path(str(files("mtcs"))) / "reference/params.yaml")


def packaged_method(method: str | Mapping[str, Any]) -> MethodSpec:
    """A method by its name, or by parameters that depart from those of another one.

    Args:
        method: "mtcs"; a mixture as "mtcs_rocket", which is the method that it reads with its own classifier; or
            {"like": "mtcs", "depth": 6}; without `like` and `kind` it is like mtcs.

    Raises:
        InputError: with the known names, or with the parameter that is wrong.
    """
    known = _methods()
    if isinstance(method, Mapping):
        changes = {key: value for key, value in method.items() if key != "like"}
        like = method.get("like", None if "kind" in method else "mtcs")
        base = {"classifier": "ridge"} if like is None else _named(known, "method", like).model_dump()
        return _checked(MethodSpec, merged(base, changes), "method")
    if isinstance(method, str) and method not in known and (own := packaged_experiment().readings.get(method)):
        raise InputError(
            f"{method} is {own.representations_of} under a classifier of its own; name that, and classifier "
            f"{own.classifier}."
        )
    return _named(known, "method", method)


def usual_classifier(method: str | Mapping[str, Any]) -> str:
    """What a method is read by where nothing else is said: ridge regression, or what only goes with the method."""
    spec, name = packaged_method(method), method.get("like") if isinstance(method, Mapping) else method
    own = isinstance(spec, SeriesSpec) or name in packaged_experiment().mixtures
    return spec.classifier if own else "ridge"


def packaged_classifier(classifier: str | Mapping[str, Any]) -> ClassifierSpec:
    """A classifier by its name, or by its parameters, as {"kind": "kernel_ridge", "max_exact": 2000}.

    Raises:
        InputError: with the known names, or with the parameter that is wrong.
    """
    if isinstance(classifier, Mapping):
        return _checked(ClassifierSpec, dict(classifier), "classifier")
    return _named(packaged_experiment().classifiers, "classifier", classifier)


def short(parameters: MethodSpec | ClassifierSpec) -> str | dict[str, Any]:
    """The name of a method or classifier of this version, or the parameters of another: what the above take."""
    names = [name for name, one in _methods_and_classifiers() if one == parameters]
    return names[0] if names else parameters.model_dump()


def display_name(parameters: Spec | Classifier) -> str:
    """What messages call a method or classifier: its name, however long it trains and with whatever members; or "like"
    the nearest.

    Of several names for the same parameters it is the shortest.
    """
    around: frozenset[str] = getattr(parameters, "around", frozenset())
    fields = type(parameters).model_fields.keys() - {"schedule", "members"} - around
    alike = [
        (sum(getattr(one, field) != getattr(parameters, field) for field in fields), len(name), name)
        for name, one in _methods_and_classifiers()
        if type(one) is type(parameters)
    ]
    if not alike:  # of a kind that no block of params.yaml has
        return parameters.model_dump()["kind"]
    different, _, name = min(alike)
    return f"like {name}" if different else name


def _methods() -> dict[str, MethodSpec]:
    known = packaged_experiment()
    return {name: known.method(name) for name in (*known.trained, *known.mixtures)}


def _methods_and_classifiers() -> list[tuple[str, MethodSpec | ClassifierSpec]]:
    """Some of both have the same name."""
    return [*_methods().items(), *packaged_experiment().classifiers.items()]


def _named(known: Mapping[str, Any], what: str, name: Any) -> Any:
    if not isinstance(name, str) or name not in known:
        raise InputError(f"Unknown {what} {name!s:.60}; there are {', '.join(known)}.")
    return known[name]


def _checked(union: Any, parameters: Any, what: str) -> Any:
    try:
        return TypeAdapter(union).validate_python(parameters)
    except ValidationError as error:
        raise InputError(f"{what}: {fault(error)}; correct that parameter.") from error
