"""The commands; every body imports what it needs itself, so that --help answers at once."""

from inspector.cli.main import main

__all__ = ["main"]
