"""Multi-Task Classifier Sharing (MTCS) for cross-dataset time-series classification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtcs.data.folder import read_folder
    from mtcs.errors import InputError, MtcsError, WorkError
    from mtcs.estimator import MTCSClassifier, MultiTaskClassifier, cross_validate
    from mtcs.loading import load

__version__ = "0.2.0.dev0"

__all__ = [
    "InputError",
    "MTCSClassifier",
    "MtcsError",
    "MultiTaskClassifier",
    "WorkError",
    "cross_validate",
    "load",
    "read_folder",
]

_MODULES = {
    "load": "mtcs.loading",
    "read_folder": "mtcs.data.folder",
    "InputError": "mtcs.errors",
    "MtcsError": "mtcs.errors",
    "WorkError": "mtcs.errors",
}


def __getattr__(name: str) -> Any:
    """Imported at first use: `import mtcs` alone loads neither torch nor pandas."""
    if name not in __all__:
        raise AttributeError(f"module 'mtcs' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_MODULES.get(name, "mtcs.estimator")), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
