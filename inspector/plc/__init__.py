"""Triggers in, verdicts out: the PLC's side of the line.

Import from the modules: ``client`` needs the OPC UA library, ``handshake`` and ``simulation`` do not.
"""
