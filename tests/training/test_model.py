"""The file of a model: it describes itself, comes back as it was, and is refused in one line where it is not whole."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

import mtcs
from mtcs.config.experiment_file import read_experiment
from mtcs.data.task import TaskInfo
from mtcs.errors import InputError
from mtcs.methods import build_method
from mtcs.training.model import FORMAT, load_model, save_model
from mtcs.training.tensor_file import read_tensors

EXPERIMENT = read_experiment(Path(__file__).parents[2] / "params.yaml")
INFOS = (TaskInfo("a", ("OK", "worn out"), 30, 1.5, 2.0, (-9999.0,)), TaskInfo("b", ("1", "2", "3"), 50, -3.0, 0.1))


def small(name: str, **changes):
    wanted = {"depth": 2, "hidden": 8, "output": 16, **changes}
    spec = EXPERIMENT.methods[name]
    return spec.model_copy(update={key: value for key, value in wanted.items() if key in type(spec).model_fields})


def saved(path: Path, name: str = "mtcs", infos=INFOS, seed: int = 3):
    torch.manual_seed(seed)
    spec = small(name)
    method = build_method(spec, infos)
    save_model(path, method, spec, infos, seed)
    return method


@pytest.mark.parametrize("name", EXPERIMENT.trained)
def test_a_model_comes_back_from_its_file_alone(tmp_path, name):
    method = saved(tmp_path / "m.safetensors", name)
    before = torch.random.get_rng_state()
    model = load_model(tmp_path / "m.safetensors")
    assert torch.random.get_rng_state().equal(before)
    assert (model.spec, model.tasks, model.seed) == (small(name), INFOS, 3)
    series = torch.from_numpy(np.random.default_rng(0).standard_normal((4, 50)).astype(np.float32))
    with torch.inference_mode():
        assert model.method.eval().represent(series, "b").equal(method.eval().represent(series, "b"))
    assert all(parameter.device.type == "cpu" for parameter in model.method.parameters())


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        saved(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_model_is_read_by_safetensors_too(tmp_path):
    method = saved(tmp_path / "m.safetensors")
    weights = safetensors.torch.load_file(tmp_path / "m.safetensors")
    assert weights.keys() == method.state_dict().keys()


def test_a_task_is_compared_with_the_one_trained_on(tmp_path):
    saved(tmp_path / "m")
    model = load_model(tmp_path / "m")
    model.check_task(INFOS[0], "run it")
    for changed in (replace(INFOS[0], std=3.0), replace(INFOS[0], classes=("ok", "worn out"))):
        with pytest.raises(InputError, match=r"^a has other labels or another scale than .* trained on; run it\.$"):
            model.check_task(changed, "run it")
    with pytest.raises(InputError, match=r"^Unknown task c; the model has a, b\.$"):
        model.task("c")


def rewritten(path: Path, **metadata: str) -> None:
    """A file of other metadata, without a digest, as whoever makes one up may leave it out."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    result = json.loads(content[8 : 8 + length])["__metadata__"] | metadata
    del result["digest"]
    path.write_bytes(safetensors.torch.save(safetensors.torch.load(content), metadata=result))


def described(path: Path, change) -> None:
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    description = json.loads(header["__metadata__"]["description"])
    change(description)
    rewritten(path, description=json.dumps(description))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda path: path.write_bytes(b""), "is no model of mtcs"),
        (lambda path: path.write_bytes(b"not a safetensors file"), "is no model of mtcs"),
        (lambda path: path.write_bytes(path.read_bytes()[:-50]), "is no model of mtcs"),
        (lambda path: path.write_bytes(safetensors.torch.save({})), "has the format 'of an earlier version', expected"),
        (lambda path: rewritten(path, format="mtcs-bundle/1"), f"has the format 'mtcs-bundle/1', expected '{FORMAT}'"),
        (lambda path: rewritten(path, description="{}"), "describes no model (spec: Field required)"),
        (lambda path: rewritten(path, description="[" * 5000), "describes no model"),
        (lambda path: path.write_bytes((10**5).to_bytes(8, "little") + b"[" * 10**5), "is no model of mtcs"),
        (lambda path: described(path, lambda d: d["spec"].update(kind="os.system")), "describes no model"),
        (lambda path: described(path, lambda d: d["spec"].update(hidden=9)), "does not hold the weights it describes"),
        (lambda path: described(path, lambda d: d["spec"].update(hidden=10**12)), "describes no model"),
        (lambda path: described(path, lambda d: d["tasks"].pop()), "does not hold the weights it describes (heads.b"),
        (lambda path: described(path, lambda d: d["tasks"][0].update(std=0)), "describes no model"),
        (lambda path: described(path, lambda d: d["tasks"][0].pop("classes")), "describes no model"),
    ],
)
def test_what_is_no_whole_model_is_refused_in_one_line(tmp_path, damage, expected):
    path = tmp_path / "m.safetensors"
    saved(path)
    damage(path)
    with pytest.raises(InputError) as error:
        load_model(path, "run it again")
    said = str(error.value).removeprefix(str(path))
    assert expected in said
    assert said.endswith("; run it again.")
    assert "\n" not in said
    assert len(said) <= 400


def test_a_file_of_a_newer_version_asks_for_an_upgrade(tmp_path):
    path = tmp_path / "m.safetensors"
    saved(path)
    rewritten(path, format="mtcs-model/2")
    newer = r"m\.safetensors was written by a newer mtcs \(format 2; this one reads up to 1\); upgrade mtcs\.$"
    with pytest.raises(InputError, match=newer):
        load_model(path)
    saved(path)
    rewritten(path, mtcs="99.1.0", description="{}")
    own = mtcs.__version__.removesuffix(".dev0")
    newer = rf"describes no .*; it was written by mtcs 99\.1\.0, newer than this {own}: upgrade mtcs\.$"
    with pytest.raises(InputError, match=newer):
        load_model(path)


def test_a_model_whose_weights_or_description_changed_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    saved(path)
    content = path.read_bytes()
    metadata, weights = read_tensors(path, FORMAT, "model", "run it")
    name = max(weights, key=lambda name: weights[name].numel())
    weights[name].view(-1)[0] *= 1.001
    kept = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    for changed in (
        safetensors.torch.save(weights, metadata=kept),
        content.replace(b'\\"seed\\": 3', b'\\"seed\\": 1'),
        content[:-1] + bytes([content[-1] ^ 1]),
    ):
        assert changed != content
        path.write_bytes(changed)
        with pytest.raises(InputError, match=r"m\.safetensors holds other content than was written; run it\.$"):
            load_model(path, "run it")
    assert "digest" not in metadata


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"m\.safetensors does not exist; run it\.$"):
        load_model(tmp_path / "m.safetensors", "run it")
