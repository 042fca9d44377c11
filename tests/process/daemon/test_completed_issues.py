"""Shell completion asks the running daemon which issues there are."""

from __future__ import annotations

from tests.support.daemon_site import HOUR_MS, WORKS, Site
from tests.support.shells import completed


def test_issues_are_those_that_the_daemon_knows_and_none_that_a_shell_would_evaluate(
    site: Site,
) -> None:
    site.write_workflow(agent={"max_concurrent_agents": 1}, polling={"interval_ms": HOUR_MS})
    site.write_script("default", WORKS)
    for name in ("MT-1", "MT-2", "MT-$(touch owned)", "MT-`x`"):
        site.write_issue(name)
    daemon = site.start(str(site.workflow), "--port", "0")
    daemon.wait_for_log(event="http_listening")
    daemon.wait_for_log(event="session_started")
    found = completed(site.project, site.environment(), "explain", "MT-")
    assert sorted(found) == ["MT-1", "MT-2"]
    assert not (site.project / "owned").exists()
    assert completed(site.project, site.environment(), "logs", "MT-1") == ["MT-1"]
