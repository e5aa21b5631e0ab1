"""The resident part: it starts the program, forwards signals to it, and reaps. The standard library only, small.

It runs under `python -I -S`, where nothing is found but this package and the standard library.
"""
