"""Patterns, profiles and capabilities decide what is played, and say why when nothing is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from conformance.catalogue import Profile, RequirementId, load_catalogue
from conformance.runner.selection import Offer, Selection, SelectionError, select
from conformance.scenario import Lane, Scenario

CATALOGUE = load_catalogue()


async def nothing(lab: object) -> None:
    """Is never played here."""


def made(
    name: str,
    *checks: str,
    profile: Profile = Profile.CORE,
    needs: Sequence[str] = (),
    dialects: Sequence[str] = (),
) -> Scenario:
    return Scenario(
        name=name,
        title=name,
        checks=tuple(CATALOGUE.require(each).id for each in checks),
        lane=Lane.FAST,
        profile=profile,
        needs=frozenset(needs),
        dialects=frozenset(dialects),
        play=nothing,
    )


BACKOFF = made("a_failed_turn_backs_off", "retry.backoff.failure", "retry.backoff.cap")
ORDER = made("the_oldest_goes_first", "order.created.oldest")
API = made("the_api_answers", "http.state.served", profile=Profile.HTTP, needs=["http"])
RESUMES = made("a_thread_is_resumed", "usage.resume.baseline", needs=["thread_resume"])
GITHUB = made("a_transfer_is_followed", "tracker.ids.foreign", dialects=["github"])
ALL = (BACKOFF, ORDER, API, RESUMES, GITHUB)

CORE = Offer(dialect="linear", capabilities=frozenset(), profiles=frozenset({Profile.CORE}))


def chosen(
    *patterns: str, offer: Offer = CORE, profiles: Sequence[Profile] = ()
) -> tuple[Selection, list[str]]:
    selection = select(ALL, CATALOGUE, offer, patterns=patterns, profiles=profiles)
    return selection, [each.name for each in selection.scenarios]


def test_without_patterns_all_that_fit_are_played() -> None:
    selection, names = chosen()
    assert names == [BACKOFF.name, ORDER.name]
    assert selection.checks == {*BACKOFF.checks, *ORDER.checks}


def test_what_is_not_declared_is_not_applicable_and_says_what_is_missing() -> None:
    reasons = chosen()[0].not_applicable
    assert reasons[RequirementId("usage.resume.baseline")] == (
        "the manifest does not declare thread_resume"
    )
    assert "github tracker only" in reasons[RequirementId("tracker.ids.foreign")]
    assert "http profile" in reasons[RequirementId("http.state.served")]


def test_a_whole_profile_that_is_not_offered_is_not_applicable() -> None:
    reasons = chosen()[0].not_applicable
    for requirement in CATALOGUE:
        if requirement.profile is not Profile.CORE:
            assert requirement.id in reasons
    assert RequirementId("retry.backoff.failure") not in reasons


def test_what_another_scenario_checks_stays_applicable() -> None:
    other = made("another_way", "usage.resume.baseline")
    selection = select((RESUMES, other), CATALOGUE, CORE)
    assert RequirementId("usage.resume.baseline") not in selection.not_applicable


@pytest.mark.parametrize(
    "pattern", ["retry", "retry.backoff.cap", "*.backoff.*", "a_failed_*", BACKOFF.name]
)
def test_a_pattern_is_an_id_its_beginning_a_wildcard_or_a_scenario(pattern: str) -> None:
    assert chosen(pattern)[1] == [BACKOFF.name]


def test_a_pattern_that_matches_nothing_is_refused_with_what_comes_close() -> None:
    with pytest.raises(SelectionError, match=r"retry\.backoff\.failure"):
        chosen("order", "retry.backof.failure")


def test_a_requirement_that_no_scenario_checks_leaves_nothing_to_play() -> None:
    with pytest.raises(SelectionError, match="no scenario checks"):
        chosen("config.root.home")


def test_a_scenario_that_the_manifest_excludes_is_refused_with_the_reason() -> None:
    with pytest.raises(SelectionError, match="does not declare thread_resume"):
        chosen(RESUMES.name)


def test_a_profile_that_is_not_offered_is_refused() -> None:
    with pytest.raises(SelectionError, match="does not offer the http profile"):
        chosen(profiles=[Profile.HTTP])


def test_a_profile_narrows_the_run() -> None:
    offer = Offer(
        dialect="github",
        capabilities=frozenset({"http", "thread_resume"}),
        profiles=frozenset({Profile.CORE, Profile.HTTP}),
    )
    assert chosen(offer=offer, profiles=[Profile.HTTP])[1] == [API.name]
    assert len(chosen(offer=offer)[1]) == len(ALL)
