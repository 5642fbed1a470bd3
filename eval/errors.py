"""The two ways in which an evaluation command cannot do its work."""

from __future__ import annotations


class EvaluationError(Exception):
    """Something that the command needs is broken; its text is one sentence for a person. Exit status 1."""


class Misuse(EvaluationError):
    """The command line or an input file makes no sense; the text names file, line and reason. Exit status 2."""
