"""Encoders that come with the package, by name: learned once, for tasks that are added in seconds."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np

from mtcs.bundles.bundle import Bundle
from mtcs.config.packaged import packaged_classifier
from mtcs.provenance import versions
from mtcs.training.model import load_model

PRETRAINED = ("ucr",)
"""Their names; a model card of each is in `mtcs/reference`."""


def load_pretrained(name: str) -> Bundle:
    """A bundle without tasks; its weights are stored in half precision."""
    model = load_model(Path(str(files("mtcs"))) / f"reference/{name}.safetensors", "install mtcs again")
    model.method.float().eval()
    return Bundle(model, {}, np.empty((0, 0)), None, packaged_classifier("ridge"), versions=versions())
