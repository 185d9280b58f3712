"""The flow `reproduce` against a real Prefect API, on a small pipeline whose stages are quick."""

from __future__ import annotations

import base64
import copy
import logging
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.sorting import TaskRunSort

from flows import artifacts as made_artifacts
from flows import pipeline
from flows import stage as stages
from flows.artifacts import page_content, show_report
from flows.flow import reproduce
from flows.graph import Graph
from flows.reproduce import main
from flows.request import check_request, parse_request
from flows.workspace import claimed
from mtcs.errors import InputError
from mtcs.layout import Layout

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # DVC's, of pygtrie

ALL = {
    *("download@one", "train@one-mtl-0", "train@one-mtl-1", "report@one"),
    *("download@two", "train@two-mtl-0", "train@two-mtl-1", "report@two"),
}
ONE = {name for name in ALL if "two" not in name}


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """Further attempts come at once."""
    for name, policy in stages.POLICIES.items():
        monkeypatch.setitem(stages.POLICIES, name, policy._replace(delays=lambda retries: [0.1] * retries))


def run(**parameters: Any) -> tuple[Any, dict[str, Any]]:
    """The final state of a run, and its task runs by name."""
    state = reproduce(**parameters, return_state=True)
    return state, task_runs(state.state_details.flow_run_id)


def task_runs(flow_run: UUID) -> dict[str, Any]:
    """By name. The server writes them down from events, a moment after the run itself."""
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run]))
    runs, before = [], None
    with get_client(sync_client=True) as client:
        for _ in range(50):
            runs = client.read_task_runs(flow_run_filter=wanted, sort=TaskRunSort.NAME_ASC, limit=200)
            now = [(one.name, one.state_name) for one in runs]
            if now == before and all(one.state is not None and one.state.is_final() for one in runs):
                break
            before = now
            time.sleep(0.2)
    return {one.name: one for one in runs}


def artifacts(server: str, flow_run: UUID) -> dict[str, Any]:
    """Artifacts of a run by key."""
    wanted = {"artifacts": {"flow_run_id": {"any_": [str(flow_run)]}}}
    return {one["key"]: one for one in httpx.post(f"{server}/artifacts/filter", json=wanted).json()}


def states(tasks: dict[str, Any]) -> dict[str, str]:
    return {name: one.state_name for name, one in tasks.items()}


def test_run_then_nothing_to_do(workspace, server, tmp_path):
    twin = tmp_path / "twin"
    shutil.copytree(workspace.root, twin)
    state, tasks = run(workers=2)
    assert state.is_completed()
    assert states(tasks) == dict.fromkeys(ALL, "Completed")
    needed = {entry.id for entry in tasks["report@one"].task_inputs["wait_for"]}
    assert needed == {tasks["train@one-mtl-0"].id, tasks["train@one-mtl-1"].id}

    made = artifacts(server, state.state_details.flow_run_id)
    assert "| task | MTL |" in made["accuracy-one"]["data"]
    link = re.search(r"\[The whole report\]\(/artifacts/artifact/(.*?)\)", made["accuracy-one"]["data"])
    assert link
    report = httpx.get(f"{server}/artifacts/{link[1]}").json()
    assert (report["key"], report["data"]) == (
        "report-one",
        page_content((workspace.root / "reports/one/report.html").read_text()),
    )
    assert "file:" not in made["accuracy-one"]["data"]
    assert "](data:image/svg+xml;base64," in made["accuracy-two"]["data"]

    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro"],
        cwd=twin,
        env=workspace.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "report@two" in done.stdout
    assert workspace.lock() == yaml.safe_load((twin / "dvc.lock").read_text())

    count = len(workspace.started())
    state, tasks = run(workers=2)
    assert states(tasks) == dict.fromkeys(ALL, "Cached")
    assert len(workspace.started()) == count == len(ALL)
    again = artifacts(server, state.state_details.flow_run_id)
    assert set(again) == {"accuracy-one", "accuracy-two"}, "reports as they were are not stored again"
    assert again["accuracy-one"]["data"] == made["accuracy-one"]["data"], "whose link leads to the first run's"


def test_a_transfer_that_fails_twice(workspace):
    workspace.before(
        "download",
        """
        echo x >> "tries-$2"
        if [ $(wc -l < "tries-$2") -lt 3 ]; then
          echo "mtcs: A: http://archive/A.zip failed 5 times (at last: HTTP 503 Busy); try again later, or do X." >&2
          exit 1
        fi
        """,
    )
    state, tasks = run(suites=["one"], seeds=[0])
    assert state.is_completed()
    assert states(tasks) == {"download@one": "Completed", "train@one-mtl-0": "Completed"}
    assert tasks["download@one"].run_count == 3
    assert workspace.started().count("download one") == 3


def test_the_message_of_a_broken_transfer_is_that_of_mtcs():
    from mtcs.data import sources

    assert sources.ATTEMPTS > 1
    text = Path(sources.__file__).read_text()
    assert "failed {ATTEMPTS} times (at last: {failure}); try again later, or {_WAY_OUT}." in text
    assert stages._TRANSFER_FAILED.match(
        "mtcs: A: http://a/A.zip failed 5 times (at last: timed out); try again later, or"
    )


@pytest.mark.parametrize(
    ("stage", "code", "reason"),
    [
        ("download", 1, "work"),
        pytest.param("download", 2, "mistake", marks=pytest.mark.slow),
        pytest.param("train", 2, "mistake", marks=pytest.mark.slow),
    ],
)
def test_what_would_fail_again_is_not_tried_again(workspace, caplog, stage, code, reason):
    workspace.before(stage, f"echo 'mtcs: A is wrong; correct it.' >&2; exit {code}")
    state, tasks = run(suites=["one"], seeds=[0])
    failed = "download@one" if stage == "download" else "train@one-mtl-0"
    assert state.is_failed()
    assert states(tasks)[failed] == "Failed"
    assert tasks[failed].run_count == 1
    assert len([line for line in workspace.started() if line.startswith(stage)]) == 1
    log = next((workspace.root / ".flows/logs").glob(f"*/{failed}.log"))
    assert state.message == (
        f"{failed} failed ({reason}): A is wrong; correct it. [mtcs {workspace.started()[-1]}; log: {log}] "
        f"{'1 that need it did not run. ' if stage == 'download' else ''}"
        "Correct the cause and start the same run again: it continues where this one ended."
    )
    assert "mtcs: A is wrong; correct it." in log.read_text().splitlines()
    assert "Traceback" not in caplog.text
    assert caplog.text.count(state.message) == 1


@pytest.mark.slow
def test_a_failure_holds_up_those_that_need_it_and_no_others(workspace):
    workspace.before("train", 'if [ "$3" = one ] && [ "$5" = 1 ]; then exit 1; fi')
    state, tasks = run()
    assert state.is_failed()
    assert states(tasks) == {
        **dict.fromkeys(ALL - {"report@one"}, "Completed"),
        "train@one-mtl-1": "Failed",
    }


@pytest.mark.slow
def test_training_that_is_killed_is_started_once_more(workspace):
    workspace.before("train", "if [ ! -e killed ]; then touch killed; kill -9 $$; fi")
    state, tasks = run(suites=["one"], seeds=[0])
    assert state.is_completed()
    assert tasks["train@one-mtl-0"].run_count == 2

    workspace.before("train", "kill -9 $$")
    state, tasks = run(suites=["one"], seeds=[1])
    assert state.is_failed()
    assert tasks["train@one-mtl-1"].run_count == 2
    assert state.message.startswith("train@one-mtl-1 failed (crash): killed by signal 9")


def test_time_ends_the_whole_group_even_if_it_does_not_listen(workspace):
    workspace.before("download", "trap '' TERM; echo $$ >> started; sleep 300 & sleep 300")
    state, tasks = run(suites=["one"], seeds=[0], stage_seconds=8)
    assert state.is_failed()
    assert states(tasks) == {"download@one": "Failed"}
    assert state.message.startswith("download@one failed (timeout): ended after 8 s")
    assert not workspace.processes()
    workspace.before("download", "")
    state, _ = run(suites=["one"], seeds=[0])
    assert state.is_completed()


def test_the_figure_stands_between_the_sentence_and_the_tables(tmp_path, monkeypatch):
    report, made = Layout(tmp_path).report("demo"), {}
    report.mkdir(parents=True)
    (report / "report.html").write_text("<body></body>")
    (report / "overview.svg").write_text("<svg/>")
    (report / "accuracy.md").write_text("# Accuracy\n\nThey are equal.\n\n| a |\n| - |\n\nBy task:\n\n| b |\n")
    monkeypatch.setattr(made_artifacts, "create_markdown_artifact", lambda text, key, _: made.setdefault(key, text))
    show_report(tmp_path, "demo")
    before, _, behind = made["accuracy-demo"].partition("![Mean accuracy by method](data:image/svg+xml;base64,")
    assert before == "# Accuracy\n\nThey are equal.\n\n"
    assert behind.partition(")")[2].startswith("\n\n| a |\n| - |\n\nBy task:\n\n| b |")


def test_a_report_page_becomes_an_artifact():
    svg = '<svg viewBox="0 0 4 4">\n\n <g class="a"/></svg>'
    page = (
        f"<html><head><style>:root {{--x: red}}</style></head><body>\n<nav>up</nav>\n\n  <p>1</p>{svg}<p>2</p>{svg}"
        f'<figure class="phone">{svg}</figure><p class="cue">scroll</p>'
        "<script>alert(1)</script></body></html>"
    )
    content = page_content(page)
    picture = base64.b64encode(f"{svg[:23]}<style>:root {{--x: red}}</style>{svg[23:]}".encode()).decode()
    image = f'<img alt="" src="data:image/svg+xml;base64,{picture}">'
    assert content == f"\n<p>1</p>{image}<p>2</p>{image}"


def test_a_run_is_cancelled_even_if_no_stage_takes_long(workspace, monkeypatch):
    monkeypatch.setattr(pipeline, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(pipeline, "_cancel_requested", lambda: bool(workspace.started()))
    state, _ = run()
    assert state.is_cancelled()
    assert len(workspace.started()) < len(ALL)


def test_a_server_that_does_not_answer_cancels_nothing(monkeypatch):
    def broken(**_: Any) -> None:
        raise httpx.ConnectError("gone")

    monkeypatch.setattr(pipeline, "get_client", broken)
    monkeypatch.setattr(pipeline, "get_run_logger", lambda: logging.getLogger("flows"))
    assert not pipeline._cancel_requested()


@pytest.mark.slow
def test_force_runs_what_is_up_to_date(workspace):
    run(suites=["one"], seeds=[0])
    _, tasks = run(suites=["one"], seeds=[0], force=["train@one-mtl-0"])
    assert states(tasks) == {"download@one": "Cached", "train@one-mtl-0": "Completed"}
    assert workspace.started().count("train mtl one --seed 0") == 2


@pytest.mark.slow
def test_what_the_run_cache_has_is_restored(workspace):
    run(suites=["one"], seeds=[0])
    shutil.rmtree(workspace.root / "data")
    (workspace.root / "dvc.lock").unlink()
    _, tasks = run(suites=["one"], seeds=[0])
    assert states(tasks) == {"download@one": "Restored", "train@one-mtl-0": "Restored"}
    assert len(workspace.started()) == 2


def test_a_second_flow_is_refused(workspace):
    with claimed(workspace.root, "quick-fox"):
        state = reproduce(return_state=True)
    assert state.is_failed()
    assert state.message.startswith("quick-fox (process ")
    assert state.message.endswith(f" is at work in {workspace.root}; wait for it, or cancel it.")
    assert workspace.started() == []


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"suites": ["nope"]}, "Unknown suite nope; params.yaml has one, two."),
        ({"methods": ["nope"]}, "Unknown method nope; params.yaml runs mtl."),
        ({"seeds": [7]}, "Unknown seed 7; params.yaml has 0, 1."),
        ({"force": ["nope"]}, "force: there is no stage nope in this run; it has "),
    ],
)
def test_a_mistake_ends_the_run_before_any_stage(workspace, parameters, message):
    state, tasks = run(**parameters)
    assert state.is_failed()
    assert state.message.startswith(message)
    assert tasks == {}


def test_a_suite_that_no_list_of_dvc_yaml_has(workspace):
    parameters = yaml.safe_load((workspace.root / "params.yaml").read_text())
    parameters["suites"]["three"] = copy.deepcopy(parameters["suites"]["one"])  # no alias
    (workspace.root / "params.yaml").write_text(yaml.safe_dump(parameters))
    pipeline = (workspace.root / "dvc.yaml").read_text()
    state, tasks = run(suites=["three"])
    assert state.is_failed()
    assert "three" in state.message
    assert (workspace.root / "dvc.yaml").read_text() == pipeline
    assert tasks == {}


def test_mistakes_are_reported_before_a_server_is_asked(workspace, capsys, monkeypatch):
    monkeypatch.setattr("flows.reproduce.prefect_api", None)
    assert main(["--workers", "0"]) == 2
    assert "workers: Input should be greater than or equal to 1" in capsys.readouterr().err
    assert main(["--seeds", "0", "9"]) == 2
    assert "reproduce: Unknown seed 9; params.yaml has 0, 1." in capsys.readouterr().err


def test_seeds_of_a_suite_are_known_where_it_is_asked_for(workspace):
    parameters = yaml.safe_load((workspace.root / "params.yaml").read_text())
    parameters["suites"]["two"]["seeds"] = [3]
    (workspace.root / "params.yaml").write_text(yaml.safe_dump(parameters))
    check_request(workspace.root, parse_request(seeds=[0, 3]))
    check_request(workspace.root, parse_request(suites=["two"], seeds=[3]))
    with pytest.raises(InputError, match=r"^Unknown seed 3; params.yaml has 0, 1\.$"):
        check_request(workspace.root, parse_request(suites=["one"], seeds=[3]))


def test_a_mistake_in_params_yaml_is_reported_before_prefect_is_imported(workspace):
    (workspace.root / "params.yaml").write_text("suites: 3")
    code = "import sys; from flows.reproduce import main; code = main([]); print(code, *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=workspace.root, env=workspace.environment, capture_output=True, text=True
    )
    assert "params.yaml: suites: Input should be a valid dictionary (is 3)" in done.stderr
    assert done.stdout.startswith("2 ")
    assert not {"prefect", "torch", "dvc", "pandas"} & set(done.stdout.split())


def test_a_server_that_is_gone_is_one_line(workspace):
    done = subprocess.run(
        [sys.executable, "-m", "flows.reproduce", "--suites", "one"],
        cwd=workspace.root,
        env={**workspace.environment, "PREFECT_API_URL": "http://127.0.0.1:9/api"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("reproduce: Failed to reach API at http://127.0.0.1:")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            ("stages:", "stages"),
            "DVC: unable to read: 'dvc.yaml', YAML file structure is corrupted; run 'dvc ",
        ),
        (("cmd: ", "comd: "), "DVC: './dvc.yaml' validation failed: "),
        (("${suites}", "${suits}"), "DVC: failed to parse 'stages.download.foreach' in 'dvc.yaml': Could not find 's"),
    ],
)
def test_a_mistake_in_dvc_yaml_is_one_line(workspace, edit, message):
    path = workspace.root / "dvc.yaml"
    path.write_text(path.read_text().replace(*edit))
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        Graph(workspace.root)


@pytest.mark.parametrize(("device", "expected"), [(None, "cpu"), ("auto", "auto")])
def test_the_device_is_that_of_the_environment_unless_one_is_given(workspace, monkeypatch, device, expected):
    monkeypatch.setenv("MTCS_DEVICE", "cpu")
    workspace.before("download", 'echo "$MTCS_DEVICE" > device')
    state, _ = run(suites=["one"], device=device)
    assert state.is_completed()
    assert (workspace.root / "device").read_text().strip() == expected


def test_the_flow_is_there_under_the_name_of_its_command():
    import flows.reproduce

    assert flows.reproduce.reproduce is reproduce
    with pytest.raises(AttributeError, match="has no attribute 'replay'"):
        _ = flows.reproduce.replay


@pytest.mark.slow
def test_a_pipeline_in_several_files(workspace):
    """As large pipelines should be: each dvc.yaml has a dvc.lock of its own."""
    pipeline = yaml.safe_load((workspace.root / "dvc.yaml").read_text())
    report = {"cmd": "mtcs report one", "wdir": "..", "deps": ["results/one"], "outs": ["reports/one"]}
    del pipeline["stages"]["report"]
    (workspace.root / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False))
    (workspace.root / "last").mkdir()
    (workspace.root / "last/dvc.yaml").write_text(yaml.safe_dump({"stages": {"report": report}}))
    state, tasks = run(suites=["one"])
    assert state.is_completed()
    assert set(tasks) == ONE - {"report@one"} | {"last/dvc.yaml:report"}
    assert list(yaml.safe_load((workspace.root / "last/dvc.lock").read_text())["stages"]) == ["report"]


def test_a_workspace_within_another_has_stages_of_its_own(workspace, monkeypatch):
    inner = workspace.root / "study"
    inner.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(workspace.root / name, inner)
    assert set(Graph(workspace.root).select()) == ALL
    monkeypatch.chdir(inner)
    graph = Graph(inner)
    assert set(graph.select(suites=["one"])) == ONE
    assert not graph.is_up_to_date("download@one")


def test_graph_follows_dvc(workspace):
    graph = Graph(workspace.root)
    everything = graph.select()
    assert set(everything) == ALL
    names = list(everything)
    for stage in everything.values():
        assert all(names.index(need) < names.index(stage.name) for need in stage.needs)
    assert everything["report@one"].needs == ("train@one-mtl-0", "train@one-mtl-1")
    assert set(graph.select(suites=["one"])) == ONE
    assert set(graph.select(methods=["mtl"], seeds=[1])) == {
        *("download@one", "download@two", "train@one-mtl-1", "train@two-mtl-1")
    }
    with pytest.raises(InputError, match=r"No stage of dvc\.yaml writes reports/three; add its suite there\."):
        graph.select(suites=["three"])
