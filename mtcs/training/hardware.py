"""Where a training runs and how its matrix products round."""

from __future__ import annotations

import platform
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

import torch
import torch.utils.deterministic

from mtcs.config.device_names import DeviceName, PrecisionName
from mtcs.errors import InputError


@dataclass(frozen=True)
class Hardware:
    """Where tensors live and how matrix products round."""

    device: torch.device
    bf16: bool
    reason: str = field(default="as asked", compare=False)
    """Why this precision."""

    def __str__(self) -> str:
        if self.device.type == "cuda":
            return f"cuda: {torch.cuda.get_device_name(self.device)}"
        return f"cpu: {_processor()}, {self.threads} thread{'s' * (self.threads != 1)}"

    @property
    def threads(self) -> int:
        """Which compute one step together; on a GPU that is none of the processor's."""
        return torch.get_num_threads() if self.device.type == "cpu" else 1

    @property
    def precision(self) -> str:
        return "bf16" if self.bf16 else "fp32"

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)


def choose_hardware(
    device: DeviceName = "auto", precision: PrecisionName = "auto", fixed_length: bool = True, threads: int = 0
) -> Hardware:
    """The device and the precision asked for, or with `auto` the best there is.

    fixed_length: whether training steps repeat their lengths (`Spec.fixed_length`).
    threads: that torch computes with from now on; 0 leaves them as they are.

    Raises:
        InputError: if a name is unknown, or CUDA is asked for and there is none.
    """
    for what, name, known in (
        ("device", device, get_args(DeviceName)),
        ("precision", precision, get_args(PrecisionName)),
    ):
        if name not in known:
            hint = "; CUDA_VISIBLE_DEVICES chooses among GPUs" if str(name).startswith("cuda:") else ""
            raise InputError(f"{what} is {name!r:.60}, expected {', '.join(known)}{hint}.")
    if threads:
        torch.set_num_threads(threads)
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is cuda, but no CUDA device is available here; take --device cpu or auto.")
    name = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    if precision != "auto":
        return Hardware(torch.device(name), precision == "bf16")
    return Hardware(torch.device(name), *(_of_gpu() if name == "cuda" else _of_processor(fixed_length)))


BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16"})
"""How Linux calls the units for bf16 products of Intel, AMD and ARM. With AVX512-BF16 alone, on an AMD EPYC,
the encoder's step took 0.3 to 0.6 of its time in fp32."""


def _of_gpu() -> tuple[bool, str]:
    """Whether bf16 is faster on this GPU, and why."""
    fast = torch.cuda.is_bf16_supported(including_emulation=False)
    return fast, "the GPU has bf16" if fast else "the GPU has no bf16"


def _of_processor(fixed_length: bool) -> tuple[bool, str]:
    """Whether bf16 is faster on this processor, and why.

    Without units for bf16 its products are emulated, slower than fp32's; with them, each new shape is compiled first.
    """
    if not fixed_length:
        return False, "lengths change from step to step"
    flags = {flag for line in _cpuinfo() if line.startswith(("flags", "Features")) for flag in line.split()}
    units = sorted(BF16_FLAGS & flags)
    return bool(units), f"the processor has {' and '.join(units)}" if units else "no bf16 units known"


def peak_memory(hardware: Hardware) -> float:
    """Largest memory held so far, in MB: of the device for CUDA, else of the process."""
    if hardware.device.type == "cuda":
        return torch.cuda.max_memory_allocated(hardware.device) / 1e6
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """On a CPU, scattered sums in a fixed order: the same seed gives the same weights."""
    before, flags = torch.are_deterministic_algorithms_enabled(), cast(Any, torch.utils.deterministic)
    fill = flags.fill_uninitialized_memory
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True)
        flags.fill_uninitialized_memory = False  # nothing here reads memory that it did not write
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        flags.fill_uninitialized_memory = fill


def _processor() -> str:
    names = (line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _cpuinfo() -> list[str]:
    """What Linux says of the processor; nothing elsewhere."""
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
