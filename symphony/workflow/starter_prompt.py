"""The prompt that a new WORKFLOW.md begins with."""

from __future__ import annotations

from typing import Final, Literal

HANDOFF_STATE: Final = "Human Review"
"""Neither active nor terminal: the agent is done, the workspace is kept, a person decides."""

_TASK: Final = """\
You are working on {{ issue.identifier }}: {{ issue.title }}

State: {{ issue.state }}
{% if issue.url %}Address: {{ issue.url }}
{% endif %}{% if issue.labels %}Labels: {{ issue.labels | join(", ") }}
{% endif %}
{% if issue.description %}{{ issue.description }}{% else %}There is no description. Take the title \
as the task, and ask in a comment if that is not enough.{% endif %}
{% if attempt %}
An earlier run on this issue ended before it was finished (this is attempt {{ attempt }}). The
workspace is as that run left it: look at what is there before you do anything, and go on from it.
{% endif %}

## How to work

1. Read the code that the issue is about before you change it.
2. Write a test that fails without your change, make the change, and run the project's tests.
3. Commit in this workspace, with a message that says what changed and why.
4. Stay inside this directory. Nobody watches this session, so do not wait for an answer.
"""

_CLOSING: Final = {
    "files": f"""\
5. Keep the issue up to date with the tool `issue_update`: move it to "In Progress" when you begin,
   and to "{HANDOFF_STATE}" when the work is committed and tested, with a comment that says what you
   did and how you checked it.
6. If you cannot finish without a person, say in a comment what you need, and move the issue to
   "{HANDOFF_STATE}" all the same. It is then left alone until somebody moves it on.
""",
    "linear": """\
5. Keep the issue up to date with the tool `linear_graphql`: move it to "In Progress" when you
   begin, and to "In Review" when the work is committed and tested, with a comment that says what
   you did and how you checked it.
6. If you cannot finish without a person, say in a comment what you need, and move the issue to
   "In Review" all the same. It is then left alone until somebody moves it on.
""",
    "github": """\
5. Report with the tool `github_api`: add a comment to the issue that says what you did and how you
   checked it, and close the issue when the work is committed and tested.
6. If you cannot finish without a person, say in a comment what you need, and close the issue with
   the reason "not planned". Somebody who reopens it starts another run.
""",
}


def starter_prompt(kind: Literal["files", "linear", "github"]) -> str:
    """A template that works for any project of this kind of tracker."""
    return _TASK + _CLOSING[kind]
