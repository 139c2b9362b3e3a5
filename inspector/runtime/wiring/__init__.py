"""The only package that names concrete classes: a line's settings become its objects.

Each process imports the modules it needs: the line must not load what the office works with.
"""
