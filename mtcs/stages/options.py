"""What the command lines of the stages have in common: names, seed, machine; and the workspace they read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from mtcs.config.device_names import DeviceName, PrecisionName
from mtcs.errors import InputError
from mtcs.files import is_there, regular
from mtcs.layout import Layout, Run

if TYPE_CHECKING:  # heavy modules are imported by the stage that needs them, so that `mtcs --help` is quick
    from mtcs.config.experiment import Experiment
    from mtcs.config.methods import Spec
    from mtcs.data.task import Task
    from mtcs.training.hardware import Hardware

WORKSPACE = Layout()


def _names(section: str) -> Callable[[], list[str]]:
    """For shell completion: read without validation, and never fail."""

    def complete() -> list[str]:
        from ruamel.yaml.error import YAMLError

        from mtcs.config.parameter_file import read_yaml

        try:
            return [str(name) for name in read_yaml(regular(WORKSPACE.params).read_text("utf-8"))[section]]
        except (InputError, OSError, YAMLError, KeyError, TypeError, ValueError):  # ValueError: no UTF-8
            return []

    return complete


SomeSuite = Annotated[
    str | None,
    typer.Argument(metavar="SUITE", help="Only this one; default: all.", autocompletion=_names("suites")),
]
SuiteName = Annotated[
    str,
    typer.Argument(metavar="SUITE", help="Suite of params.yaml; see 'mtcs suites'.", autocompletion=_names("suites")),
]
MethodName = Annotated[
    str,
    typer.Argument(
        metavar="METHOD", help="Method of params.yaml; see 'mtcs methods'.", autocompletion=_names("methods")
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="Seed of weights, order and chance.")]
DeviceOption = Annotated[
    DeviceName | None,
    typer.Option("--device", help="Where to compute; auto takes CUDA where there is one. Also MTCS_DEVICE."),
]
PrecisionOption = Annotated[
    PrecisionName | None,
    typer.Option(
        "--precision",
        help="Of the encoder's products; auto takes bf16 where the hardware is faster with it. Also MTCS_PRECISION.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=0, max=4096, help="Threads for CPU work; 0 is all cores. Also MTCS_WORKERS."),
]


def experiment() -> Experiment:
    """`params.yaml` of the workspace."""
    from mtcs.config.experiment_file import read_experiment

    return read_experiment(WORKSPACE.params)


def comma_list(text: str) -> list[str]:
    """The names in an option such as A,B,C."""
    return [name.strip() for name in text.split(",") if name.strip()]


def named_run(method: str, suite: str, seed: int) -> Run:
    """A run whose models say what they are; where there is a params.yaml, its names are checked."""
    if is_there(WORKSPACE.params):
        return experiment().run(suite, method, seed, WORKSPACE)
    run = Run(suite, method, seed, WORKSPACE)
    if not run.classified.exists():
        return run
    from mtcs.evaluation.records import ClassifierRecord, read_record

    record = read_record(run.classified, ClassifierRecord, run, "classify")
    return replace(run, reads=record.reads, held_out=record.held_out)


def refuse_reading(run: Run) -> None:
    """Raises InputError if the run reads the representations of another method, whose stage this is."""
    if run.reads is not None and not run.held_out:
        raise InputError(
            f"{run.method} has no models of its own, it reads the representations of {run.reads}; "
            f"{run.remedy('train', 'represent', 'classify')}."
        )


def training_tasks(known: Experiment, run: Run) -> dict[str, Task]:
    """The tasks of a run's suite by name, whose series are those that params.yaml asks for.

    Raises:
        InputError: if they are not, or the run's classifier could not be fitted to their labels.
    """
    from mtcs.classifiers.classify import check_fittable
    from mtcs.data.few_labels import check_as_planned
    from mtcs.data.task import read_suite

    folder, suite = WORKSPACE.normalized_suite(run.suite), known.suite(run.suite)
    tasks = read_suite(folder, run.tasks)
    check_as_planned(folder, tasks, suite.missing, suite.few_labels)
    for task in tasks:
        check_fittable(known.classifier(run.method), task.name, task.train.labels)
    return {task.name: task for task in tasks}


def hardware(spec: Spec, device: DeviceName | None, precision: PrecisionName | None, workers: int | None) -> Hardware:
    """What options and `MTCS_*` variables ask for, an option first."""
    from mtcs.config.machine import read_machine
    from mtcs.training.hardware import choose_hardware

    machine = read_machine()
    threads = machine.workers if workers is None else workers
    return choose_hardware(device or machine.device, precision or machine.precision, spec.fixed_length, threads)


def threads(workers: int | None) -> int:
    """How many threads CPU work takes; -1 is all cores."""
    from mtcs.config.machine import read_machine

    return (read_machine().workers if workers is None else workers) or -1
