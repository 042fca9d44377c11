"""`/metrics` in the Prometheus text format, computed from one snapshot per scrape.

Labels come from closed sets of ours, never from an issue or an agent: nobody can make them grow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from symphony import __version__
from symphony.http.view import DaemonView
from symphony.scheduler.snapshot import Snapshot

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The daemon's own figures and those of its process."""

    def __init__(self, view: DaemonView) -> None:
        self._view = view
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)

    def render(self, snapshot: Snapshot, event_clients: int) -> bytes:
        """The text of one scrape."""
        registry = CollectorRegistry()
        registry.register(_Scrape(snapshot, self._view, event_clients))
        return generate_latest(registry) + generate_latest(self._process)


class _Scrape(Collector):
    def __init__(self, snapshot: Snapshot, view: DaemonView, event_clients: int) -> None:
        self._snapshot = snapshot
        self._has_polled = view.has_polled()
        self._requests_sent = view.requests_sent()
        self._event_clients = event_clients

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("symphony_build", "The program.", {"version": __version__})
        yield from _work(self._snapshot)
        yield from _cost(self._snapshot)
        yield from _health(self._snapshot, self._has_polled)
        if self._requests_sent is not None:
            words = "Requests to the tracker, those of the tools included."
            yield _counter("tracker_requests", words, self._requests_sent)
        yield _gauge("http_event_clients", "Readers of server-sent events.", self._event_clients)


def _work(snapshot: Snapshot) -> Iterator[Metric]:
    yield _gauge("running", "Sessions that go on.", len(snapshot.running))
    yield _gauge("retrying", "Issues that wait for a retry.", len(snapshot.retrying))
    yield _gauge("blocked", "Issues that wait for a person.", len(snapshot.blocked))
    yield _gauge("cleaning", "Workspaces that are being removed.", len(snapshot.cleaning))
    skipped = GaugeMetricFamily(
        "symphony_skipped", "Candidates of the last poll that were not started.", labels=["code"]
    )
    for code, count in sorted(Counter(row.code for row in snapshot.skipped).items()):
        skipped.add_metric([code], count)
    yield skipped
    yield _gauge("slots_free", "Sessions that could be started now.", snapshot.free_slots)
    yield _gauge("slots", "Sessions that may run at once.", snapshot.max_concurrent_agents)


def _cost(snapshot: Snapshot) -> Iterator[Metric]:
    yield _counter("completed_runs", "Runs that ended well.", snapshot.completed_runs)
    yield _counter("session_seconds", "Running time of all sessions.", snapshot.seconds_running)
    tokens = CounterMetricFamily(
        "symphony_tokens", "Tokens that all sessions used.", labels=["kind"]
    )
    tokens.add_metric(["input"], snapshot.totals.input_tokens)
    tokens.add_metric(["output"], snapshot.totals.output_tokens)
    tokens.add_metric(["total"], snapshot.totals.total_tokens)
    yield tokens


def _health(snapshot: Snapshot, has_polled: bool) -> Iterator[Metric]:
    poll = snapshot.last_poll
    yield _gauge("has_polled", "1 once the tracker has answered a poll.", has_polled)
    if poll is not None:
        at = poll.at.timestamp()
        yield _gauge("last_poll_timestamp_seconds", "When the last poll was answered.", at)
        yield _gauge("last_poll_failed", "1 if the last poll failed.", poll.problem is not None)
        yield _gauge("candidates", "Issues that the last poll found.", poll.candidates)
    held = snapshot.reads_held_ms / 1000
    yield _gauge("reads_held_seconds", "How long the provider wants no requests.", held)
    invalid = snapshot.workflow_problem is not None
    yield _gauge("workflow_invalid", "1 while WORKFLOW.md cannot be used.", invalid)
    yield _gauge("draining", "1 while the daemon stops.", snapshot.draining)


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"symphony_{name}", words, value=value)


def _counter(name: str, words: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"symphony_{name}", words, value=value)
