"""What the commands of `flows` have in common: a mistake, and work that fails, are one line each."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from mtcs.data.address import without_secrets
from mtcs.errors import InputError, MtcsError
from mtcs.process import usable_streams


class Parser(argparse.ArgumentParser):
    """Options of `python -m flows.NAME`."""

    def __init__(self, name: str, description: str) -> None:
        super().__init__(prog=f"python -m flows.{name}", description=description)
        self._name = name

    def error(self, message: str) -> NoReturn:
        self.exit(InputError.exit_code, f"{self._name}: {message}; see --help.\n")


def no_command(name: str, instead: str) -> NoReturn:
    """Refuse `python -m flows.NAME` of a module that is no command."""
    print(f"{name}: flows.{name} is no command; {instead}.", file=sys.stderr)
    sys.exit(InputError.exit_code)


def exit_code(name: str, work: Callable[[], int]) -> int:
    """Of a command's `work`, whose errors it prints: 2 after a mistake, 1 after failed work, 130 after Ctrl-C."""
    usable_streams()
    try:
        return work()
    except MtcsError as error:
        print(without_secrets(f"{name}: {error}"), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{name}: interrupted by Ctrl-C.", file=sys.stderr)
        return 128 + signal.SIGINT


def in_words(error: OSError) -> str:
    """Why a file cannot be used, and which."""
    return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
