"""A model card in words: what a bundle was trained on, how well it does, and with which versions."""

from __future__ import annotations

from itertools import groupby

from mtcs.bundles.bundle import Bundle, TaskClassifier
from mtcs.classifiers.classify import kind_of
from mtcs.config.packaged import display_name
from mtcs.errors import printable


def model_card(bundle: Bundle) -> str:
    """Lines of text: the method, each task with its series, labels and scores, and the versions."""
    weights = sum(weight.numel() for weight in bundle.model.method.parameters())
    method, members = display_name(bundle.trained_with), bundle.model.spec.members
    encoders = f" in {members} encoders" * (members > 1)
    learned_by = f"{method} with {weights:,} weights{encoders}" if weights else f"{method} without an encoder"
    lines = [f"{learned_by}, seed {bundle.model.seed}, read by {display_name(bundle.classifier)}"]
    learned = {task.name for task in bundle.model.tasks}
    for name, task in bundle.tasks.items():
        added = "" if name in learned else ", added later"
        kind = kind_of(task.reader)
        added += f", read by {kind.replace('_', ' ')}" * (kind != bundle.classifier.kind)
        lines.append(f"  {name}: {_series(task)}{added}; labels {', '.join(map(str, task.labels.tolist()))}")
        for way, scores in groupby(bundle.scores.get(name, {}).items(), key=lambda score: score[0].split(" ")[0]):
            values = [f"{score.removeprefix(f'{way} ')} {value:.3f}" for score, value in scores]
            lines.append(f"    {way} {', '.join(values)}")
    if bundle.versions:
        lines.append("  " + ", ".join(f"{package} {version}" for package, version in bundle.versions.items()))
    return "\n".join(map(printable, lines))


def _series(task: TaskClassifier) -> str:
    shortest, longest = task.lengths
    if not task.n_series:
        steps = f"up to {longest} steps"
    else:
        steps = f"{shortest} steps" if shortest == longest else f"{shortest} to {longest} steps"
    names = f" ({', '.join(task.channel_names)})" if task.channel_names else ""
    channels = f", {task.info.channels} channels{names}" if task.info.channels > 1 else ""
    return f"{task.n_series or 'an unknown number of'} series of {steps}{channels}"
