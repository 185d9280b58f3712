"""The examples do what they say, in an empty folder."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

import mtcs

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOK = EXAMPLES / "own_data.ipynb"


@pytest.mark.slow
def test_the_example_of_own_data_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "own_data.py")], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "sensors").iterdir()} == {"pumps.csv", "fans.csv", "valves.csv"}
    assert "accuracy" in done.stdout
    assert list(mtcs.load(tmp_path / "machines.mtcs").classes_) == ["fans", "pumps", "valves"]


def test_the_notebook_is_kept_without_outputs() -> None:
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.metadata
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NotebookNode]:
    """The executed cells of the notebook by their id; a cell that fails raises."""
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copy(EXAMPLES / "own_data.py", folder)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(folder / name))  # nothing of the user's, and nothing left behind
        NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(folder)}}).execute()
    return {cell.id: cell for cell in notebook.cells}


@pytest.mark.slow
def test_the_notebook_labels_better_than_the_most_frequent_label(cells) -> None:
    header, _, *rows = map(str.split, result(cells["scores"])["text/plain"].splitlines())
    assert [task for task, *_ in rows] == ["fans", "pumps", "valves"]
    for _, *values in rows:
        scores = dict(zip(header, map(float, values), strict=True))
        assert scores["most_frequent"] < scores["accuracy"] <= 1


@pytest.mark.slow
def test_progress_in_the_notebook_is_one_line_that_is_rewritten(cells) -> None:
    shown = "".join(output.text for output in cells["scores"].outputs if output.get("name") == "stderr")
    assert shown.count("\n") == 1
    assert shown.count("\r") == 4
    assert shown.split("\r")[-1].startswith("cross-validate: 3/3 trainings")


@pytest.mark.slow
def test_the_label_map_in_the_notebook_has_faults_and_healthy_states_apart(cells) -> None:
    shown = result(cells["labels"])["text/html"]
    assert "background-color" in shown
    values = re.findall(r'class="data row\d col\d" >([\d.]+)<', shown)
    affinity = np.array(values, dtype=float).reshape(6, 6)
    fault = np.array([False, True, False, True, True, False])  # fans, pumps and valves, labels in order
    alike = fault[:, None] == fault
    assert affinity[alike].min() > affinity[~alike].max()


@pytest.mark.slow
def test_the_model_that_the_notebook_keeps_predicts_the_same(cells) -> None:
    assert result(cells["save"])["text/plain"] == "True"


def result(cell: NotebookNode) -> dict[str, str]:
    """What the last line of a cell shows, by kind."""
    (shown,) = (output.data for output in cell.outputs if output.output_type == "execute_result")
    return shown
