"""How reports call and mark what they show: one vocabulary for all of them.

Guarantees: every standing has a word, a sign that tells it apart without colour, and a sentence;
texts that came from an implementation lose what could steer a terminal. Must not: judge.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from conformance.catalogue import Level
from conformance.outcomes import Outcome
from conformance.reports.model import ATTESTED, EXCLUDED, UNDOCUMENTED, RunReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`key` is what records and class names use, `kind` what groups it: good, bad, doubt, quiet."""

    key: str
    word: str
    sign: str
    kind: str
    meaning: str


def _standing(key: str, word: str, sign: str, kind: str, meaning: str) -> Standing:
    return Standing(key=key, word=word, sign=sign, kind=kind, meaning=meaning)


STANDINGS: Mapping[str, Standing] = {
    each.key: each
    for each in (
        _standing(Outcome.HARNESS_ERROR, "suite error", "‼", "bad", "the suite itself failed"),
        _standing(Outcome.FAIL, "failed", "✗", "bad", "seen to be broken"),
        _standing(
            Outcome.INCONCLUSIVE,
            "inconclusive",
            "?",
            "doubt",
            "came so late that a slow machine explains it too",
        ),
        _standing(
            Outcome.UNTESTABLE,
            "not reached",
            "⊘",
            "doubt",
            "an earlier step did not come about, so it could not be checked",
        ),
        _standing(Outcome.WARN, "warning", "!", "doubt", "a recommendation is not followed"),
        _standing(Outcome.PASS, "passed", "✓", "good", "checked, and it holds"),
        _standing(Outcome.INFO, "recorded", "i", "quiet", "observed, never judged"),
        _standing(ATTESTED, "attested", "§", "quiet", "stated by the documentation"),
        _standing(EXCLUDED, "excluded", "—", "quiet", "has no check, for a stated reason"),
        _standing(UNDOCUMENTED, "undocumented", "…", "quiet", "no documentation is linked"),
        _standing(
            Outcome.NOT_APPLICABLE,
            "not applicable",
            "○",
            "quiet",
            "binds only those who offer something that is not offered here",
        ),
        _standing(Outcome.NOT_RUN, "not run", "·", "quiet", "no check of it was part of this run"),
    )
}
"""Every standing, what needs attention first."""

LEVEL_MEANINGS: Mapping[Level, str] = {
    Level.MUST: "required",
    Level.SHOULD: "recommended",
    Level.MAY: "permitted",
    Level.DOCUMENT: "to be documented",
}


def present(counts: Mapping[str, Mapping[str, int]]) -> Sequence[Standing]:
    """The standings that occur in the counts, in their order."""
    seen = {key for of_level in counts.values() for key in of_level}
    return [standing for standing in STANDINGS.values() if standing.key in seen]


def levels_present(counts: Mapping[str, Mapping[str, int]]) -> Sequence[Level]:
    """The levels that have any requirement, in their order."""
    return [level for level in Level if counts.get(level)]


def sentence_of_counts(counts: Mapping[str, int]) -> str:
    """`1 failed, 12 passed`: what needs attention first."""
    return ", ".join(
        f"{counts[key]} {standing.word}" for key, standing in STANDINGS.items() if counts.get(key)
    )


def verdict_sentence(report: RunReport) -> str:
    """What the run said of itself, or that it did not come to say it."""
    if report.ended is None:
        return "no verdict: the run was interrupted"
    return report.ended.verdict


def plain(text: str) -> str:
    """Without control characters, other than line ends and tabs, and without marks that reorder
    what is shown."""
    return "".join(each if _harmless(each) else "�" for each in text)


def _harmless(character: str) -> bool:
    return character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")


def on_one_line(text: str, longest: int | None = None) -> str:
    """All white space made single spaces, and cut at `longest` characters."""
    joined = " ".join(plain(text).split())
    return joined if longest is None or len(joined) <= longest else f"{joined[: longest - 1]}…"


def subject(report: RunReport) -> str:
    """Name and version of what was judged."""
    return f"{report.run.name} {report.run.version}".strip()


def joined(parts: Iterable[object]) -> str:
    """A list in a sentence; `none` where it is empty."""
    return ", ".join(str(part) for part in parts) or "none"


def capitalised(sentence: str) -> str:
    """With a capital at the beginning and the rest as it was."""
    return sentence[:1].upper() + sentence[1:]
