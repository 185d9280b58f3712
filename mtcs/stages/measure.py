"""`mtcs measure`: what a run amounts to, in one small file in results, for git."""

from __future__ import annotations

from mtcs.stages.options import WORKSPACE, MethodName, SeedOption, SuiteName, named_run


def measure(method: MethodName, suite: SuiteName, seed: SeedOption = 0) -> None:
    """Measure a classified run: its accuracies, affinities, cost and curves in one small file in results, for git."""
    run = named_run(method, suite, seed)

    from mtcs.data.task import read_few_labels, read_suite
    from mtcs.evaluation.measure import measure_run
    from mtcs.evaluation.results import write_result

    folder = WORKSPACE.normalized_suite(suite)
    result = measure_run(run, read_suite(folder), read_few_labels(folder))
    write_result(run.result, result)
    mean = sum(task.accuracy for task in result.tasks) / len(result.tasks)
    print(f"{run}: mean accuracy {mean:.4f}, in {run.result}")
