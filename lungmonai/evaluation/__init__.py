"""Scores that people can trust: tables read and refused, reports, figures, the end-to-end evaluation.

Importing this is quick; what a name needs loads when it is first asked for.
"""

__all__: list[str] = []
