"""One task of a bundle as an ONNX graph: raw series in; representations, decisions and labels out.

The encoder is the plain formula of `mtcs.encoders.dilated` in fp32. What `scaled` and the classifier compute in double
precision is in double precision here, too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

import mtcs
from mtcs.bundles.bundle import Bundle
from mtcs.classifiers.classify import kind_of
from mtcs.classifiers.kernel_ridge import FittedKernelRidge
from mtcs.classifiers.mixture import FittedMixture
from mtcs.classifiers.svm import FittedSVM
from mtcs.config.packaged import display_name
from mtcs.data.task import TaskInfo
from mtcs.encoders.dilated import DilatedEncoder
from mtcs.errors import InputError, counted
from mtcs.ops.convolution import DilatedConvolution
from mtcs.training.hardware import choose_hardware

if TYPE_CHECKING:
    from torch import Tensor

OPSET, IR_VERSION = 20, 9  # the first with Gelu, of 2023; any later runtime reads them

_NAN, _ZERO = np.float32(np.nan), np.float32(0)
_TIME = np.array([2], np.int64)  # axis of (n, C, T)
_CHANNEL = np.array([1], np.int64)
PER_LENGTH = 4
"""Series of each length that a graph is compared with torch on."""


class _Graph:
    """Nodes in the order in which they are computed; a value goes by its name, a constant is an array."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str | np.ndarray | np.generic, name: str = "", **attributes: Any) -> str:
        """The name of the output of one more node."""
        from onnx import helper

        output = name or f"{operator}_{len(self.nodes)}"
        names = [one if isinstance(one, str) else self._constant(np.asarray(one)) for one in inputs]
        self.nodes.append(helper.make_node(operator, names, [output], **attributes))
        return output

    def cast(self, value: str | np.ndarray, dtype: type[np.generic], name: str = "") -> str:
        from onnx import helper

        return self.add("Cast", value, name=name, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def _constant(self, array: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name


def build_onnx(bundle: Bundle, task: str) -> bytes:
    """The content of an `.onnx` file for one task.

    Its input is `series` (n, T) float32, in the units of the task's training series, NaN where padded or missing. Its
    outputs are `representations` (n, D), `decisions` (n, C), `probabilities` (n, C) if the classifier is calibrated,
    all float32, and `label` (n,) int64: an index into `labels` of the file's metadata, a JSON list.

    Raises:
        InputError: if there is no such task, or it has several channels, an encoder that is not a dilated one, or a
            classifier that is neither kernel ridge nor an SVM.
    """
    from onnx import TensorProto, helper

    known = bundle.task(task)
    encoder, reader = getattr(bundle.model.method, "encoder", None), known.reader
    if not isinstance(encoder, DilatedEncoder):
        method = display_name(bundle.trained_with)
        what = "a mixture of experts" if getattr(bundle.model.spec, "experts", 1) > 1 else f"method {method}"
        if bundle.model.spec.members > 1:
            what = "a mixture, which reads two encoders," if isinstance(reader, FittedMixture) else "an ensemble"
        raise InputError(f"{task}: {what} cannot be exported, only one dilated encoder can; use 'mtcs predict'.")
    if not isinstance(reader, FittedKernelRidge | FittedSVM):
        name = kind_of(reader).replace("_", " ")
        raise InputError(f"{task}: {name} cannot be exported, kernel ridge and svm can; use 'mtcs predict'.")
    if known.info.channels > 1:
        has = counted(known.info.channels, "channel")
        raise InputError(f"{task} has {has}, and only tasks of one can be exported; use 'mtcs predict'.")
    graph = _Graph()
    representations = _encode(graph, _scale(graph, known.info), encoder)
    width, n_classes = encoder.last.shortcut.out_features, len(reader.classes)
    values = _ridge(graph, representations, reader) if isinstance(reader, FittedKernelRidge) else None
    values = _votes(graph, representations, reader) if isinstance(reader, FittedSVM) else values
    assert values is not None
    graph.cast(values, np.float32, name="decisions")
    outputs = {"representations": ["n", width], "decisions": ["n", n_classes]}
    if known.calibration is not None:
        floor = known.calibration.floor
        sharpened = graph.add("Mul", values, np.float64(known.calibration.sharpness))
        scaled = graph.add("Mul", graph.add("Softmax", sharpened, axis=1), np.float64(1 - floor))
        graph.cast(graph.add("Add", scaled, np.float64(floor / n_classes)), np.float32, name="probabilities")
        outputs["probabilities"] = ["n", n_classes]
    complete = graph.add("Round", values) if isinstance(reader, FittedSVM) else values  # votes, ties to the first
    graph.add("ArgMax", complete, axis=1, keepdims=0, name="label")
    made = helper.make_graph(
        graph.nodes,
        "mtcs",
        [helper.make_tensor_value_info("series", TensorProto.FLOAT, ["n", "T"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
        + [helper.make_tensor_value_info("label", TensorProto.INT64, ["n"])],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION, producer_name="mtcs")
    model.producer_version = mtcs.__version__
    labels = [str(label) for label in known.labels[reader.classes].tolist()]
    helper.set_model_props(model, {"task": task, "labels": json.dumps(labels, ensure_ascii=False)})
    return model.SerializeToString()


@dataclass(frozen=True)
class Comparison:
    """How an exported graph and torch differ on `n` made-up series.

    difference: the largest of any representation's entry, relative to the largest entry.
    same_labels: how many series have the same label.
    """

    n: int
    difference: float
    same_labels: int


def compare_with_torch(content: bytes, bundle: Bundle, task: str) -> Comparison:
    """Run a graph of `build_onnx` in onnxruntime, and what it was made from in torch, both on the CPU in fp32.

    Series are noise of the task's mean and deviation, `PER_LENGTH` of each of a few lengths around those it was trained
    on. Of each length half are padded, and have a missing value where they are long enough.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()  # pyright: ignore[reportAttributeAccessIssue]  # of its compiled module
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    known, random = bundle.task(task), np.random.default_rng(0)
    reader, hardware = known.reader, choose_hardware("cpu", "fp32")
    assert isinstance(reader, FittedKernelRidge | FittedSVM)
    shortest, longest = known.lengths
    differences, same, n = [], 0, 0
    for length in sorted({shortest, (shortest + longest) // 2, longest, longest + 7}):
        series = random.normal(known.info.mean, known.info.std, (PER_LENGTH, length)).astype(np.float32)
        series[::2, 2 * length // 3 + 1 :] = np.nan
        series[::2, 1 : length // 3 : 5] = np.nan
        result, label = session.run(["representations", "label"], {"series": series})
        expected = bundle.encode(task, series, hardware).representations
        assert isinstance(result, np.ndarray)
        assert isinstance(label, np.ndarray)
        differences.append(float(np.abs(result - expected).max() / np.abs(expected).max()))
        same += int((reader.classes[label] == reader.predict(expected, 1)).sum())
        n += PER_LENGTH
    return Comparison(n, max(differences), same)


def _scale(graph: _Graph, info: TaskInfo) -> str:
    """`series` (n, T) z-normalised as the training series were; values that stand for missing ones are NaN."""
    series = "series"
    for fill in info.missing:
        series = graph.add("Where", graph.add("Equal", series, np.float32(fill)), _NAN, series)
    shifted = graph.add("Sub", graph.cast(series, np.float64), np.asarray(info.mean, np.float64))
    return graph.cast(graph.add("Div", shifted, np.asarray(info.std, np.float64)), np.float32)


def _encode(graph: _Graph, series: str, encoder: DilatedEncoder) -> str:
    """Representations (n, D) of series (n, T); inside, values are (n, C, T)."""
    present = graph.add("Not", graph.add("IsNaN", series))
    count = graph.cast(present, np.float32)
    begun = graph.add("Greater", graph.add("CumSum", count, np.int64(1)), _ZERO)
    goes_on = graph.add("Greater", graph.add("CumSum", count, np.int64(1), reverse=1), _ZERO)
    inside = graph.add("Unsqueeze", graph.cast(graph.add("And", begun, goes_on), np.float32), _CHANNEL)
    observed = graph.add("Unsqueeze", present, _CHANNEL)  # (n, 1, T)
    x = graph.add("Unsqueeze", graph.add("Where", present, series, _ZERO), _CHANNEL)
    if encoder.difference:
        x = graph.add("Concat", x, graph.add("Unsqueeze", _difference(graph, series), _CHANNEL), axis=1)
    x = graph.add("Conv", x, _array(encoder.projection.weight)[:, :, np.newaxis], _array(encoder.projection.bias))
    x = graph.add("Mul", x, graph.cast(observed, np.float32))  # (n, C, T)

    def block(x: str, first: Any, second: Any) -> str:
        hidden = graph.add("Mul", _convolve(graph, x, first), inside)
        return graph.add("Mul", _convolve(graph, hidden, second), inside)

    for layer in encoder.blocks:
        x = graph.add("Add", block(x, layer.first, layer.second), x)
    last, shortcut = encoder.last, encoder.last.shortcut
    y = graph.add("Conv", x, _array(shortcut.weight)[:, :, np.newaxis], _array(shortcut.bias))
    y = graph.add("Add", block(x, last.first, last.second), y)
    y = graph.add("Where", observed, y, np.float32(-np.inf))  # (n, D, T)
    return graph.add("ReduceMax", y, _TIME, keepdims=0, name="representations")


def _convolve(graph: _Graph, x: str, layer: DilatedConvolution) -> str:
    """GELU, then the dilated convolution: (n, C, T) -> (n, C', T)."""
    weight, d = _array(layer.weight).transpose(2, 1, 0), layer.dilation
    return graph.add("Conv", graph.add("Gelu", x), weight, _array(layer.bias), dilations=[d], pads=[d, d])


def _difference(graph: _Graph, series: str) -> str:
    """`mtcs.encoders.dilated.first_difference`: (n, T) -> (n, T)."""
    axis, begin, end = np.array([1], np.int64), np.array([0], np.int64), np.array([-1], np.int64)
    before = graph.add("Slice", series, begin, end, axis)
    before = graph.add("Pad", before, np.array([0, 1, 0, 0], np.int64), _NAN)
    steps = graph.add("Sub", series, before)
    known = graph.add("Not", graph.add("IsNaN", steps))
    steps = graph.add("Where", known, steps, _ZERO)
    count = graph.add("Max", graph.add("ReduceSum", graph.cast(known, np.float32), axis), np.float32(1))
    mean_square = graph.add("Div", graph.add("ReduceSumSquare", steps, axis), count)
    return graph.add("Div", steps, graph.add("Max", graph.add("Sqrt", mean_square), np.float32(1e-6)))


def _ridge(graph: _Graph, representations: str, reader: FittedKernelRidge) -> str:
    """Decisions (n, C) of kernel ridge, float64."""
    kernel = _kernel(graph, representations, reader.series, float(reader.gamma))
    return graph.add("Add", graph.add("MatMul", kernel, reader.coefficients), reader.intercepts)


def _votes(graph: _Graph, representations: str, reader: FittedSVM) -> str:
    """Decisions (n, C) of an SVM, float64: `mtcs.ops.svm_vote.decide`."""
    parts = [slice(start, end) for start, end in pairwise(np.cumsum([0, *reader.counts]))]
    pairs = list(combinations(range(len(parts)), 2))
    weights = np.zeros((len(reader.vectors), len(pairs)))
    first, second = np.zeros((2, len(pairs), len(parts)))
    for p, (a, b) in enumerate(pairs):
        weights[parts[a], p] = reader.multipliers[b - 1, parts[a]]
        weights[parts[b], p] = reader.multipliers[a, parts[b]]
        first[p, a] = second[p, b] = 1
    kernel = _kernel(graph, representations, reader.vectors, float(reader.gamma))
    values = graph.add("Add", graph.add("MatMul", kernel, weights), reader.intercepts)  # (n, P)
    wins = graph.cast(graph.add("Greater", values, np.float64(0)), np.float64)
    votes = graph.add("Add", graph.add("MatMul", wins, first - second), second.sum(0))  # the second wins else
    margins = graph.add("MatMul", values, first - second)
    bound = graph.add("Mul", graph.add("Add", graph.add("Abs", margins), np.float64(1)), np.float64(3))
    return graph.add("Add", votes, graph.add("Div", margins, bound))


def _kernel(graph: _Graph, representations: str, support: np.ndarray, gamma: float) -> str:
    """The RBF kernel (n, m) of representations (n, D) and support (m, D), float64."""
    x = graph.cast(representations, np.float64)
    product = graph.add("MatMul", graph.add("Mul", x, np.float64(2 * gamma)), graph.cast(support.T, np.float64))
    norms = graph.add("Mul", graph.add("ReduceSumSquare", x, np.array([1], np.int64)), np.float64(-gamma))
    exponent = graph.add("Add", graph.add("Add", product, norms), -gamma * np.square(support, dtype=np.float64).sum(1))
    return graph.add("Exp", graph.add("Min", exponent, np.float64(0)))


def _array(weight: Tensor) -> np.ndarray:
    return weight.detach().float().cpu().numpy()
