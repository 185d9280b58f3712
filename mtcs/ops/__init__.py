"""Hand-tuned arithmetic; each module names the plain formula that it equals."""
