"""The HTTP API and the host of the operator's pages."""
