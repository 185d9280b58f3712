"""The registry: the union of all method specs, told apart by `kind`."""

from typing import Annotated

from pydantic import Field

from mtcs.methods.dtw import DtwSpec
from mtcs.methods.multitask import MultiTaskSpec

MethodSpec = Annotated[MultiTaskSpec | DtwSpec, Field(discriminator="kind")]
