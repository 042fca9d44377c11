"""A daemon on a provider that is asked over the network tells how often it asked."""

from __future__ import annotations

import json

from symphony.domain.json import as_object
from tests.support.daemon_process import run_command
from tests.support.daemon_site import HOUR_MS, WORKS, Site
from tests.support.linear import KEY, PROJECT, linear_fake, put_issue


def test_the_count_is_that_of_the_provider(site: Site) -> None:
    with linear_fake() as fake:
        put_issue(fake)
        provider = {"endpoint": fake.url, "project_slug": PROJECT, "api_key": "$LINEAR_KEY"}
        site.write_workflow(
            tracker={"kind": "linear", "provider": provider}, polling={"interval_ms": HOUR_MS}
        )
        site.write_script("default", WORKS)
        environment = {"LINEAR_KEY": KEY}
        daemon = site.start(str(site.workflow), "--port", "0", environment=environment)
        daemon.wait_for_log(event="session_started")
        done = run_command(
            "status", "--json", directory=site.project, environment=site.environment(environment)
        )
        state = as_object(json.loads(done.stdout)) or {}
        told = (as_object(state["tracker"]) or {})["requests_sent"]
        assert isinstance(told, int)
        assert told >= 1
        page = run_command(
            "status", directory=site.project, environment=site.environment(environment)
        )
        assert f", {told} requests to the tracker\n" in page.stdout
        assert daemon.stop() == 0
