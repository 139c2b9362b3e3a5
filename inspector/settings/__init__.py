"""line_configs/*.yaml -> validated settings."""
