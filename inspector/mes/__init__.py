"""The outbox on its way to the MES."""
