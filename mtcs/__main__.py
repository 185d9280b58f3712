"""Entry point of the `mtcs` command and of `python -m mtcs`: an interruption is one line from the first import on."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the `mtcs` command."""
    try:
        from mtcs.cli import main as command

        command()
    except KeyboardInterrupt:  # while modules are imported: commands report it themselves
        from mtcs.errors import INTERRUPTED

        print(f"mtcs: {INTERRUPTED}", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
