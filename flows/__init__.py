"""Prefect on top of DVC: when the pipeline's stages run, where, what is tried again, and how progress is shown."""

import os
from urllib.request import getproxies

GRACE_SECONDS = 5.0
"""Between asking a process to end and killing it."""

# Prefect reads these when it is imported. Nothing is reported to its makers, unless the user asks for it.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
# A run that sends none for some minutes is taken to be dead, see flows.heartbeat.
os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "30")
# A proxy cannot reach a Prefect server on this machine. Lower case comes first wherever these are read.
if getproxies():
    _exempt = [os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "", "127.0.0.1,localhost"]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, _exempt))
