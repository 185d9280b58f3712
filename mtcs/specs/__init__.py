"""Methods by their parameters, the blocks under `methods` in params.yaml: a union told apart by `kind`."""

from typing import Annotated

from pydantic import Field

from mtcs.specs.dtw import DtwSpec
from mtcs.specs.multitask import MultiTaskSpec
from mtcs.specs.t_loss import TLossSpec
from mtcs.specs.tnc import TncSpec
from mtcs.specs.ts2vec import Ts2VecSpec
from mtcs.specs.ts_tcc import TsTccSpec
from mtcs.specs.tst import TstSpec

MethodSpec = Annotated[
    MultiTaskSpec | Ts2VecSpec | TLossSpec | TncSpec | TsTccSpec | TstSpec | DtwSpec, Field(discriminator="kind")
]
