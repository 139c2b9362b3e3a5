"""The machine vision server of OPC 40100-1: the node set, the state machine, the methods and the events.

``facts`` and ``machine`` are pure; the rest needs the OPC UA library.
"""
