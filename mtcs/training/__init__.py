"""The one training loop, its checkpoints, the hardware it runs on, and the model it leaves."""
