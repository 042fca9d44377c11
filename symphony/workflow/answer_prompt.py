"""What an agent is told when an operator answered its question (`operator.answer.told`).

The operator's words stand as they are; the question is what an agent wrote, and is quoted.
"""

from __future__ import annotations

from symphony.domain.issue import Issue
from symphony.domain.run import OperatorAnswer
from symphony.scheduler.state import STOPPED_BY_OPERATOR


def answered_prompt(issue: Issue, answer: OperatorAnswer) -> str:
    """The first turn on the thread in which the question was asked. The task is in it already."""
    return (
        f"{_exchange(issue, answer, asked='You asked')}\n\n"
        "The task and what you did so far are earlier in this thread, and the workspace is as you "
        f'left it. Go on with {issue.identifier}, which is in the state "{issue.state}" now.'
    )


def with_answer(prompt: str, issue: Issue, answer: OperatorAnswer) -> str:
    """The first turn on a new thread, which knows nothing of the question."""
    return (
        f"{prompt}\n\n---\n\nAn earlier session worked on this issue, in this workspace. "
        f"{_exchange(issue, answer, asked='It asked')}"
    )


def _exchange(issue: Issue, answer: OperatorAnswer, *, asked: str) -> str:
    if answer.request == STOPPED_BY_OPERATOR:
        return f"The operator stopped work on {issue.identifier}, and says now:\n\n{answer.text}"
    quoted = "\n".join(f"> {line}" for line in answer.question.splitlines())
    return f"{asked} a person:\n\n{quoted}\n\nThe operator answers:\n\n{answer.text}"
