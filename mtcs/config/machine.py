"""Facts of the machine, from `MTCS_*` environment variables: they move a run, never its meaning."""

from __future__ import annotations

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from mtcs.config.device_names import DeviceName, PrecisionName
from mtcs.errors import InputError

PUBLIC_ARCHIVE = "https://timeseriesclassification.com/aeon-toolkit/{name}.zip"


class Machine(BaseSettings):
    """`MTCS_ARCHIVE`, `MTCS_DEVICE`, ...; a command-line option of the same name comes first."""

    model_config = SettingsConfigDict(env_prefix="MTCS_", env_ignore_empty=True, frozen=True)

    archive: str = PUBLIC_ARCHIVE
    """Where data sets come from: a folder, or a URL template with `{name}`."""
    device: DeviceName = "auto"
    """`auto` takes a CUDA device where there is one."""
    precision: PrecisionName = "auto"
    """Of the encoder's matrix products; `auto` takes bf16 where the hardware multiplies it faster."""
    workers: int = Field(default=0, ge=0, le=4096)
    """Threads for CPU work; 0 means all cores."""
    dask: str = ""
    """Address of a Dask scheduler whose workers take a task of `mtcs classify` each; empty is this machine."""


def read_machine() -> Machine:
    """Raises InputError, naming the variable and its value, if one of them is wrong."""
    try:
        return Machine()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"MTCS_{first['loc'][0]}".upper()
        raise InputError(f"{name}: {first['msg']} (is {first['input']!r}); correct or unset that variable.") from error
