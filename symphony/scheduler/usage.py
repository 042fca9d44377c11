"""Token accounting: totals never shrink and count nothing twice.

An agent reports absolute totals per thread, again and again, out of order at times, and a resumed
thread reports what earlier runs used. So each thread keeps the highest total seen of each kind, and
only what exceeds it is new (`usage.total.monotonic`, `usage.resume.baseline`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from symphony.domain.ids import ThreadId
from symphony.domain.run import TokenUsage, UsageReported

# A run with more sub-agent threads than this is no longer told apart; what comes then is added to
# nothing, so that a lying agent cannot grow the daemon.
MAX_THREADS_PER_RUN = 1_000


def add(left: TokenUsage, right: TokenUsage) -> TokenUsage:
    """The sum, field by field."""
    return TokenUsage(
        input_tokens=left.input_tokens + right.input_tokens,
        output_tokens=left.output_tokens + right.output_tokens,
        total_tokens=left.total_tokens + right.total_tokens,
    )


def highest(left: TokenUsage, right: TokenUsage) -> TokenUsage:
    """The larger of the two, field by field."""
    return TokenUsage(
        input_tokens=max(left.input_tokens, right.input_tokens),
        output_tokens=max(left.output_tokens, right.output_tokens),
        total_tokens=max(left.total_tokens, right.total_tokens),
    )


def difference(new: TokenUsage, old: TokenUsage) -> TokenUsage:
    """`new - old`, where `new` is nowhere smaller."""
    return TokenUsage(
        input_tokens=new.input_tokens - old.input_tokens,
        output_tokens=new.output_tokens - old.output_tokens,
        total_tokens=new.total_tokens - old.total_tokens,
    )


@dataclass(slots=True, kw_only=True)
class RunUsage:
    """What one run used. `measured` is False until the agent reported anything, so that an
    unmeasured run can be shown as unknown instead of zero."""

    spent: TokenUsage = field(default_factory=TokenUsage)
    seen: dict[ThreadId, TokenUsage] = field(default_factory=dict[ThreadId, TokenUsage])
    measured: bool = False

    def take(self, report: UsageReported) -> TokenUsage:
        """Record a report; return what it adds to the totals."""
        if report.thread_id not in self.seen and len(self.seen) >= MAX_THREADS_PER_RUN:
            return TokenUsage()
        before = self.seen.get(report.thread_id, TokenUsage())
        now = highest(before, report.total)
        self.seen[report.thread_id] = now
        self.measured = True
        if report.is_baseline:
            return TokenUsage()
        added = difference(now, before)
        self.spent = add(self.spent, added)
        return added
