"""`mtcs normalize`: raw series, z-normalised by the training part, into data/normalized."""

from __future__ import annotations

import sys

from mtcs.errors import counted, one_line
from mtcs.progress import progress
from mtcs.stages.options import WORKSPACE, SuiteName, experiment


def normalize(suite: SuiteName) -> None:
    """Z-normalise a suite's tasks by their training statistics, into data/normalized."""
    from mtcs.data.doubts import doubts
    from mtcs.data.formats import read_raw
    from mtcs.data.normalize import z_normalize
    from mtcs.data.task import fingerprint, write_index, write_task

    wanted = experiment().suite(suite)
    names, fingerprints, remarks = wanted.tasks, [], []
    with progress(f"normalize {suite}", len(names), "tasks") as advance:
        for done, name in enumerate(names, 1):
            raw = read_raw(WORKSPACE.raw(suite, name), name, wanted.missing)
            if wanted.few_labels is not None:
                from mtcs.data.few_labels import with_few_labels

                raw = with_few_labels(raw, *wanted.few_labels)
            remarks += doubts(raw)
            task = z_normalize(raw)
            del raw  # of a large file, twice the memory of what was made of it
            write_task(WORKSPACE.normalized(suite, name), task)
            fingerprints.append(fingerprint(task))
            advance(done, name)
    write_index(WORKSPACE.normalized_suite(suite), names, fingerprints, wanted.few_labels)
    print(f"{suite}: {counted(len(names), 'task')} in {WORKSPACE.normalized_suite(suite)}", flush=True)
    for remark in remarks:
        print(one_line(f"Warning: {remark}"), file=sys.stderr)
