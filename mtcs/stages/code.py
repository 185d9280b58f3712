"""`mtcs code`: digests of the code and the parameters behind every stage, which DVC compares to see what is stale."""

from __future__ import annotations

import json

from mtcs.files import write_text
from mtcs.stages.options import WORKSPACE, experiment


def code() -> None:
    """Write digests of the code behind every stage into data/code.json; a change reruns what it concerns."""
    from mtcs.provenance import (
        classification_digest,
        code_digest,
        representation_digest,
        suite_digests,
        training_digest,
    )

    known = experiment()
    normalizing = ("mtcs.data.normalize", "mtcs.data.formats", "mtcs.data.few_labels")
    digests = {
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
    write_text(WORKSPACE.code, json.dumps(digests, indent=2) + "\n")
    print(f"{len(known.known)} methods in {WORKSPACE.code}")
