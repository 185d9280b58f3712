"""Train the encoder `ucr` that comes with the package, and write it with its card into `mtcs/reference`.

    python benchmarks/pretrain.py ARCHIVE [--compare]

ARCHIVE is a folder of the UCR archive's data sets, or a URL template, as MTCS_ARCHIVE. MTCS with the paper's settings
learns the 58 sets of `TRAINED_ON` together, at most 300 training series of each, stratified: 1,520 steps, about an hour
of a busy CPU with bf16. A killed run goes on where its last epoch ended. What is written are the encoder's weights in
half precision, without heads. The model itself stays in `build/`, and `--compare` says what half precision costs: the
accuracy of both on some of the sets that neither has seen.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from mtcs.classifiers.classify import fit_reader
from mtcs.classifiers.subsample import subsample
from mtcs.config.packaged import packaged_classifier, packaged_method
from mtcs.data.formats import load_task
from mtcs.data.normalize import z_normalize
from mtcs.data.sources import fetch_task
from mtcs.data.task import Split, Task
from mtcs.evaluation.represent import represent
from mtcs.files import atomic_write
from mtcs.methods import build_method
from mtcs.methods.base import Method
from mtcs.training.hardware import Hardware, choose_hardware
from mtcs.training.loop import train_method
from mtcs.training.model import load_model, save_model

MAX_TRAIN, SEED = 300, 0

TRAINED_ON = """
ACSF1 ArrowHead BME Beef BeetleFly BirdChicken Car Chinatown Coffee Computers CricketY CricketZ Crop
DiatomSizeReduction EOGHorizontalSignal EOGVerticalSignal Earthquakes ElectricDevices EthanolLevel FaceFour FacesUCR
FiftyWords FordA FordB Fungi GestureMidAirD2 GestureMidAirD3 GesturePebbleZ1 GesturePebbleZ2 GunPoint GunPointAgeSpan
GunPointMaleVersusFemale GunPointOldVersusYoung Ham Herring HouseTwenty InsectEPGSmallTrain ItalyPowerDemand
LargeKitchenAppliances Meat MelbournePedestrian OliveOil PLAID PigAirwayPressure PigArtPressure PigCVP
RefrigerationDevices Rock ScreenType ShapeletSim SmallKitchenAppliances SmoothSubspace ToeSegmentation1
ToeSegmentation2 Wine WordSynonyms Worms WormsTwoClass
"""

HELD_OUT = """
AllGestureWiimoteX AllGestureWiimoteY AllGestureWiimoteZ ChlorineConcentration CinCECGTorso
DistalPhalanxOutlineAgeGroup DistalPhalanxOutlineCorrect DistalPhalanxTW DodgerLoopGame DodgerLoopWeekend ECG200
ECG5000 FreezerRegularTrain FreezerSmallTrain Lightning2 Lightning7 MiddlePhalanxOutlineAgeGroup
MiddlePhalanxOutlineCorrect MiddlePhalanxTW OSULeaf PhalangesOutlinesCorrect PickupGestureWiimoteZ
ProximalPhalanxOutlineAgeGroup ProximalPhalanxOutlineCorrect ProximalPhalanxTW SonyAIBORobotSurface1
SonyAIBORobotSurface2 TwoPatterns Wafer
"""
"""With all their relatives, so that they are new to the encoder."""

COMPARED = ("DistalPhalanxTW", "ECG200", "ECG5000", "Lightning7", "SonyAIBORobotSurface2", "TwoPatterns", "Wafer")

CARD = """# `ucr`: an encoder learned on the UCR archive

`mtcs.load("ucr")` loads it; `add_task(name, X, y)` fits a classifier of your labels to its representations in seconds.

- **What it is**: the dilated encoder of MTCS, depth 10, width 64, {weights:,} weights, D = 320, stored in half
  precision. Weights alone: no heads, no labels, no scale and no series of the data sets.
- **How it was trained**: MTCS with the paper's settings, five epochs, seed {seed}, {precision} on a {device}, on at
  most {max_train} training series (stratified) of each of {n_sets} data sets of the UCR archive, {n_series:,} in all.
  Series are scaled by the training set of their task. `python benchmarks/pretrain.py ARCHIVE` does it again.
- **How well it does**: measured on other data sets, see "Is an encoder that was learned on other data sets a good
  start?" in `docs/findings.md`. It is quicker than MiniRocket and less accurate.
- **What it is not for**: series unlike those of the archive (much longer than 2,000 steps, or many channels), or any
  use where a mistake does harm, without measuring it on your own data (`mtcs.cross_validate` of a model that you fit).

Trained on, with its number of series:

{trained_on}.

Held out, with all their relatives (as FreezerRegularTrain with FreezerSmallTrain):

{held_out}.
"""


def read(name: str, archive: str, folder: Path) -> Task:
    """A data set, scaled by its training part."""
    fetch_task(name, folder / name, archive)
    return z_normalize(load_task(folder / name, name))


def cut(split: Split, rows: np.ndarray) -> Split:
    """Some of its series, in their order."""
    return Split(split.series[np.sort(rows)], split.labels[np.sort(rows)])


def accuracy(method: Method, task: Task) -> float:
    """Of kernel ridge on all training series, for at most 500 test series, stratified."""
    hardware, test = choose_hardware("cpu", "fp32"), task.test
    if len(test) > 500:
        rows, _ = train_test_split(np.arange(len(test)), train_size=500, stratify=test.labels, random_state=0)
        test = cut(test, np.asarray(rows))
    known = represent(method, task.train.series, hardware, task.name)
    reader = fit_reader(packaged_classifier("ridge"), known, task.train.labels)
    return float((reader.predict(represent(method, test.series, hardware, task.name)) == test.labels).mean())


def card(tasks: Sequence[Task], n_weights: int, hardware: Hardware) -> str:
    """What the file is, as Markdown."""
    sizes = [len(task.train) for task in tasks]
    names = ", ".join(f"{task.name} {size}" for task, size in zip(tasks, sizes, strict=True))
    return CARD.format(
        weights=n_weights,
        seed=SEED,
        precision=hardware.precision,
        device=hardware.device.type.upper(),
        max_train=MAX_TRAIN,
        n_sets=len(tasks),
        n_series=sum(sizes),
        trained_on=textwrap.fill(names, 120),
        held_out=textwrap.fill(", ".join(HELD_OUT.split()), 120),
    )


def main() -> None:
    """Train what is not trained, write what comes with the package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", help="folder with the archive's data sets")
    parser.add_argument("--compare", action="store_true", help="half precision with single, instead of writing")
    parser.add_argument("--build", type=Path, default=Path("build/pretrain"), help="where the whole model is kept")
    parser.add_argument("--out", type=Path, default=Path("mtcs/reference"))
    options = parser.parse_args()
    folder, complete = options.build / "raw", options.build / "ucr.safetensors"
    if options.compare:
        single = load_model(complete, "train it first").method.eval()
        half = load_model(options.out / "ucr.safetensors").method.float().eval()
        print("| data set | single precision | half precision |\n| --- | ---: | ---: |")
        for name in COMPARED:
            task = read(name, options.archive, folder)
            print(f"| {name} | {accuracy(single, task):.3f} | {accuracy(half, task):.3f} |", flush=True)
        return

    tasks = [read(name, options.archive, folder) for name in TRAINED_ON.split()]
    tasks = [replace(task, train=cut(task.train, subsample(task.train.labels, MAX_TRAIN))) for task in tasks]
    spec, checkpoint = packaged_method("mtcs"), options.build / "ucr.checkpoint"
    hardware = choose_hardware("auto", "auto", spec.fixed_length)
    if not complete.exists():
        method, _ = train_method(spec, tasks, SEED, hardware, checkpoint)
        save_model(complete, method, spec, [task.info for task in tasks], SEED)
        checkpoint.unlink(missing_ok=True)
    weights = load_model(complete).method.state_dict()
    encoder = build_method(spec, ())
    encoder.load_state_dict({name: weight for name, weight in weights.items() if name.startswith("encoder.")})
    save_model(options.out / "ucr.safetensors", encoder.half(), spec, (), SEED)
    with atomic_write(options.out / "ucr.md") as part:
        part.write_text(card(tasks, sum(weight.numel() for weight in encoder.parameters()), hardware), "utf-8")


if __name__ == "__main__":
    main()
