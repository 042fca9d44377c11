"""Good and bad workflow files as people write them, with what is said about each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from symphony.domain.problems import Problem, ProblemError
from symphony.workflow.loader import load_workflow
from tests.support.workflows import ADAPTERS, BARE_ISSUE, ENVIRONMENT, FULL_ISSUE

CORPUS: Final = Path(__file__).parent / "corpus"

PARSE: Final = "workflow_parse_error"
NOT_A_MAP: Final = "workflow_front_matter_not_a_map"
INVALID: Final = "workflow_invalid_setting"
KIND: Final = "missing_tracker_kind"

# File: the code, line and key of its first problem, and how many problems there are.
BAD: Final[dict[str, tuple[str, int, str | None, int]]] = {
    "alias.md": (PARSE, 2, "tracker", 2),
    "alias_bomb.md": (PARSE, 2, "a", 20),
    "auto_approve_text.md": (INVALID, 5, "codex.auto_approve", 1),
    "blank_line_first.md": (KIND, 1, "tracker.kind", 1),
    "command_empty.md": (INVALID, 5, "codex.command", 1),
    "command_is_a_list.md": (INVALID, 5, "codex.command", 1),
    "control_character.md": (PARSE, 3, None, 1),
    "deep.md": (PARSE, 4, None, 1),
    "duplicate_key.md": (PARSE, 6, "polling", 1),
    "duplicate_nested.md": (PARSE, 4, "tracker.kind", 1),
    "empty.md": (KIND, 1, "tracker.kind", 1),
    "empty_front_matter.md": (KIND, 1, "tracker.kind", 1),
    "fence_with_space.md": (KIND, 1, "tracker.kind", 1),
    "hook_env.md": (INVALID, 5, "hooks.env[1]", 1),
    "hook_is_a_list.md": (INVALID, 5, "hooks.before_run", 1),
    "hook_timeout.md": (INVALID, 5, "hooks.timeout_ms", 1),
    "hook_with_null_character.md": (INVALID, 5, "hooks.before_run", 1),
    "huge_integer.md": (PARSE, 5, "polling.interval_ms", 1),
    "interval_ages.md": (INVALID, 5, "polling.interval_ms", 1),
    "interval_boolean.md": (INVALID, 5, "polling.interval_ms", 1),
    "interval_fraction.md": (INVALID, 5, "polling.interval_ms", 1),
    "interval_with_unit.md": (INVALID, 5, "polling.interval_ms", 1),
    "interval_zero.md": (INVALID, 5, "polling.interval_ms", 1),
    "kind_is_a_list.md": (INVALID, 3, "tracker.kind", 1),
    "labels_are_text.md": (INVALID, 4, "tracker.required_labels", 1),
    "limits_are_a_list.md": (INVALID, 5, "agent.max_concurrent_agents_by_state", 1),
    "list_root.md": (NOT_A_MAP, 2, None, 1),
    "many_mistakes.md": ("unsupported_tracker_kind", 3, "tracker.kind", 6),
    "mapping_in_value.md": (PARSE, 5, None, 1),
    "max_agents_negative.md": (INVALID, 5, "agent.max_concurrent_agents", 1),
    "max_turns.md": (INVALID, 5, "agent.max_turns", 1),
    "merge_key.md": (PARSE, 3, None, 1),
    "tracker_empty.md": (KIND, 2, "tracker.kind", 1),
    "missing_kind.md": (KIND, 2, "tracker.kind", 1),
    "missing_states.md": ("missing_tracker_states", 2, "tracker.active_states", 2),
    "no_front_matter.md": (KIND, 1, "tracker.kind", 1),
    "not_finite.md": (PARSE, 5, "polling.interval_ms", 1),
    "not_utf8.md": (PARSE, 4, None, 1),
    "not_yaml.md": (PARSE, 4, None, 1),
    "number_key.md": (PARSE, 6, "agent.max_concurrent_agents_by_state", 1),
    "number_root.md": (NOT_A_MAP, 2, None, 1),
    "port.md": (INVALID, 5, "server.port", 1),
    "provider_is_text.md": (INVALID, 4, "tracker.provider", 1),
    "root_of_somebody.md": (INVALID, 5, "workspace.root", 1),
    "sandbox_policy_text.md": (INVALID, 5, "codex.turn_sandbox_policy", 1),
    "scalar_root.md": (NOT_A_MAP, 2, None, 1),
    "second_document.md": (PARSE, 4, None, 1),
    "section_is_text.md": (INVALID, 4, "polling", 1),
    "state_is_a_number.md": (INVALID, 6, "tracker.active_states[1]", 1),
    "state_is_blank.md": (INVALID, 4, "tracker.active_states[1]", 1),
    "tab.md": (PARSE, 3, None, 1),
    "tag.md": (PARSE, 3, "tracker.kind", 1),
    "tracker_is_text.md": (INVALID, 2, "tracker", 1),
    "unsupported_kind.md": ("unsupported_tracker_kind", 3, "tracker.kind", 1),
    "unterminated.md": (PARSE, 1, None, 1),
    "unterminated_almost.md": (PARSE, 1, None, 1),
}

# File: the code and line of each warning.
WARNINGS: Final[dict[str, list[tuple[str, int]]]] = {
    "warn_doubts.md": [("workflow_doubtful_setting", line) for line in (4, 5, 6, 8)],
    "warn_state_limits.md": [("workflow_ignored_state_limit", line) for line in (7, 8, 9)],
    "warn_template.md": [("template_render_error", 7)],
    "warn_unknown_keys.md": [("workflow_unknown_setting", line) for line in (4, 5, 7, 8)],
}

GOOD: Final = sorted(path.name for path in (CORPUS / "good").iterdir())


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(ProblemError) as caught:
        load_workflow(path, environment=ENVIRONMENT, adapter_defaults=ADAPTERS)
    return caught.value.problems


def test_every_bad_file_is_in_the_table() -> None:
    assert sorted(path.name for path in (CORPUS / "bad").iterdir()) == sorted(BAD)


@pytest.mark.proves(
    "workflow.error.class_names",
    "workflow.error.location",
    "workflow.front_matter.map",
    "workflow.front_matter.unterminated",
    "workflow.yaml.invalid",
    "config.validate.types",
    "config.validate.limits",
    "config.codex.command_empty",
    "config.states.required",
    "config.tracker.kind_supported",
)
@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_file_is_refused_with_file_line_and_key(name: str) -> None:
    path = CORPUS / "bad" / name
    problems = problems_of(path)
    first = problems[0]
    assert (first.code, first.line, first.key, len(problems)) == BAD[name]
    assert {problem.path for problem in problems} == {str(path)}
    assert all(problem.message and not problem.message.endswith(".") for problem in problems)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_loads_with_just_its_warnings(name: str) -> None:
    path = CORPUS / "good" / name
    workflow = load_workflow(path, environment=ENVIRONMENT, adapter_defaults=ADAPTERS)
    found = [(warning.code, warning.line) for warning in workflow.warnings]
    assert found == WARNINGS.get(name, [])


@pytest.mark.parametrize("name", [name for name in GOOD if name != "warn_template.md"])
def test_the_prompt_of_a_good_file_renders_for_a_full_and_for_a_bare_issue(name: str) -> None:
    path = CORPUS / "good" / name
    workflow = load_workflow(path, environment=ENVIRONMENT, adapter_defaults=ADAPTERS)
    for issue in (FULL_ISSUE, BARE_ISSUE):
        for attempt in (None, 3):
            assert "None" not in workflow.template.render(issue, attempt)


def test_a_value_that_may_be_a_secret_is_not_repeated() -> None:
    (problem,) = problems_of(CORPUS / "bad" / "provider_is_text.md")
    assert "lin_api" not in str(problem)
