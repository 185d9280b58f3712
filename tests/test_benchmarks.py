"""The benchmark of a GPU runs to its last line where there is none."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_benchmark_of_a_gpu_runs_on_a_cpu(tmp_path):
    out = tmp_path / "gpu.json"
    command = [sys.executable, "benchmarks/gpu.py", "--device", "cpu", "--quick", "--epochs", "1", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text())
    assert result["agreement"]["fp32"]["loss"] == result["agreement"]["fp32"]["representations"] == 0  # with itself
    assert 0 < result["agreement"]["bf16"]["representations"] <= result["agreement"]["bf16"]["bound"]
    assert {(one["precision"], one["T"]) for one in result["steps"]} == {
        (precision, length) for precision in ("fp32", "tf32", "bf16") for length in (24, 64)
    }
    assert all(one["starts_per_step"] > 100 and one["milliseconds"] > 0 for one in result["steps"])
    assert result["training"]["bf16"]["steps"] == 3


def test_without_a_gpu_it_says_so(tmp_path):
    command = [sys.executable, "benchmarks/gpu.py", "--out", str(tmp_path / "gpu.json")]
    hidden = {"PATH": "/usr/bin:/bin", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=hidden)
    assert done.returncode == 2
    assert "no CUDA device is available here" in done.stderr
