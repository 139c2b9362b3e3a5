"""Triggers in, verdicts out: the PLC's side of the line."""
