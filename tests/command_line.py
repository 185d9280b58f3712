"""A command of `mtcs`, run in this process."""

from __future__ import annotations

from typer.testing import CliRunner

from mtcs.cli import app


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    done = CliRunner().invoke(app, list(map(str, arguments)))
    return done.exit_code, done.stdout, done.stderr
