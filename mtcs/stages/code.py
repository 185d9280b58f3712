"""`mtcs code`: digests of the code and the parameters behind every stage, which DVC compares to see what is stale."""

from __future__ import annotations

import json

from mtcs.files import write_text
from mtcs.stages.options import WORKSPACE, experiment


def code() -> None:
    """Write digests of the code behind every stage into data/code.json; a change reruns what it concerns."""
    from mtcs.provenance import stage_digests

    known = experiment()
    write_text(WORKSPACE.code, json.dumps(stage_digests(known), indent=2) + "\n")
    print(f"{len(known.known)} methods in {WORKSPACE.code}")
