"""params.yaml: what the repository's own says, and the one line that each kind of mistake gets."""

import re
import subprocess
import sys
import tracemalloc
from datetime import date
from pathlib import Path

import pytest
import yaml
from dvc.utils.serialize import loads_yaml, modify_yaml

from mtcs.cli import one_line
from mtcs.config.archive import published_sizes
from mtcs.config.experiment_file import read_experiment
from mtcs.config.parameter_file import read_yaml
from mtcs.errors import InputError

PARAMS = Path(__file__).parents[2] / "params.yaml"

TABLE_1 = {
    "Crop",
    "ElectricDevices",
    "StarLightCurves",
    "Wafer",
    "TwoPatterns",
    "ECG5000",
    "FordA",
    "UWaveGestureLibraryAll",
    "UWaveGestureLibraryX",
    "UWaveGestureLibraryY",
    "UWaveGestureLibraryZ",
    "FordB",
    "ChlorineConcentration",
    "NonInvasiveFetalECGThorax1",
    "NonInvasiveFetalECGThorax2",
}
SUITES = {
    "demo": {"ACSF1", "ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf", "PickupGestureWiimoteZ"},
    "ucr15": TABLE_1,
    "ucr12": TABLE_1 - {"StarLightCurves", "NonInvasiveFetalECGThorax1", "NonInvasiveFetalECGThorax2"},
    "ucr10": {
        "Lightning2",
        "Lightning7",
        "EOGHorizontalSignal",
        "EOGVerticalSignal",
        "Chinatown",
        "MelbournePedestrian",
        "SmallKitchenAppliances",
        "LargeKitchenAppliances",
        "Computers",
        "HouseTwenty",
    },
}

# The repository's params.yaml


def test_the_fixed_suites_hold_the_tasks_of_the_paper():
    suites = read_experiment(PARAMS).suites
    for name, tasks in SUITES.items():
        assert set(suites[name].tasks) == tasks
        assert suites[name].source == ("aeon" if name == "demo" else "archive")


def test_the_sizes_of_table_1_are_the_papers():
    sizes = published_sizes()
    assert sum(sizes[task].n_train for task in TABLE_1) == 34_514
    assert sum(sizes[task].n_classes for task in TABLE_1) == 168
    assert sum(-(-sizes[task].n_train // 32) for task in TABLE_1) == 1_084  # batches an epoch


def test_mtcs_and_mtl_have_the_papers_settings():
    experiment = read_experiment(PARAMS)
    mtcs, mtl = (experiment.method(name) for name in ("mtcs", "mtl"))
    published = {
        "kind": "multitask",
        "depth": 10,
        "hidden": 64,
        "output": 320,
        "threshold": 2.0,
        "classifier": "svm",
    }
    schedule = {"epochs": 5, "batch_size": 32, "learning_rate": 0.001}
    for spec, weight in ((mtcs, 0.1), (mtl, 0.0)):
        held = spec.model_dump()
        assert {name: held[name] for name in published} == published
        assert {name: held["schedule"][name] for name in schedule} == schedule
        assert spec.sharing_weight == weight
    assert mtl == mtcs.model_copy(update={"sharing_weight": 0.0}), "they differ in sharing alone"
    assert {"mtcs", "mtl"} <= set(experiment.joint)


def test_the_svm_has_the_published_grid():
    svm = read_experiment(PARAMS).classifiers["svm"]
    assert (1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1e3, 1e4, float("inf")) == svm.C
    assert (svm.folds, svm.max_train, svm.max_iter) == (5, 10_000, 10_000_000)


def test_a_reading_has_the_seeds_and_parameters_of_its_method():
    experiment = read_experiment(PARAMS)
    ridge = {name: one for name, one in experiment.readings.items() if one.classifier == "ridge"}
    for name, reading in ridge.items():
        assert name == f"{reading.representations_of}_{reading.classifier}"
        assert experiment.seeds_of(name) == experiment.seeds_of(reading.representations_of)
        run = experiment.run("ucr10", name, 0)
        assert (run.reads, run.joint) == (reading.representations_of, reading.representations_of in experiment.joint)
        ours, theirs = experiment.parameters(name), experiment.parameters(reading.representations_of)
        assert ours.pop("classifier") != theirs.pop("classifier")
        assert ours == theirs
    vectors = [
        name
        for name in (*experiment.joint, *experiment.single_task)
        if experiment.methods[name].kind not in ("dtw", "series")
    ]
    assert [reading.representations_of for reading in ridge.values()] == vectors


# Mistakes


def valid() -> dict:
    schedule = {"epochs": 1, "batch_size": 4, "learning_rate": 0.01}
    return {
        "suites": {"one": {"tasks": ["A", "B"]}},
        "seeds": [0, 1],
        "joint": ["mtcs"],
        "single_task": [],
        "methods": {
            "mtcs": {"kind": "multitask", "sharing_weight": 0.1, "schedule": schedule, "classifier": "svm"},
            "unused": {"kind": "multitask", "sharing_weight": 0, "schedule": schedule, "classifier": "svm"},
        },
        "classifiers": {"svm": {"kind": "svm", "C": [1.0]}},
    }


def copied(value):
    """Without parts in common, which YAML would write as aliases."""
    if isinstance(value, dict):
        return {key: copied(part) for key, part in value.items()}
    return [copied(part) for part in value] if isinstance(value, list) else value


def write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(copied(content)))
    return path


MISTAKES = [
    (("seeds",), [], "seeds: Tuple should have at least 1 item after validation, not 0 (is [])"),
    (("seeds",), [0, 1, 0], "seeds: 0 stands there twice"),
    (("seeds",), [-1], "seeds.0: Input should be greater than or equal to 0 (is -1)"),
    (("seeds",), [2**32], "seeds.0: Input should be less than 4294967296 (is 4294967296)"),
    (("joint",), ["mtcs", "mtcs"], "joint, single_task, ablation and readings: mtcs stands there twice"),
    (("single_task",), ["mtcs"], "joint, single_task, ablation and readings: mtcs stands there twice"),
    (
        ("single_task",),
        ["MTCS"],
        "joint, single_task, ablation and readings: mtcs and MTCS differ in capitals or dashes alone",
    ),
    (("readings",), {"mtcs": {"representations_of": "mtcs", "classifier": "svm"}}, "readings: mtcs stands there twice"),
    (
        ("readings",),
        {"again": {"representations_of": "mtcs", "classifier": "svm", "held_out": 0.2}},
        "readings.again.held_out: is 0.2 with a classifier of kind svm; a share above 0 and kind mixture go together",
    ),
    (
        ("classifiers", "svm"),
        {"kind": "mixture", "transforms": ["hydra"], "weights": [0]},
        "methods.mtcs.classifier: a mixture is for readings, which hold series out for it",
    ),
    (
        ("classifiers", "svm"),
        {"kind": "random_kernels", "transforms": ["hydra"]},
        "methods.mtcs.classifier: svm is of kind random_kernels, expected one that reads representations "
        "with multitask",
    ),
    (
        ("classifiers", "svm"),
        {"kind": "random_kernels", "transforms": ["hydra", "hydra"]},
        "classifiers.svm.transforms: expected each transform once",
    ),
    (
        ("classifiers", "svm"),
        {"kind": "mixture", "transforms": ["hydra", "hydra"], "weights": [0]},
        "classifiers.svm.transforms: expected each transform once",
    ),
    (("classifiers", "svm"), {"kind": "random_kernels", "transforms": ["rocket"]}, "svm.transforms.0: Input should be"),
    (
        ("readings",),
        {"again": {"representations_of": "unknown", "classifier": "svm"}},
        "readings.again.representations_of: unknown is not among methods (mtcs, unused)",
    ),
    (
        ("readings",),
        {"again": {"representations_of": "mtcs", "classifier": "tree"}},
        "readings.again.classifier: tree is not among classifiers (svm)",
    ),
    (("joint",), [], "joint and single_task: both are empty, expected at least one method"),
    (
        ("methods", "mtcs"),
        {"kind": "dtw", "classifier": "svm"},
        "methods.mtcs.kind: dtw trains no model that tasks share; list mtcs under single_task",
    ),
    (("single_task",), ["ts3vec"], "joint, single_task and ablation: ts3vec is not among methods (mtcs, unused)"),
    (("suites",), {}, "suites: is empty, expected at least one suite"),
    (("suites", "one", "tasks"), [], "suites.one.tasks: Tuple should have at least 1 item after validation, not 0"),
    (("suites", "one", "tasks"), ["A", "B", "A"], "suites.one.tasks: A stands there twice"),
    (("suites", "one", "tasks"), ["../A"], "suites.one.tasks.0: String should match pattern"),
    (("suites", "one", "tasks"), ["joint"], "suites.one.tasks.0: is what the files of joint models are named"),
    (("suites", "one", "source"), "web", "suites.one.source: Input should be 'archive' or 'aeon' (is 'web')"),
    (("suites", "one", "size"), 3, "suites.one.size: Extra inputs are not permitted (is 3)"),
    (("suites", "a/b"), {"tasks": ["A"]}, "suites.a/b.[key]: String should match pattern"),
    (("extra",), 1, "extra: Extra inputs are not permitted (is 1)"),
    (("methods", "mtcs", "alpha"), 1, "alpha: Extra inputs are not permitted (is 1)"),
    (("methods", "mtcs", "depth"), 0, "depth: Input should be greater than or equal to 1 (is 0)"),
    (("methods", "mtcs", "depth"), "deep", "depth: Input should be a valid integer"),
    (("methods", "mtcs", "sharing_weight"), -1, "sharing_weight: Input should be greater than or equal to 0 (is -1)"),
    (("methods", "mtcs", "reduction"), "max", "reduction: Input should be 'mean' or 'sum' (is 'max')"),
    (("methods", "mtcs", "kind"), "multi", "'multitask'"),
    (
        ("methods", "mtcs", "schedule", "epochs"),
        0,
        "schedule.epochs: Input should be greater than or equal to 1 (is 0)",
    ),
    (("methods", "mtcs", "schedule", "learning_rate"), 0, "schedule.learning_rate: Input should be greater than 0"),
    (("methods", "mtcs", "classifier"), "svn", "methods.mtcs.classifier: svn is not among classifiers (svm)"),
    (("classifiers", "svm", "C"), [0], "classifiers.svm.C.0: Input should be greater than 0 (is 0)"),
    (("classifiers", "svm", "folds"), 1, "classifiers.svm.folds: Input should be greater than or equal to 2 (is 1)"),
]


@pytest.mark.parametrize(("where", "value", "message"), MISTAKES, ids=lambda part: str(part)[:40])
def test_a_mistake_is_named_in_one_line(tmp_path, where, value, message):
    content = valid()
    inner = content
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    path = write(tmp_path, content)
    with pytest.raises(InputError) as error:
        read_experiment(path)
    said = str(error.value)
    assert said.startswith(f"{path}: ")
    assert message in said
    assert said.endswith(".")
    assert "\n" not in said


def test_dtw_needs_a_nearest_neighbour(tmp_path):
    content = valid()
    content["methods"]["dtw"] = {"kind": "dtw", "classifier": "svm"}
    content["single_task"] = ["dtw"]
    message = r"methods\.dtw\.classifier: svm is of kind svm, expected one that reads series with dtw\.$"
    with pytest.raises(InputError, match=message):
        read_experiment(write(tmp_path, content))
    content["classifiers"]["nearest"] = {"kind": "nearest_neighbour"}
    content["methods"]["dtw"]["classifier"] = "nearest"
    assert read_experiment(write(tmp_path, content)).single_task == ("dtw",)


def test_parameters_are_read_without_torch():
    code = "import sys; from pathlib import Path; from mtcs.config.experiment_file import read_experiment; "
    code += f"read_experiment(Path({str(PARAMS)!r})); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numba", "sklearn", "pandas", "aeon", "dvc", "prefect"} & set(said)


@pytest.mark.parametrize("section", ["suites", "seeds", "joint", "single_task", "methods", "classifiers"])
def test_a_missing_section_is_named(tmp_path, section):
    content = valid()
    del content[section]
    path = write(tmp_path, content)
    with pytest.raises(InputError) as error:
        read_experiment(path)
    assert str(error.value) == f"{path}: {section}: Field required."


def test_several_mistakes_are_counted(tmp_path):
    path = write(tmp_path, valid() | {"seeds": [], "extra": 1})
    with pytest.raises(InputError, match=r"; and 1 more\.$"):
        read_experiment(path)


def test_a_misspelt_parameter_is_named_before_the_one_that_is_missing(tmp_path):
    text = PARAMS.read_text("utf-8").replace("    sharing_weight: 0.1", "    sharing_wieght: 0.1", 1)
    (tmp_path / "params.yaml").write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"methods\.mtcs\.sharing_wieght: Extra inputs are not permitted \(is 0\.1\)"):
        read_experiment(tmp_path / "params.yaml")


def test_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "params.yaml"
    with pytest.raises(InputError) as error:
        read_experiment(path)
    assert str(error.value) == f"{path} does not exist; run mtcs in the folder that holds params.yaml."


def test_a_file_that_is_not_yaml(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("suites: {one: [}\n")
    with pytest.raises(InputError, match="line 1: did not find expected node content") as error:
        read_experiment(path)
    assert "line 1" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_key_that_stands_twice_is_refused(tmp_path):
    """YAML would keep the last one."""
    path = write(tmp_path, valid())
    path.write_text(path.read_text() + "seeds: [7]\n")
    lines = len(path.read_text().splitlines())
    with pytest.raises(InputError) as error:
        read_experiment(path)
    assert str(error.value) == f'{path}: line {lines}: found duplicate key "seeds".'


def test_a_block_may_take_over_another(tmp_path):
    path = write(tmp_path, valid() | {"joint": [], "methods": {}})
    text = path.read_text().replace("joint: []", "joint: [short, long]").replace("methods: {}", "methods:")
    short = (
        "  short: &short {kind: multitask, sharing_weight: 0, classifier: svm, depth: 2, schedule: &brief {SCHEDULE}}"
    )
    long = "  long: {<<: *short, depth: 3, schedule: {<<: *brief, epochs: 9}}"
    blocks = f"methods:\n{short}\n{long}".replace("SCHEDULE", "epochs: 1, batch_size: 4, learning_rate: 0.1")
    path.write_text(text.replace("methods:", blocks))
    methods = read_experiment(path).methods
    assert (methods["short"].depth, methods["long"].depth) == (2, 3)
    assert (methods["short"].schedule.epochs, methods["long"].schedule.epochs) == (1, 9)
    assert methods["long"].schedule.batch_size == 4


@pytest.mark.parametrize("levels", [6, 9, 30])
def test_aliases_that_repeat_too_much_are_refused_before_they_are_expanded(tmp_path, levels):
    path = tmp_path / "params.yaml"
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels)]
    path.write_text("\n".join(lines) + "\n")
    tracemalloc.start()
    with pytest.raises(InputError, match=r"aliases repeat more than 100,000 values; of a method, write 'like: NAME'"):
        read_experiment(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_an_alias_of_what_it_stands_in_is_refused(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("suites: &all\n  one: *all\n")
    with pytest.raises(InputError, match="line 2: an alias repeats itself"):
        read_experiment(path)


def test_names_of_the_version_before_are_read(tmp_path):
    content = valid() | {"single_task": ["ts2vec"], "alone": ["tnc"], "seeds_alone": [4]}
    schedule = {"steps": 1, "batch_size": 4, "learning_rate": 0.01}
    content["methods"]["tnc"] = {"kind": "tnc", "parts": 3, "longest": 50, "schedule": schedule, "classifier": "svm"}
    content["classifiers"] = {"svm": {"kind": "svm", "costs": [2.0]}}
    experiment = read_experiment(write(tmp_path, content))
    assert (experiment.single_task, experiment.seeds_single_task) == (("tnc",), (4,))
    tnc = experiment.methods["tnc"]
    assert (tnc.windows_per_series, tnc.max_window, experiment.classifiers["svm"].C) == (3, 50, (2.0,))


def test_a_suite_may_have_methods_and_seeds_of_its_own(tmp_path):
    content = valid() | {"single_task": ["unused"], "seeds": [0, 1]}
    content["suites"]["one"] |= {"methods": ["unused"], "seeds": [5]}
    content["suites"]["two"] = {"tasks": ["B"]}
    experiment = read_experiment(write(tmp_path, content))
    assert (experiment.methods_of("one"), experiment.methods_of("two")) == (("unused",), ("mtcs", "unused"))
    assert (experiment.seeds_of("unused", "one"), experiment.seeds_of("unused", "two")) == ((5,), (0, 1))
    content["suites"]["one"]["methods"] = ["ts3vec"]
    with pytest.raises(InputError, match=r"suites\.one\.methods: ts3vec is not run \(which are mtcs, unused\)\.$"):
        read_experiment(write(tmp_path, content))


@pytest.mark.parametrize(
    ("rule", "tasks"),
    [
        ({"type": ["ECG"], "max_train": 100}, ["ECG200", "ECGFiveDays", "TwoLeadECG"]),
        ({"type": ["Device"], "max_length": 800, "min_train": 300, "without": ["ElectricDevices", "ScreenType"]},
         ["LargeKitchenAppliances", "RefrigerationDevices", "SmallKitchenAppliances"]),
    ],
)  # fmt: skip
def test_a_suite_may_be_chosen_by_a_rule(tmp_path, rule, tasks):
    content = valid()
    content["suites"]["one"]["tasks"] = rule
    assert read_experiment(write(tmp_path, content)).suites["one"].tasks == tuple(tasks)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"type": ["ECGs"]}, "suites.one.tasks: ECGs is no type of the archive \\(Device, ECG, "),
        ({"without": ["Crops"]}, "suites.one.tasks: Crops is no task of the archive"),
        ({"max_train": 3}, "suites.one.tasks: no task of the archive fits"),
        ({"size": 3}, "suites.one.tasks.*size"),
        ("every", "suites.one.tasks: "),
    ],
)
def test_a_rule_that_chooses_nothing_says_why(tmp_path, rule, message):
    content = valid()
    content["suites"]["one"]["tasks"] = rule
    with pytest.raises(InputError, match=message):
        read_experiment(write(tmp_path, content))


def test_the_archive_is_a_suite_of_all_its_tasks():
    assert len(set(read_experiment(PARAMS).suites["archive"].tasks)) == 128
    assert len(set(read_experiment(PARAMS).suites["archive91"].tasks)) == 91


def test_a_mistake_that_variants_take_over_is_counted_once(tmp_path):
    content = valid()
    name = next(iter(content["methods"]))
    content["methods"][name]["threshhold"] = 2.0
    content["methods"] |= {"second": {"like": name}, "third": {"like": name}}
    with pytest.raises(InputError, match=r"threshhold: Extra inputs are not permitted \(is 2\.0\)\.$"):
        read_experiment(write(tmp_path, content))


def test_a_suite_may_be_like_another_with_few_labels(tmp_path):
    content = valid()
    content["suites"]["few"] = {"like": "one", "labels_per_class": 5}
    content["suites"]["again"] = {"like": "few", "draw": 1}
    suites = read_experiment(write(tmp_path, content)).suites
    assert {name: (one.tasks, one.labels_per_class, one.draw) for name, one in suites.items()} == {
        "one": (("A", "B"), None, None), "few": (("A", "B"), 5, None), "again": (("A", "B"), 5, 1),
    }  # fmt: skip
    known = read_experiment(write(tmp_path, content))
    assert known.with_fewer_labels("one") == {"few": 5, "again": 5}
    assert known.with_fewer_labels("few") == {}
    content["suites"]["twice"], content["suites"]["five"] = {"like": "again"}, {"like": "few", "labels_per_class": 4}
    known = read_experiment(write(tmp_path, content))
    assert known.with_fewer_labels("one") == {"few": 5, "again": 5, "five": 4}, "a draw that is there counts once"
    assert known.with_fewer_labels("few") == {"five": 4}
    del content["suites"]["twice"], content["suites"]["five"]
    content["suites"]["other"] = {"like": "one", "missing": [-9], "labels_per_class": 3}
    assert "other" not in read_experiment(write(tmp_path, content)).with_fewer_labels("one")
    del content["suites"]["other"]
    content["suites"]["again"] = {"like": "none"}
    with pytest.raises(InputError, match=r"again\.like: 'none' is not among suites \(again, few, one\)"):
        read_experiment(write(tmp_path, content))
    content["suites"]["again"] = {"like": "one", "draw": 1}
    with pytest.raises(
        InputError, match=r"suites\.again: draw is 1, but all series are kept; say labels_per_class, too"
    ):
        read_experiment(write(tmp_path, content))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"), ("1:30", "1:30"), ("012", 12), ("0o12", 10), ("0x1F", 31), ("1_000", 1000),
        ("true", True), ("12", 12), ("-3", -3), ("1e-4", 1e-4), ("1.5", 1.5), (".inf", float("inf")), ("~", None),
        ("2001-01-01", date(2001, 1, 1)),
    ],
)  # fmt: skip
def test_values_are_those_of_yaml_1_2_and_of_dvc(text, value):
    for result in (read_yaml(f"a: {text}"), loads_yaml(f"a: {text}")):
        assert (type(result["a"]), result["a"]) == (type(value), value)


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("methods", "mtcs", "depth"), True, "depth is true, expected a number"),
        (("methods", "mtcs", "schedule", "epochs"), False, "epochs is false, expected a number"),
        (("methods", "mtcs", "hidden"), 2**63, "hidden is a whole number of more than 2^53"),
        (("methods", "mtcs", "hidden"), 10**9, "hidden: Input should be less than or equal to 65536"),
        (("suites", "one", "tasks"), ["A", "a"], "suites.one.tasks: A and a differ in capitals alone"),
        (("suites", "ONE"), {"tasks": ["A"]}, "suites: ONE and one differ in capitals alone, one file on macOS"),
        (("suites", "x" * 300), {"tasks": ["A"]}, "String should have at most 100 characters"),
        (("suites", "one", "source"), "w" * 5000, "(is 'wwww"),
        (("suites", "two\nlines"), {"tasks": ["A"]}, "String should match pattern"),
    ],
)
def test_values_without_bound_are_refused_in_a_short_line(tmp_path, where, value, message):
    content = valid()
    inner = content
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    with pytest.raises(InputError) as error:
        read_experiment(write(tmp_path, content))
    said = one_line(str(error.value))
    assert message in said
    assert len(said) <= 400
    assert said.isprintable()


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("methods", "mtcs", "depth"), "012", "methods.mtcs.depth is '012', text; expected a number, without"),
        (("methods", "mtcs", "schedule", "epochs"), "3", "methods.mtcs.schedule.epochs is '3', text"),
        (("methods", "mtcs", "schedule", "average"), "no", "is 'no', text; expected true or false, without"),
        (("classifiers", "svm", "C"), [1, "inf"], "classifiers.svm.C.1 is 'inf', text; expected a number"),
        (("suites", "one", "missing"), ["-9999"], "suites.one.missing.0 is '-9999', text"),
        (("seeds",), ["0"], "seeds.0 is '0', text"),
        (("seeds",), [True], "seeds.0 is true, expected a number"),
        (("classifiers", "svm", "C"), [True, 10], "classifiers.svm.C.0 is true, expected a number"),
        (("suites", "one", "missing"), [False], "suites.one.missing.0 is false, expected a number"),
        (("suites", "one", "labels_per_class"), True, "suites.one.labels_per_class is true, expected a number"),
    ],
)
def test_a_word_is_no_number(tmp_path, where, value, message):
    content = valid()
    inner = content
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    with pytest.raises(InputError, match=re.escape(message)):
        read_experiment(write(tmp_path, content))


@pytest.mark.parametrize("where", ["methods: {mtcs: {kind: multitask, depth: %s}}", "suites: {one: {tasks: [%s]}}"])
def test_a_number_of_many_digits_is_one_line(tmp_path, where):
    path = tmp_path / "params.yaml"
    path.write_text(where % f"0x{'f' * 9000}" + "\n")
    with pytest.raises(InputError) as error:
        read_experiment(path)
    assert len(str(error.value)) < 400 and "\n" not in str(error.value)


def test_text_is_no_number_of_a_rule(tmp_path):
    content = valid()
    content["suites"]["one"]["tasks"] = {"max_train": "500"}
    with pytest.raises(InputError, match=r"suites\.one.*valid integer"):
        read_experiment(write(tmp_path, content))


def test_a_whole_number_may_be_written_as_1e1(tmp_path):
    content = valid()
    content["methods"]["mtcs"]["schedule"]["epochs"] = 1e1
    assert read_experiment(write(tmp_path, content)).methods["mtcs"].schedule.epochs == 10


@pytest.mark.parametrize("letter", ["\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("text", ["a: 1\nb: 2{}c: 3\n", "a: 1\n# a comment{}b: 2\n", 'a: "x{}y"\n'])
def test_what_ends_a_line_for_some_programs_only_does_so_as_for_dvc(text, letter):
    text = text.format(letter)
    assert read_yaml(text) == loads_yaml(text)


@pytest.mark.parametrize(("encoding", "line"), [("utf-16", 1), ("latin-1", 2)])
def test_a_file_in_another_encoding_is_to_be_saved_as_utf_8(tmp_path, encoding, line):
    path = tmp_path / "params.yaml"
    path.write_text("suites:\n  größe: {tasks: [A]}\n", encoding=encoding)
    with pytest.raises(InputError, match=rf"params\.yaml, line {line} is not UTF-8; save it as UTF-8\.$"):
        read_experiment(path)


def test_a_file_that_is_nested_too_deeply(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: " + "[" * 200_000)
    with pytest.raises(InputError, match="line 1: nested more than 100 deep"):
        read_experiment(path)


@pytest.mark.parametrize("value", ["2001-02-30", "0x_", "!!bool maybe", "!!int ''", "9" * 5000, "{[{}]: 1}"])
def test_a_malformed_value(tmp_path, value):
    path = tmp_path / "params.yaml"
    path.write_text(f"seeds: {value}\n")
    with pytest.raises(InputError, match=r"params\.yaml is not YAML: a value is malformed: "):
        read_experiment(path)


@pytest.mark.parametrize("where", [("methods", "mtcs", "depth"), ("suites", "one", "tasks"), ("seeds",)])
def test_a_date_is_named_as_one(tmp_path, where):
    content = valid()
    inner = content
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = date(2001, 1, 1) if where[-1] == "depth" else [date(2001, 1, 1)]
    with pytest.raises(InputError, match=r" \(is the date 2001-01-01; in quotes it is text\)(; and 1 more)?\.$"):
        read_experiment(write(tmp_path, content))


def test_dvc_sets_a_parameter_of_the_repositorys_own_file(tmp_path):
    """As `dvc exp run -S` does: one method changes, and those that are like it, no other.

    Below an anchor it would set nothing, or another method, too.
    """
    assert not [event for event in yaml.parse(PARAMS.read_text()) if getattr(event, "anchor", None)]
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS.read_text())
    before = read_experiment(path).methods
    with modify_yaml(str(path)) as values:
        values["methods"]["mtcs"]["schedule"]["epochs"] = 7
    after = read_experiment(path).methods
    changed = {name for name in before if before[name] != after[name]}
    beyond = {"mtcs_difference", "mtcs_covariance", "mtcs_random_pairs", "mtcs_partners_3"}
    variants = {"mtcs_alpha_001", "mtcs_alpha_1", "mtcs_tau_1", "mtcs_tau_4", "mtcs_sum"}
    assert changed == {"mtcs", "mtl", "mmoe", *variants, *beyond}
    assert after["mtl"].schedule.epochs == 7


def test_an_empty_file(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("")
    with pytest.raises(InputError, match="is empty; write it as the one of the project") as error:
        read_experiment(path)
    assert "\n" not in str(error.value)


# Names


def test_unknown_names_are_answered_with_the_known_ones(tmp_path):
    experiment = read_experiment(write(tmp_path, valid()))
    assert experiment.suite("one").tasks == ("A", "B")
    with pytest.raises(InputError) as error:
        experiment.suite("two")
    assert str(error.value) == "Unknown suite two; params.yaml has one."
    with pytest.raises(InputError) as error:
        experiment.method("ts3vec")
    assert str(error.value) == "Unknown method ts3vec; params.yaml runs mtcs."
    with pytest.raises(InputError) as error:
        experiment.method("unused")
    assert str(error.value) == ("unused is under methods, but not in joint, single_task or ablation; add it to one.")


def test_joint_methods_come_first_and_each_has_its_seeds(tmp_path):
    experiment = read_experiment(write(tmp_path, valid() | {"single_task": ["unused"], "seeds_single_task": [7]}))
    assert experiment.known == ("mtcs", "unused")
    assert (experiment.seeds_of("mtcs"), experiment.seeds_of("unused")) == ((0, 1), (7,))


def test_seeds_of_single_task_methods_are_those_of_joint_ones_unless_given(tmp_path):
    experiment = read_experiment(write(tmp_path, valid() | {"single_task": ["unused"]}))
    assert experiment.seeds_of("unused") == (0, 1)


def test_a_run_knows_its_parameters_and_its_tasks(tmp_path):
    experiment = read_experiment(write(tmp_path, valid() | {"single_task": ["unused"]}))
    run = experiment.run("one", "unused", 3)
    assert (run.spec, run.tasks, run.joint) == (experiment.methods["unused"], ("A", "B"), False)
    assert run.scopes == ("A", "B")
    assert experiment.run("one", "mtcs", 0).scopes == (None,)
    with pytest.raises(InputError, match=r"^Unknown suite two; params.yaml has one\.$"):
        experiment.run("two", "mtcs", 0)


def test_a_title_is_the_methods_name_unless_given(tmp_path):
    experiment = read_experiment(write(tmp_path, valid() | {"titles": {"mtcs": "MTCS"}, "ablation": ["unused"]}))
    assert (experiment.title("mtcs"), experiment.title("unused")) == ("MTCS", "unused")
    with pytest.raises(InputError, match=r"titles: mtl is not among methods \(mtcs, unused\) or readings\.$"):
        read_experiment(write(tmp_path, valid() | {"titles": {"mtl": "MTL"}}))
    for title, other in (("MTCS", "mtcs"), ("Task", "a column of reports")):
        titles = {"mtcs": "mtcs", "unused": title}
        with pytest.raises(
            InputError, match=rf"titles\.unused: {title} is what reports call {other}; take another title"
        ):
            read_experiment(write(tmp_path, valid() | {"titles": titles, "ablation": ["unused"]}))


# Variants


def test_a_variant_is_like_another_method_but_for_what_it_says(tmp_path):
    content = valid() | {"ablation": ["longer", "wider"]}
    content["methods"]["longer"] = {"like": "mtcs", "schedule": {"epochs": 9}}
    content["methods"]["wider"] = {"like": "longer", "hidden": 128}
    methods = read_experiment(write(tmp_path, content)).methods
    assert methods["longer"].schedule == methods["mtcs"].schedule.model_copy(update={"epochs": 9})
    assert methods["longer"].sharing_weight == 0.1
    assert methods["wider"] == methods["longer"].model_copy(update={"hidden": 128})


@pytest.mark.parametrize(
    ("likes", "message"),
    [
        ({"a": "b"}, "methods: a.like: 'b' is not among methods"),
        ({"a": 3}, "methods: a.like: 3 is not among methods"),
        ({"a": "a"}, "methods: a.like: a is itself like a"),
        ({"a": "b", "b": "a"}, "b.like: a is itself like b"),
    ],
)
def test_a_variant_of_nothing_is_told(tmp_path, likes, message):
    content = valid()
    content["methods"] |= {name: {"like": other} for name, other in likes.items()}
    with pytest.raises(InputError) as error:
        read_experiment(write(tmp_path, content))
    assert message in str(error.value)


def test_readings_of_methods_that_are_not_run_are_not_run_either(tmp_path):
    content = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
    content |= {"joint": ["mtcs"], "single_task": [], "ablation": []}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    experiment = read_experiment(tmp_path / "params.yaml")
    assert experiment.known == ("mtcs", "mtcs_ridge")
    assert experiment.mixtures == ()
    with pytest.raises(InputError, match=r"Unknown method mtl_ridge; params\.yaml runs mtcs, mtcs_ridge"):
        experiment.method("mtl_ridge")
