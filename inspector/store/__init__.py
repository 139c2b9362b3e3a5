"""The record: tables, image archive, outbox."""
