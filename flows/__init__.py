"""Prefect on top of DVC: when the pipeline's stages run, where, what is tried again, and how progress is shown."""

import os

# Prefect reads these when it is imported. Nothing is reported to its makers, unless the user asks for it.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
# The server that is started for a single run creates its database first, which takes a while on a busy machine.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
