"""The page about the GitHub tracker says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import yaml

from symphony.domain.json import as_object
from symphony.domain.settings import TrackerSettings
from symphony.trackers.blockers import USUAL_UNSTARTED_STATES
from symphony.trackers.errors import TrackerErrorCategory
from symphony.trackers.github import boards, dependencies, listing, pages, queries, tools
from symphony.trackers.github.client import DEFAULT_LIMITS
from symphony.trackers.github.left_out import STATE_UNKNOWN
from symphony.trackers.github.profile import ACTIVE_STATES, PROFILE, TERMINAL_STATES
from symphony.trackers.github.records import PRIORITY_WORDS
from symphony.trackers.github.settings import read_settings
from symphony.trackers.github.tool_paths import METHODS, READABLE, READABLE_BELOW
from symphony.trackers.github.tracker import READ_SECONDS

PAGE = (Path(__file__).resolve().parents[4] / "docs/trackers/github.md").read_text(encoding="utf-8")


def test_the_configuration_is_accepted() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    tracker = as_object(yaml.safe_load(example)["tracker"])
    assert tracker is not None
    provider = as_object(tracker["provider"])
    assert provider is not None
    assert tracker["kind"] == PROFILE.kind
    settings = TrackerSettings(
        kind="github", provider=provider, active_states=("Todo",), terminal_states=("Done",)
    )
    assert read_settings(settings, {"GITHUB_TOKEN": "t"}).state_source == "label"


def test_every_key_of_the_provider_has_its_line() -> None:
    source = Path(listing.__file__).with_name("settings.py").read_text(encoding="utf-8")
    model = source.partition("class _Provider(BaseModel):")[2].partition("\n\n\n")[0]
    keys = re.findall(r"^    (\w+): ", model, re.MULTILINE)
    assert len(keys) > 10
    assert [key for key in keys if f"\n| `{key}` | " not in PAGE] == []


def test_every_default_bound_category_and_allowed_path_is_on_the_page() -> None:
    for name in (*ACTIVE_STATES, *TERMINAL_STATES, *METHODS, *READABLE, *READABLE_BELOW):
        assert f"`{name}`" in PAGE
    for names in READABLE_BELOW.values():
        assert [name for name in names if f"`{name}`" not in PAGE] == []
    for name in (*USUAL_UNSTARTED_STATES, *PRIORITY_WORDS, STATE_UNKNOWN):
        assert f"`{name}`" in PAGE.lower()
    for category in set(get_args(TrackerErrorCategory)) - {"unsupported_tracker_kind"}:
        assert f"`{category}`" in PAGE
    limits = DEFAULT_LIMITS
    for sentence in (
        f"at most {pages.MAXIMUM_PAGES} pages",
        f"at most {boards.MAXIMUM_PAGES} pages",
        f"{pages.REMEMBERED_PAGES} pages are remembered",
        f"for {dependencies.KNOWN_SECONDS:g} s at most",
        f"At most {queries.PLACEMENTS} boards",
        f"at most {queries.PULL_REQUESTS};",
        f"{limits.connect_seconds:g} s to connect",
        f"{limits.silence_seconds:g} s of silence",
        f"{limits.request_seconds:g} s for a request, {READ_SECONDS:g} s for a read",
        f"At most {limits.connections} connections",
        f"at most {limits.redirects} redirects",
        f"At most {limits.body_bytes // 1024 // 1024} MiB",
        f"{tools.MAXIMUM_RESULT_CHARACTERS:,} characters of JSON is cut",
        f"at most {tools.MAXIMUM_BODY_CHARACTERS:,} characters",
        f"The query, at most {tools.MAXIMUM_PARAMETERS}",
    ):
        assert sentence in PAGE.replace("\n  ", " ").replace("\n", " "), sentence
