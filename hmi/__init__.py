"""The operator's pages."""

from hmi.live import build_pages

__all__ = ["build_pages"]
