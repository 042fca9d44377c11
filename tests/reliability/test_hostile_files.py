"""Issues in files that are wrong in any way: an issue or a typed error, and nothing else.

The long profile tries as many files as `SYMPHONY_FUZZ_FILES` says.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Final

import pytest

from symphony.trackers.files.normalize import UnusableFileError, parse_issue_file
from tests.reliability.hostile_issues import use
from tests.reliability.hostile_mutations import Mutator
from tests.support.workflows import BARE_ISSUE

COUNT = int(os.environ.get("SYMPHONY_FUZZ_FILES", "800"))


@pytest.mark.proves("issue.optional.fallback")
def test_a_wrong_file_is_an_issue_or_a_typed_error() -> None:
    random = Random(3)  # noqa: S311
    tally: Counter[str] = Counter()
    for _ in range(COUNT):
        data = wrong_file(random)
        try:
            file = parse_issue_file(random.choice(FILE_NAMES), data)
        except UnusableFileError:
            tally["unusable"] += 1
        else:
            tally["issues"] += 1
            issue = replace(
                BARE_ISSUE,
                identifier=file.identifier,
                title=file.title,
                state=file.state,
                labels=file.labels,
                priority=file.priority,
                created_at=file.created_at,
                updated_at=file.updated_at,
            )
            if tally["issues"] % 10 == 0:
                use([issue])
    assert min(tally["issues"], tally["unusable"]) > COUNT / 50


FILE_NAMES: Final = ("MT-1.md", "task-7 - A title.md", ".md", "a" * 240 + ".md", "\udcff.md")
FIELDS: Final = (
    *("title: A title", "state: Todo", "priority: 2", "labels: [ui, api]", "assignee: [@ada]"),
    *("created_at: 2026-03-01T08:00:00Z", "blocked_by: [MT-2]", "url: https://x.example/1"),
    *("id: MT-1", "branch: ada/mt-1", "updated_date: '2026-03-01 08:00'", "status: Todo"),
)


def wrong_file(random: Random) -> bytes:
    """An issue whose front matter is JSON, or a list of fields, then made wrong byte by byte."""
    fields = random.sample(FIELDS, random.randrange(2, len(FIELDS)))
    if random.random() < 0.5:
        # A flow mapping, in which the values of messages can stand.
        front = Mutator(random, (FILE,)).mutate(FILE)
    else:
        front = "\n".join(fields).encode() + b"\n"
    data = bytearray(b"---\n" + front + b"---\n# A heading\n\nText.\n")
    for _ in range(random.choice((0, 0, 1, 2, 5))):
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


FILE: Final = json.dumps(
    {
        "title": "A title",
        "state": "Todo",
        "priority": 2,
        "labels": ["ui"],
        "assignee": ["ada"],
        "created_at": "2026-03-01T08:00:00Z",
        "blocked_by": ["MT-2", 7],
        "id": "MT-1",
    }
).encode()
