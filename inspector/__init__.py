"""Industrial visual inspection with voice command."""

__version__ = "0.1.0"
