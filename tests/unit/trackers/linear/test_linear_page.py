"""The page about the Linear tracker says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from symphony.domain.json import as_object
from symphony.domain.settings import TrackerSettings
from symphony.trackers.errors import TrackerErrorCategory
from symphony.trackers.linear.bounds import DEFAULT_BOUNDS
from symphony.trackers.linear.normalize import UNSTARTED_TYPES
from symphony.trackers.linear.profile import ACTIVE_STATES, PROFILE, TERMINAL_STATES
from symphony.trackers.linear.queries import LABELS, PAGE_SIZE, RELATIONS
from symphony.trackers.linear.settings import DEFAULT_ENDPOINT, read_settings
from symphony.trackers.linear.tools import (
    MAXIMUM_QUERY_CHARACTERS,
    MAXIMUM_RESULT_CHARACTERS,
    MAXIMUM_TOKENS,
    SPEC,
)

PAGE = (Path(__file__).resolve().parents[4] / "docs/trackers/linear.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())


@pytest.mark.proves("tracker.profile.config")
def test_the_configurations_are_accepted() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert examples
    names = ("LINEAR_API_KEY", "LINEAR_READING_KEY", "LINEAR_WRITING_KEY")
    environment: dict[str, str] = dict.fromkeys(names, "lin_api_key")
    for example in examples:
        tracker = as_object(yaml.safe_load(example)["tracker"])
        assert tracker is not None
        provider = as_object(tracker["provider"])
        assert provider is not None
        assert tracker["kind"] == PROFILE.kind
        settings = TrackerSettings(
            kind="linear", provider=provider, active_states=(), terminal_states=()
        )
        read_settings(settings, environment)


@pytest.mark.proves("tracker.profile.config", "tracker.profile.errors", "tool.adapter.documented")
def test_every_default_bound_and_category_is_on_the_page() -> None:
    for name in (*ACTIVE_STATES, *TERMINAL_STATES, *UNSTARTED_TYPES, DEFAULT_ENDPOINT):
        assert f"`{name}`" in TEXT
    for category in set(get_args(TrackerErrorCategory)) - {"unsupported_tracker_kind"}:
        assert f"`{category}`" in TEXT
    bounds = DEFAULT_BOUNDS
    for sentence in (
        f"{PAGE_SIZE} issues a page",
        f"{LABELS} labels and {RELATIONS} relations",
        f"{bounds.pages} pages, which is {bounds.pages * PAGE_SIZE:,} issues",
        f"{bounds.nested_pages} further pages",
        f"{bounds.connect_seconds:g} s to connect, {bounds.silence_seconds:g} s of silence",
        f"{bounds.request_seconds:g} s for a request as a whole",
        f"{bounds.answer_bytes // 1024**2} MiB",
        f"{bounds.connections} connections, kept for {bounds.idle_seconds:g} s",
        f"at most {bounds.redirects} in a row",
        f"{MAXIMUM_QUERY_CHARACTERS:,} characters and {MAXIMUM_TOKENS:,} tokens",
        f"more than {MAXIMUM_RESULT_CHARACTERS:,} characters",
        f"Tool: `{SPEC.name}`",
    ):
        assert sentence in TEXT
