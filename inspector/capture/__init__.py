"""Trigger -> Frame: image sources."""
