"""The HTTP API and the host of the operator's pages."""

from inspector.web.board import LiveBoard
from inspector.web.gate import Gate
from inspector.web.metrics import LineMetrics, Sources
from inspector.web.server import ImageUrl, PageBuilder, claim_address, serve

__all__ = ["Gate", "ImageUrl", "LineMetrics", "LiveBoard", "PageBuilder", "Sources", "claim_address", "serve"]
