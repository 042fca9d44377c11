"""How a problem is told on a terminal: what looks like a credential is masked.

A message quotes what stands where something else should (`security.secret.logs`).
"""

from __future__ import annotations

from collections.abc import Iterable

from symphony.domain.problems import Problem
from symphony.observability.redaction import Redactor


def told(problem: Problem, kind: str = "error") -> str:
    """One problem, with where it is and what to do."""
    return Redactor().redact(f"{kind}: {problem}")


def all_told(problems: Iterable[Problem]) -> str:
    """One below the other."""
    return "\n".join(map(told, problems))
