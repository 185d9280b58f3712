"""The registry: the union of all method specs, told apart by `kind`."""

from mtcs.methods.multitask import MultiTaskSpec

MethodSpec = MultiTaskSpec
