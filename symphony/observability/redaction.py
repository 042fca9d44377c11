"""Keeps secrets out of everything that is written (`security.secret.logs`).

Two nets. The first knows the secrets in use and finds them verbatim and in the forms in which
JSON and addresses carry them. The second knows the shapes of common credentials and catches what
nobody declared, such as a token that an agent prints. Neither looks into base64 or compressed
text, nor for a secret that is spread over several lines or fields.

Safe to use from several threads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

MASK = "[redacted]"

# A shorter value protects nothing, and blanking every "a" or "123" would make logs unreadable.
MIN_SECRET_CHARACTERS = 4

# A line of a secret with several lines, such as a private key, is looked for on its own. Shorter
# lines are left alone, because they can be plain words.
MIN_SECRET_LINE_CHARACTERS = 16

# Secrets that were in use before a reload stay masked: running sessions may still use them. The
# bound is far above what any editing of a workflow file produces in the life of a daemon.
MAX_REMEMBERED_SECRETS = 256

# How far around a cut the shapes are looked for; longer than common credentials.
SHAPE_REACH_CHARACTERS = 4_096

# Moving a cut before one secret can put it across another. Text in which that never ends is made
# of secrets, or made to cost time; nothing of it is kept.
MAX_MOVES_OF_A_CUT = 50

# A credential begins at the start of a word; in JSON text the `n` of `\n` may stand before it.
_START = r"(?:(?<![A-Za-z0-9_])|(?<=\\[nrtbf]))"


@dataclass(frozen=True, slots=True)
class _Shape:
    """`markers` are a cheap test: without one of them the pattern is not tried at all.

    Every pattern is linear: an unbounded repeat is anchored at the start of a word and ends it.
    """

    markers: tuple[str, ...]
    pattern: re.Pattern[str]

    def mask(self, text: str) -> str:
        if not any(marker in text for marker in self.markers):
            return text
        return self.pattern.sub(lambda match: f"{match['before']}{MASK}", text)


def _shape(*markers: str, pattern: str) -> _Shape:
    return _Shape(markers, re.compile(pattern))


_SHAPES = (
    # GitHub: personal, OAuth, user, server, refresh and fine-grained tokens.
    _shape(
        *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        pattern=rf"(?P<before>{_START})(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{{16,}}",
    ),
    # Linear: API keys and OAuth tokens.
    _shape("lin_", pattern=rf"(?P<before>{_START})lin_(?:api|oauth)_[A-Za-z0-9]{{16,}}"),
    # Model providers.
    _shape("sk-", pattern=rf"(?P<before>{_START})sk-[A-Za-z0-9_-]{{16,}}"),
    # Access keys of AWS, tokens of Slack and GitLab.
    _shape(
        *("AKIA", "xox", "glpat-"),
        pattern=rf"(?P<before>{_START})(?:AKIA|xox[abprs]-|glpat-)[A-Za-z0-9_-]{{16,}}",
    ),
    # Signed tokens: three base64url parts.
    _shape(
        "eyJ",
        pattern=rf"(?P<before>{_START})eyJ[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]*",
    ),
    # Credentials in a header.
    _shape(
        *("earer", "EARER"),
        pattern=r"(?P<before>(?i:bearer)\s{1,4})[A-Za-z0-9._~+/=-]{16,}",
    ),
    _shape("asic", "ASIC", pattern=r"(?P<before>(?i:basic)\s{1,4})[A-Za-z0-9+/=]{16,}"),
    # User and password in an address, as git remotes have them.
    _shape("://", pattern=r"(?P<before>://)[^\s/@:\"\\]{1,200}:[^\s/@\"\\]{1,400}(?=@)"),
    _shape(
        "PRIVATE KEY",
        pattern=r"(?P<before>-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)[^-]{1,20000}",
    ),
)


class Redactor:
    """Masks secrets in text. The set of known secrets grows with `update`."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._secrets: dict[str, tuple[str, ...]] = {}
        self._forms: tuple[str, ...] = ()
        self.update(values)

    def update(self, values: Iterable[str]) -> None:
        """Mask these values too from now on.

        Values of fewer than `MIN_SECRET_CHARACTERS` are ignored. Earlier values stay masked, up to
        `MAX_REMEMBERED_SECRETS`.
        """
        secrets = dict(self._secrets)
        for value in values:
            if len(value.strip()) >= MIN_SECRET_CHARACTERS:
                secrets.pop(value, None)
                secrets[value] = tuple(_forms(value))
        for oldest in list(secrets)[: max(0, len(secrets) - MAX_REMEMBERED_SECRETS)]:
            del secrets[oldest]
        self._secrets = secrets
        # The longest first: a secret may contain another one.
        every_form = {form for forms in secrets.values() for form in forms}
        self._forms = tuple(sorted(every_form, key=lambda form: (-len(form), form)))

    def redact(self, text: str) -> str:
        """The text with every known secret, and everything shaped like one, replaced by `MASK`."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        for shape in _SHAPES:
            text = shape.mask(text)
        return text

    def cut(self, text: str, limit: int) -> str:
        """The redacted beginning of the text, made from at most `limit` characters of it.

        A secret that lies across the cut is left out as a whole: half a secret is recognised by
        nobody and would be written.
        """
        if len(text) <= limit:
            return self.redact(text)
        return self.redact(text[: self._before_secret(text, limit)])

    def _before_secret(self, text: str, limit: int) -> int:
        end = limit
        for _ in range(MAX_MOVES_OF_A_CUT):
            start = min(self._starts_across(text, end), default=end)
            if start == end:
                return end
            end = start
        return 0

    def _starts_across(self, text: str, end: int) -> Iterator[int]:
        """Where the secrets begin that lie on both sides of `end`."""
        for form in self._forms:
            reach = len(form) - 1
            start = text.find(form, max(0, end - reach), end + reach)
            if start >= 0:
                yield start
        offset = max(0, end - SHAPE_REACH_CHARACTERS)
        window = text[offset : end + SHAPE_REACH_CHARACTERS]
        for shape in _SHAPES:
            if any(marker in window for marker in shape.markers):
                for match in shape.pattern.finditer(window):
                    if offset + match.start() < end < offset + match.end():
                        yield offset + match.start()


def _forms(secret: str) -> Iterator[str]:
    """The spellings in which one secret can turn up."""
    stripped = secret.strip()
    yield from _spellings(stripped)
    lines = stripped.splitlines()
    if len(lines) > 1:
        for line in lines:
            if len(line.strip()) >= MIN_SECRET_LINE_CHARACTERS:
                yield from _spellings(line.strip())


def _spellings(text: str) -> Iterator[str]:
    yield text
    yield text.replace("/", "\\/")
    for ascii_only in (True, False):
        in_json = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield in_json
        yield in_json.replace("/", "\\/")
        # JSON text as a string in JSON, such as the arguments of a tool call.
        yield json.dumps(in_json, ensure_ascii=ascii_only)[1:-1]
    for encoded in (
        quote(text, safe="", errors="surrogateescape"),
        quote(text, errors="surrogateescape"),
        quote_plus(text, errors="surrogateescape"),
    ):
        yield encoded
        yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)
