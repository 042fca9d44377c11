"""What trackers and agents say, made fit for a page: redacted, short, and without tricks.

The templates escape markup. This removes what escaping leaves: credentials, control characters,
marks that turn the direction of writing around, texts without end, and addresses that are scripts.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

from symphony.agents.text import one_line
from symphony.http.cleaning import Redact, clean_text

MAX_LINE_CHARACTERS: Final = 300
"""Of a title, a message or a reason: four lines on a phone."""
MAX_LINES: Final = 40
"""Of a question; whoever asks more is answered in the tracker."""
MAX_LINK_CHARACTERS: Final = 2_000
"""What browsers and proxies commonly take."""

_WEB: Final = re.compile(r"https?://[\w.~:/?#\[\]@!$&()*+,;=%-]+", re.IGNORECASE | re.ASCII)


class Foreign:
    """Texts of others, as they may be shown."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact

    def line(self, text: str, most: int = MAX_LINE_CHARACTERS) -> str:
        """The text on one line."""
        return one_line(self._redact(text), most)

    def lines(self, text: str) -> tuple[str, ...]:
        """The text with its own lines, and no empty ones."""
        shown = clean_text(text, self._redact).splitlines()
        folded = (one_line(line, MAX_LINE_CHARACTERS) for line in shown)
        return tuple(line for line in folded if line)[:MAX_LINES]

    def link(self, url: str | None) -> str | None:
        """The address if it leads to the web and nowhere else; None where it is not to be followed.

        A browser runs `javascript:` and `data:`, and takes what stands before `@` for a login.
        """
        if url is None or len(url) > MAX_LINK_CHARACTERS or _WEB.fullmatch(url) is None:
            return None
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        if not parts.hostname or parts.username is not None or self._redact(url) != url:
            return None
        return url


def issue_address(identifier: str) -> str:
    """Where the page of an issue is; a slash in an identifier is no step into a folder."""
    return f"/issues/{quote(identifier, safe='', errors='replace')}"
