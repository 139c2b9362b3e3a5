"""Data set -> model -> card; needs the train extra."""
