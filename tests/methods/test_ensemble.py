"""Several of a method side by side: each learns as it would alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import mtcs
from mtcs import InputError, MultiTaskClassifier
from mtcs.bundles.card import model_card
from mtcs.classifiers.mixture import beside
from mtcs.config.packaged import packaged_method, usual_classifier
from mtcs.config.schedule import Schedule
from mtcs.data.task import Split, Task
from mtcs.evaluation.represent import represent
from mtcs.evaluation.side_by_side import joined
from mtcs.methods import prepared_method
from mtcs.methods.base import Batch, Method
from mtcs.methods.ensemble import Ensemble
from mtcs.training.hardware import choose_hardware
from mtcs.training.loop import fit, train_method
from mtcs.training.model import Model

SMALL = {"depth": 3, "hidden": 8, "output": 16}
CPU = choose_hardware("cpu", "fp32")


def waves(n: int = 24, length: int = 30, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(n) % 2
    noise = np.random.default_rng(seed).normal(scale=0.3, size=(n, length))
    return np.sin(np.arange(length) * (0.3 + 0.5 * labels[:, np.newaxis])) + noise, labels


def tasks() -> list[Task]:
    made = []
    for seed, name in enumerate("ab"):
        X, labels = waves(seed=seed)
        split = Split(X.astype(np.float32), labels)
        made.append(Task(name, split, split, ("1", "2")))
    return made


def member(method: Method, i: int) -> Method:
    assert isinstance(method, Ensemble)
    one = method.members[i]
    assert isinstance(one, Method)
    return one


def test_each_member_learns_as_it_would_alone():
    schedule = Schedule(epochs=3, batch_size=8, learning_rate=0.01)
    torch.manual_seed(0)
    both = prepared_method(packaged_method({**SMALL, "members": 2}), tasks())
    alone = prepared_method(packaged_method(SMALL), tasks())
    alone.load_state_dict(member(both, 1).state_dict())
    first = member(both, 0).state_dict()
    assert any(not torch.equal(value, first[name]) for name, value in alone.state_dict().items())
    for method in (both, alone):
        fit(method, tasks(), schedule, 0, CPU)
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(member(both, 1).state_dict()[name], value, atol=1e-3, rtol=1e-3)


def test_representations_stand_side_by_side_and_heads_agree_on_the_mean():
    torch.manual_seed(0)
    method = prepared_method(packaged_method({**SMALL, "members": 3}), tasks()).eval()
    series = torch.from_numpy(tasks()[0].train.series)
    together, parts = method.represent(series), [member(method, i).represent(series) for i in range(3)]
    assert together.equal(torch.cat(parts, 1))
    heads = [member(method, i).head("a") for i in range(3)]
    logits = [part @ head.T for part, head in zip(parts, heads, strict=True) if head is not None]
    head = method.head("a")
    assert head is not None
    torch.testing.assert_close(together @ head.T, torch.stack(logits).mean(0))
    batch = Batch("a", series, torch.from_numpy(tasks()[0].train.labels))
    losses = [member(method, i).loss(batch) for i in range(3)]
    torch.testing.assert_close(method.loss(batch), torch.stack(losses).mean())
    shares = [member(method, i).metrics["sharing_loss"] for i in range(3)]
    torch.testing.assert_close(method.metrics["sharing_loss"], torch.stack(shares).mean())


def test_of_several_channels_the_representations_of_each_stand_together():
    trained = [prepared_method(packaged_method({**SMALL, "members": n}), tasks()).eval() for n in (1, 2)]
    spec = packaged_method(SMALL)
    models = [
        Model(trained[0], spec, (), 0),
        Model(trained[1], spec.model_copy(update={"members": 2}), (), 0),
    ]
    whole = joined(models)
    assert whole.spec.members == 3
    series = waves(24)[0].astype(np.float32).reshape(8, 3, 30)  # of three channels
    parts = [represent(model.method, series, CPU, "a") for model in models]
    assert [part.shape for part in parts] == [(8, 48), (8, 96)]
    # Of each channel what the first says, then what the second says.
    expected = np.concatenate([part.reshape(8, 3, -1) for part in parts], axis=2).reshape(8, -1)
    np.testing.assert_allclose(represent(whole.method, series, CPU, "a"), expected, rtol=1e-5, atol=1e-6)
    same = [represent(one.method, series, CPU, "a") for one in (models[0], replace(models[0]))]
    np.testing.assert_array_equal(beside(same, 3), np.repeat(same[0].reshape(8, 3, 1, 16), 2, axis=2).reshape(8, -1))


@pytest.mark.parametrize("method", ["ts2vec", "t_loss", "tnc", "ts_tcc", "tst"])
def test_any_method_with_an_encoder_makes_an_ensemble(method):
    known = {"like": method, "schedule": {"steps": 2, "batch_size": 4}, "members": 2}
    spec = packaged_method(known)
    ensemble, _ = train_method(spec, tasks()[:1], 0, CPU)
    series = waves()[0].astype(np.float32)
    assert represent(ensemble.eval(), series, CPU, "a").shape == (24, 2 * spec.model_dump()["output"])


@pytest.mark.parametrize("classifier", ["ridge", {"kind": "mixture", "transforms": ["minirocket"], "weights": [0.5]}])
def test_an_ensemble_of_your_own(tmp_path: Path, classifier):
    (X, y), (new, truth) = waves(), waves(seed=1)
    model = MultiTaskClassifier(SMALL, 0, epochs=2, members=3, classifier=classifier, device="cpu", precision="fp32")
    model.fit({"a": (X, y), "b": (X[:, :20], y)})
    encoders = 3 if classifier == "ridge" else 6  # a mixture's are there twice
    assert model.transform("a", new).shape == (24, encoders * 16)
    assert (model.predict("a", new) == truth).mean() > 0.9
    assert model.label_affinity_.shape == (4, 4)
    model.add_task("c", X, y).save(tmp_path / "m.mtcs")
    loaded = mtcs.load(tmp_path / "m.mtcs")
    np.testing.assert_allclose(loaded.predict_proba("c", new), model.predict_proba("c", new), rtol=1e-9)
    assert f" in {encoders} encoders, seed 0" in model_card(loaded.bundle_)
    again = loaded.set_params(epochs=2, device="cpu", precision="fp32").fit({"a": (X, y), "b": (X[:, :20], y)})
    np.testing.assert_array_equal(again.transform("a", new), model.transform("a", new), "fitted as it was")
    assert loaded.set_params(members=1).fit({"a": (X, y)}).transform("a", new).shape == (24, encoders // 3 * 16)


def test_mistakes_are_one_line():
    X, y = waves()
    for members, words in ((0, "members is 0, expected"), (True, "members is True, expected")):
        with pytest.raises(InputError, match=words):
            MultiTaskClassifier(members=members).fit({"a": (X, y)})
    with pytest.raises(InputError, match="members: Input should be less than or equal to 100"):
        MultiTaskClassifier(members=101).fit({"a": (X, y)})
    with pytest.raises(InputError, match="members is 51, and a mixture trains as many encoders once more; take at m"):
        MultiTaskClassifier("mtcs_rocket", members=51).fit({"a": (X, y)})
    with pytest.raises(InputError, match="members is 2, and this method trains no encoder; take mtcs"):
        MultiTaskClassifier("minirocket", members=2).fit({"a": (X, y)})
    with pytest.raises(InputError, match="epochs is 3, and this method trains no encoder; leave it out"):
        MultiTaskClassifier("minirocket", epochs=3).fit({"a": (X, y)})
    with pytest.raises(InputError, match="members"):
        packaged_method({"like": "dtw", "members": 2})
    assert usual_classifier({"like": "mtcs_rocket", "members": 2}) == "with_random_kernels"
