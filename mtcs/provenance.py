"""What a result was made by: digests of the code and the parameters behind it, the commit, versions of packages.

A digest covers a module and whatever of ours it imports in turn, so that a change of one method concerns no other; and
of these what they do, so that a comment or a docstring concerns none. Modules that only carry values from one place to
another are left out: a change there moves no number.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import platform
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import mtcs
from mtcs.config.classifiers import ClassifierSpec, Mixture
from mtcs.config.experiment import Experiment
from mtcs.config.methods import Spec
from mtcs.config.schedule import Schedule
from mtcs.config.suite import Suite

PACKAGE = Path(mtcs.__file__).parent

NO_NUMBERS = (
    "mtcs.config",
    "mtcs.errors",
    "mtcs.evaluation.cluster",
    "mtcs.files",
    "mtcs.layout",
    "mtcs.ops.memory",
    "mtcs.progress",
    "mtcs.provenance",
)
"""Modules and packages through which no number passes. Of `mtcs.config` the values themselves are digested."""


def stage_digests(known: Experiment) -> dict[str, Any]:
    """Of the code and the parameters behind every stage, by its name and, where they differ, by suite or method."""
    normalizing = ("mtcs.data.normalize", "mtcs.data.formats", "mtcs.data.few_labels")
    return {
        "suites": {name: suite_digests(suite) for name, suite in known.suites.items()},
        "download": code_digest("mtcs.data.sources", data="reference/archive_sizes.csv"),
        "normalize": code_digest(*normalizing, data="reference/archive_sizes.csv"),
        "train": {name: training_digest(known.method(name)) for name in known.trained}
        | {name: training_digest(known.method(name), known.readings[name].held_out) for name in known.mixtures},
        "represent": {name: representation_digest(known.method(name)) for name in (*known.trained, *known.mixtures)},
        "classify": {name: classification_digest(known.classifier(name)) for name in known.known},
        "measure": code_digest("mtcs.evaluation.measure"),
        "report": code_digest("mtcs.reports.page", data="re[fp]*/**/*.[cj]*"),
    }


def training_digest(spec: Spec, held_out: float = 0.0) -> str:
    """Of the code and the parameters that make a model; held_out: share of the training series that it does not see."""
    parameters = spec.model_dump_json(exclude={"classifier"})
    sources = (_source(type(spec)), _source(Schedule))
    split = (str(held_out), code_digest("mtcs.data.splits")) if held_out else ()
    return _digest(code_digest("mtcs.training.loop", _method_module(spec)), *sources, parameters, *split)


def representation_digest(spec: Spec) -> str:
    """Of the code that turns series into representations by a model, which has its parameters itself."""
    return code_digest("mtcs.evaluation.represent", "mtcs.training.model", _method_module(spec))


def classification_digest(classifier: ClassifierSpec) -> str:
    """Of the code and the parameters that make predictions of representations."""
    weighing = (  # which series weights are chosen on, and with which encoder
        (code_digest("mtcs.data.splits"), _function("mtcs.evaluation.classified", "classify_mixtures"))
        if isinstance(classifier, Mixture)
        else ()
    )
    return _digest(
        code_digest(f"mtcs.classifiers.{classifier.implementation}"),
        _source(type(classifier)),
        classifier.model_dump_json(),
        *weighing,
    )


def suite_digests(suite: Suite) -> dict[str, str]:
    """Of what a suite is once `like` is replaced: of its data, and of all that its report reads."""
    return {
        "data": _digest(suite.model_dump_json(exclude={"methods", "seeds"}, exclude_defaults=True)),
        "report": _digest(suite.model_dump_json(exclude_defaults=True)),
    }


def code_digest(*modules: str, data: str = "") -> str:
    """Of these modules, whatever of ours they import, and the package's files that match the glob `data`."""
    paths = [path for module in sorted(_closure(modules)) if (path := _file(module))]
    paths += sorted(PACKAGE.glob(data)) if data else []
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(_meaning_of(path).encode() if path.suffix == ".py" else path.read_bytes())
    return digest.hexdigest()[:16]


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _method_module(spec: Spec) -> str:
    return f"mtcs.methods.{spec.implementation.partition('.')[0]}"


def _source(kind: type) -> str:
    """The source of a class of parameters and of those of ours that it extends."""
    ours = [one for one in kind.__mro__ if one.__module__.startswith("mtcs.")]
    return "".join(meaning(ast.parse(inspect.getsource(one))) for one in ours)


def _function(module: str, name: str) -> str:
    """The source of one function of a module."""
    path = _file(module)
    assert path is not None
    body = ast.parse(path.read_bytes()).body
    return meaning(next(one for one in body if isinstance(one, ast.FunctionDef) and one.name == name))


@cache
def _meaning_of(path: Path) -> str:
    return meaning(ast.parse(path.read_bytes()))


def meaning(node: object) -> str:
    """What code does, as text: a syntax tree without comments, docstrings, layout and empty fields.

    Python's own dump of a tree is not the same in all versions; without empty fields this is.
    """
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and name != "ctx"]
        return f"{type(node).__name__}({','.join(f'{name}={meaning(value)}' for name, value in fields if value != [])})"
    if isinstance(node, list):
        return f"[{','.join(meaning(one) for one in node if not _is_docstring(one))}]"
    return repr(node)


def _is_docstring(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _closure(modules: tuple[str, ...]) -> set[str]:
    """The modules, and whatever of ours they import in turn, less `NO_NUMBERS`."""
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in reached and not any(module == one or module.startswith(f"{one}.") for one in NO_NUMBERS):
            reached.add(module)
            waiting += imports(module)
    return reached


@cache
def imports(module: str) -> tuple[str, ...]:
    """Our modules that a module imports, wherever in it, less what only a type checker sees."""
    path = _file(module)
    names = set(_imported(ast.parse(path.read_bytes()))) if path else set()
    return tuple(sorted(name for name in names if name.startswith("mtcs.") and _file(name)))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for child in node.orelse:
            yield from _imported(child)
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from _imported(child)


def _file(module: str) -> Path | None:
    """The file of a module, None where the name is something else, such as a function inside a module."""
    base = PACKAGE.parent.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def versions() -> dict[str, str]:
    """Versions that stand behind a result."""
    import numpy as np
    import torch

    return {
        "mtcs": mtcs.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def commit() -> str | None:
    """The commit of the code, wherever it is called from; marked where tracked files other than results differ."""
    others = [f":(top,exclude){name}" for name in ("dvc.lock", "reports", "results")]
    commands = (
        [
            "ls-files",
            "--error-unmatch",
            "__init__.py",
        ],  # else another project's repository, around an installed package
        ["describe", "--always", "--abbrev=12", "--exclude=*"],
        ["status", "--porcelain", "--untracked-files=no", "--", ":/", *others],
    )
    try:
        _, revision, changed = (
            subprocess.run(
                ["git", *command], cwd=PACKAGE, capture_output=True, text=True, check=True, timeout=10
            ).stdout.strip()
            for command in commands
        )
    except (OSError, subprocess.SubprocessError):
        print("No git commit to record: the code is not in a git checkout.", file=sys.stderr)
        return None
    return f"{revision}-dirty" if changed else revision
