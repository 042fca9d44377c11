"""What an agent is told on a thread that was cut off (`recovery.thread.resumed`)."""

from __future__ import annotations

from symphony.domain.issue import Issue


def resumed_prompt(prompt: str, issue: Issue) -> str:
    """The task as it is now, which may differ from what the thread knows, and what happened."""
    return (
        f"{prompt}\n\n---\n\nYour last turn on {issue.identifier} was cut off, because the "
        "program that runs you was started again. What you did until then is earlier in this "
        "thread, and the workspace is as it was at that moment. Go on from there; do not begin "
        "anew. A command that was running then has been ended, perhaps in the middle."
    )
