"""The registry: the union of all method specs, told apart by `kind`."""

from typing import Annotated

from pydantic import Field

from mtcs.methods.dtw import DtwSpec
from mtcs.methods.multitask import MultiTaskSpec
from mtcs.methods.t_loss import TLossSpec
from mtcs.methods.tnc import TncSpec
from mtcs.methods.ts2vec import Ts2VecSpec
from mtcs.methods.ts_tcc import TsTccSpec
from mtcs.methods.tst import TstSpec

MethodSpec = Annotated[
    MultiTaskSpec | Ts2VecSpec | TLossSpec | TncSpec | TsTccSpec | TstSpec | DtwSpec, Field(discriminator="kind")
]
