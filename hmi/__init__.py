"""The operator's pages."""

from hmi.pages import build_pages

__all__ = ["build_pages"]
