"""`mtcs methods`: the methods of params.yaml."""

from __future__ import annotations

import typer

from mtcs.stages.options import experiment


def methods() -> None:
    """List the methods of params.yaml and their parameters."""
    from mtcs.reports.analysis.parameters import effective

    params = experiment()
    for name in params.known:
        note = ", a variant for the table of ablations" if name in params.ablation else ""
        if name in params.readings:
            reading = params.readings[name]
            own = f" and of an encoder trained without {reading.held_out:g} of each task" if reading.held_out else ""
            typer.echo(f"{name}: representations of {reading.representations_of}{own}, classifier {reading.classifier}")
            continue
        typer.echo(f"{name}: one model for {'each task' if name in params.single_task else 'a suite'}{note}")
        for parameter, value in effective(params.methods[name].model_dump(mode="json")).items():
            if isinstance(value, dict):
                value = ", ".join(f"{k} {v}" for k, v in value.items() if v is not None)
            typer.echo(f"  {parameter:16} {value}")
