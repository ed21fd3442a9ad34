"""The command line. One command is one function that Python can call with the same arguments."""

from lofivpr.cli.app import app, main

__all__ = ["app", "main"]
