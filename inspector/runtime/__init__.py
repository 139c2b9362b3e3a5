"""The flow, its wiring and its supervision."""
