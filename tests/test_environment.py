"""Machines that lack something: streams, letters, room, memory, places to write; a folder where a file should be."""

from __future__ import annotations

import io
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from fuzz.stages import finished, inside

import mtcs
from mtcs.cli import _error_line
from mtcs.process import usable_streams
from mtcs.stages.output import write_output
from tests.command_line import run

PACKAGE = Path(mtcs.__file__).parent


@pytest.fixture(scope="module")
def done() -> Path:
    """A workspace in which all has been run."""
    return finished()


@pytest.fixture
def here(done: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(done, tmp_path / "workspace"))


def command(
    folder: Path,
    words: str,
    before: Callable[[], object] | None = None,
    prefix: Sequence[str] = (),
    stdout: int = subprocess.PIPE,
    **settings: str,
):
    """A command of `mtcs` in a process of its own."""
    code = f"import sys; from mtcs.cli import main; sys.argv[1:] = {words.split()!r}; main()"
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent), "MTCS_DEVICE": "cpu", "MTCS_WORKERS": "1"} | settings
    return subprocess.run(
        [*prefix, sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        preexec_fn=before,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=120,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Streams


@pytest.mark.parametrize("closed", [[2], [1], [0, 1, 2]], ids=str)
def test_closed_streams_lead_nowhere(here: Path, closed: list[int]) -> None:
    shutil.rmtree(here / "data/normalized")
    before = files(here)
    done = command(here, "normalize tiny", lambda: [os.close(descriptor) for descriptor in closed])
    assert done.returncode == 0
    assert ("tiny: 2 tasks in data/normalized/tiny" in done.stdout.decode()) == (1 not in closed)
    with np.load(here / "data/normalized/tiny/Short.npz") as arrays:  # no word of a library in a file
        assert arrays["series_train"].shape == (12, 12)
    assert {name: content for name, content in files(here).items() if "normalized" not in name} == before


def test_letters_that_a_terminal_lacks_are_escaped(here: Path) -> None:
    done = command(here, "report tiny", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert b"reports/tiny/report.html" in done.stdout


def test_any_stream_takes_any_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii"))
    usable_streams()
    print("Größe \u2013", flush=True)
    assert written.getvalue() == b"Gr\\xf6\\xdfe \\u2013\n"


def test_predicted_labels_are_never_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii"))
    usable_streams()
    write_output("predicted\nGröße\n", None)
    sys.stdout.flush()
    assert written.getvalue().decode() == "predicted\nGröße\n"


@pytest.mark.parametrize("words", ["suites", "--help"])
def test_a_reader_that_has_gone_ends_a_command_without_a_word(here: Path, words: str) -> None:
    """As in `mtcs suites | true`."""
    reading, writing = os.pipe()
    os.close(reading)
    done = command(here, words, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
def test_a_device_without_room_is_named() -> None:
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write_output("ok\n", Path("/dev/full"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize("words", ["suites", "--help"])
def test_output_without_room_is_one_line(here: Path, words: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = command(here, words, stdout=full.fileno())
    assert (done.returncode, done.stderr) == (1, b"mtcs: No space left on device.\n")


# Places to write


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("normalize tiny", "data/normalized/tiny/Short.npz"),
        ("train dtw tiny", "data/models/tiny/dtw/seed0/Short.safetensors"),
        ("measure mtcs tiny", "results/tiny/mtcs/seed0.json"),
        ("report tiny", "reports/.tiny."),
        ("code", "data/code.json"),
        ("suites", None),
    ],
)
def test_a_working_folder_that_may_not_be_written(here: Path, words: str, place: str | None) -> None:
    """Root may write everywhere, so that its test drops what lets it."""
    root = os.geteuid() == 0
    if root and not shutil.which("setpriv"):
        pytest.skip("run by root, without setpriv")
    folders = [here, *(path for path in here.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    done = command(here, words, prefix=("setpriv", "--inh-caps=-all", "--bounding-set=-all") if root else ())
    for folder in folders:
        folder.chmod(0o755)
    said = done.stderr.decode().splitlines()
    if place is None:
        assert (done.returncode, said) == (0, [])
    else:
        assert done.returncode == 1
        assert said[-1].startswith(f"mtcs: Permission denied: {place}")
        assert not [line for line in said if "Traceback" in line]


def test_a_report_without_a_place_for_the_cache_of_fonts(here: Path) -> None:
    nowhere = {"HOME": os.devnull, "XDG_CACHE_HOME": os.devnull, "MPLCONFIGDIR": f"{os.devnull}/x"}
    done = command(here, "report tiny", **nowhere)
    assert done.returncode == 0, done.stderr.decode()
    assert b"reports/tiny/report.html" in done.stdout


def test_dtw_without_a_place_for_compiled_code(tmp_path: Path) -> None:
    """Neither `__pycache__` nor the user's cache: both are files."""
    copy = Path(shutil.copytree(PACKAGE, tmp_path / "mtcs", ignore=shutil.ignore_patterns("__pycache__")))
    (copy / "ops/__pycache__").write_text("")
    code = "from mtcs.ops import dtw; print(dtw.__file__, type(dtw._search).__name__)"
    nowhere = {"HOME": os.devnull, "XDG_CACHE_HOME": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"} | nowhere
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment | {"PYTHONPATH": str(tmp_path)}, capture_output=True
    )
    assert done.stdout.decode().split() == [str(copy / "ops/dtw.py"), "CPUDispatcher"], done.stderr.decode()


@pytest.mark.parametrize(
    ("words", "file"),
    [
        ("normalize tiny", "data/normalized/tiny/Short.npz"),
        ("represent mtcs tiny", "data/representations/tiny/mtcs/seed0/Short.npz"),
        ("measure mtcs tiny", "results/tiny/mtcs/seed0.json"),
        ("report tiny", "reports/.tiny."),
    ],
)
def test_files_without_room_are_not_half_written(here: Path, words: str, file: str) -> None:
    """A limit on files has the system refuse what a full disk refuses: the rest of a write."""
    before = files(here)
    room = len((here / file).read_bytes()) // 2 if (here / file).is_file() else 2000
    done = command(here, words, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
    said = done.stderr.decode().splitlines()
    assert done.returncode == 1, said
    assert said[-1].startswith(f"mtcs: File too large: {file}")
    assert not [line for line in said if "Traceback" in line]
    assert files(here) == before


@pytest.mark.parametrize(
    ("words", "place", "expected"),
    [
        ("normalize tiny", "data/normalized/tiny", "File exists: data/normalized/tiny."),
        ("normalize tiny", "data/normalized/tiny/Long.npz", "Is a directory: data/normalized/tiny/Long.npz."),
        ("train mtcs tiny", ".checkpoints", "File exists: .checkpoints."),
        ("classify mtcs tiny", "data/classifiers/tiny/mtcs/seed0", "File exists: data/classifiers/tiny/mtcs/seed0."),
        ("measure mtcs tiny", "results/tiny/mtcs/seed0.json", "Is a directory: results/tiny/mtcs/seed0.json."),
        ("report tiny", "reports/tiny", "File exists: reports/tiny."),
        ("report tiny", "reports/tiny/report.html", "Is a directory: reports/tiny/report.html."),
    ],
)
def test_a_folder_in_the_place_of_a_file_and_the_other_way_about(here, words, place, expected) -> None:
    path = here / place
    if path.is_file():
        path.unlink()
        path.mkdir()
    else:
        shutil.rmtree(path, ignore_errors=True)
        path.write_text("a file")
    with inside(here):
        code, _, said = run(*words.split())
    assert (code, said.splitlines()[-1]) == (1, f"mtcs: {expected}")


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("suites", "params.yaml"),
        ("normalize tiny", "data/raw/tiny/files.json"),
        ("train mtcs tiny", "data/normalized/tiny/Short.npz"),
        ("train mtcs tiny", "data/normalized/tiny/tasks.json"),
        ("represent mtcs tiny", "data/models/tiny/mtcs/seed0/joint.safetensors"),
        ("classify mtcs tiny", "data/representations/tiny/mtcs/seed0/Short.npz"),
        ("classify mtcs tiny", "data/representations/tiny/mtcs/seed0/sources.json"),
        ("measure mtcs tiny", "data/predictions/tiny/mtcs/seed0/Long.csv"),
        ("measure mtcs tiny", "data/training/tiny/mtcs/seed0/joint.csv"),
        ("measure mtcs tiny", "data/training/tiny/mtcs/seed0/joint.json"),
        ("report tiny", "results/tiny/mtcs/seed0.json"),
        ("report tiny", "results/tiny/cost.json"),
        ("predict mtcs tiny Short new.tsv", "data/classifiers/tiny/mtcs/seed0/Short.safetensors"),
        ("predict mtcs tiny Short new.tsv", "new.tsv"),
        ("predict pumps.mtcs new.csv", "pumps.mtcs"),
        ("inspect pumps.mtcs", "pumps.mtcs"),
        *((f"fit {name} --out m.mtcs", name) for name in ("a.csv", "a.parquet", "a.npz", "a.ts", "a.arff", "a.txt")),
        ("fit own --out m.mtcs", "own/labels.csv"),
        ("fit own --out m.mtcs", "own/b.csv"),
    ],
)
@pytest.mark.parametrize("lead", [False, True], ids=["pipe", "link to a device"])
@pytest.mark.timeout(60)
def test_a_pipe_or_device_in_the_place_of_a_file_is_one_line(here: Path, words: str, place: str, lead: bool) -> None:
    """Reading it would wait, or go on, for ever."""
    (here / "new.tsv").write_bytes((here / "archive/Short_TEST.tsv").read_bytes())
    path = here / place
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if lead:
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(path)
    with inside(here):
        code, _, said = run(*words.split())
    assert code == 2, said
    expected = f"mtcs: {place} is no regular file, but a device, pipe or socket; put or name a file."
    assert said.splitlines()[-1] == expected


@pytest.mark.parametrize(
    "place",
    ["params.yaml", "results/tiny/mtcs/seed0.json", "results/tiny/cost.json", "data/normalized/tiny/Short.npz"],
)
@pytest.mark.parametrize("target", ["nowhere", None], ids=["leads nowhere", "leads to itself"])
def test_a_link_that_leads_nowhere_is_not_taken_for_no_file(here: Path, place: str, target: str | None) -> None:
    (here / place).unlink(missing_ok=True)
    (here / place).symlink_to(target or Path(place).name)
    with inside(here):
        code, _, said = run("report", "tiny")
    assert code in (1, 2), said
    assert place in said.splitlines()[-1]


# Memory


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the limit of memory is not kept")
@pytest.mark.parametrize("megabytes", [400, 600, 800, 1000])
def test_a_limit_of_memory_is_one_line(here: Path, megabytes: int) -> None:
    """Where libraries abort, hang, or a file that is whole is said not to be."""
    limit = megabytes * 10**6
    done = command(here, "train mtcs tiny", lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    said = done.stderr.decode().splitlines()
    assert (done.returncode, len(said)) == (1, 1), said
    assert said[0].startswith(f"mtcs: Memory is limited to {megabytes / 1000:.1f} GB of addresses (ulimit -v), and")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: 8 bytes"),
        RuntimeError("can't start new thread"),
        RuntimeError("could not create a primitive"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        OSError(12, "Cannot allocate memory"),
    ],
    ids=str,
)
def test_what_out_of_memory_looks_like(error: Exception) -> None:
    line, code = _error_line(error)
    assert (line[:13], code) == ("Out of memory", 1)
