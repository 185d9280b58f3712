"""Three small sets of recordings as CSV files, and all that is done with them; run it in an empty folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

import mtcs


def write_recordings(folder: Path, seed: int = 0) -> None:
    """Noisy vibrations: of each task's labels, the second has a slower one on top."""
    rng, time = np.random.default_rng(seed), np.arange(100)
    folder.mkdir(exist_ok=True)
    for task, labels in {"pumps": ["ok", "worn"], "fans": ["ok", "unbalanced"], "valves": ["tight", "leaking"]}.items():
        state = rng.choice(labels, size=40)
        values = np.sin(time / 3) + rng.normal(scale=0.5, size=(40, 100))
        values[state == labels[1]] += np.sin(time / 12)
        pd.DataFrame(values.round(3)).assign(state=state).to_csv(folder / f"{task}.csv", index=False)


if __name__ == "__main__":
    write_recordings(Path("sensors"))
    data = mtcs.read_folder("sensors")
    model = mtcs.MultiTaskClassifier(random_state=0)
    scores = mtcs.cross_validate(model, data, folds=3)
    print(scores.groupby("task")[["accuracy", "log_loss"]].mean())
    model.fit(data)
    print(model.label_affinity_.round(2))
    model.save("machines.mtcs")
    series, _ = data["pumps"]
    print(mtcs.load("machines.mtcs").predict_proba("pumps", series[:3]))
