"""The HTTP interface of the program itself."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress

import httpx
import pytest

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object
from tests.support.daemon_process import PATIENCE_S, DaemonProcess
from tests.support.daemon_site import HOUR_MS, WORKS, Site

TOKEN = "a-token-that-nobody-else-has"


@contextmanager
def client_of(
    daemon: DaemonProcess, headers: Mapping[str, str] | None = None
) -> Generator[httpx.Client]:
    """A client of the interface, once it listens."""
    port = daemon.wait_for_log(event="http_listening")["port"]
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=PATIENCE_S
    ) as client:
        yield client


def document(client: httpx.Client, path: str = "/api/v1/state") -> JsonObject:
    return as_object(client.get(path).json()) or {}


def session_logs(details: JsonObject) -> Sequence[JsonValue]:
    """Those that the page of an issue names."""
    return as_array((as_object(details["logs"]) or {})["codex_session_logs"]) or ()


def names(client: httpx.Client, rows: str) -> list[object]:
    """The issues that a list of the state has."""
    found = as_array(document(client)[rows]) or ()
    return [(as_object(row) or {}).get("issue_identifier") for row in found]


@pytest.mark.proves(
    "http.enable.flag",
    "http.enable.override",
    "http.enable.ephemeral",
    "http.bind.loopback",
    "http.state.served",
    "http.issue.served",
    "http.issue.unknown",
)
def test_the_flag_opens_the_interface_whatever_the_file_says(site: Site) -> None:
    site.write_script("default", WORKS)
    with socket.create_server(("127.0.0.1", 0)) as other:
        site.write_workflow(server={"port": other.getsockname()[1]})
        site.write_issue("MT-1")
        daemon = site.start(str(site.workflow), "--port", "0")
        with client_of(daemon) as client:
            site.at_gate("MT-1")
            assert names(client, "running") == ["MT-1"]
            # The file is made with its first lines, which are written a moment later.
            site.until(lambda: session_logs(document(client, "/api/v1/MT-1")), "a session log")
            details = document(client, "/api/v1/MT-1")
            assert details["status"] == "running"
            assert as_object(details["workspace"]) == {"path": str(site.workspace("MT-1"))}
            (log,) = session_logs(details)
            assert os.path.isfile(str((as_object(log) or {})["path"]))
            assert client.get("/api/v1/MT-2").status_code == 404
            assert client.post("/api/v1/state").status_code == 405


@pytest.mark.proves("http.enable.flag", "http.refresh.triggers", "http.dashboard.uses_api")
def test_a_refresh_finds_a_new_issue_and_the_events_tell_of_it(site: Site) -> None:
    site.write_script("default", WORKS)
    site.write_workflow(server={"port": 0}, polling={"interval_ms": HOUR_MS})
    daemon = site.start()
    with client_of(daemon) as client:
        daemon.wait_for(lambda: client.get("/readyz").status_code == 200, "it is ready")
        assert client.get("/healthz").status_code == 200
        with client.stream("GET", "/api/v1/events") as stream:
            lines = stream.iter_lines()
            site.write_issue("MT-1")
            with httpx.Client(base_url=client.base_url, trust_env=False) as another:
                answer = another.post("/api/v1/refresh")
            assert answer.status_code == 202
            states = (json.loads(line[6:]) for line in lines if line.startswith("data: "))
            assert next(state for state in states if state["counts"]["running"] == 1)
        assert "symphony_running 1.0" in client.get("/metrics").text.splitlines()


@pytest.mark.proves("http.state.served", "security.secret.http")
def test_what_is_broken_is_shown_and_what_recovers_as_well(site: Site) -> None:
    site.write_workflow(server={"port": 0})
    daemon = site.start()
    with client_of(daemon) as client:
        daemon.wait_for(lambda: client.get("/readyz").status_code == 200, "it is ready")
        good = site.workflow.read_text(encoding="utf-8")
        site.workflow.write_text("---\npolling: 5\n---\n", encoding="utf-8")
        daemon.wait_for(lambda: client.get("/readyz").status_code == 503, "it is not ready")
        problem = str((as_object(document(client)["workflow"]) or {})["problem"])
        assert "WORKFLOW.md" in problem
        site.workflow.write_text(good, encoding="utf-8")
        daemon.wait_for(lambda: client.get("/readyz").status_code == 200, "it is ready again")


def test_a_port_in_use_ends_the_start_and_names_the_key(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        site.write_workflow(server={"port": other.getsockname()[1]})
        daemon = site.start()
        assert daemon.wait_for_exit() == 1
    (told,) = daemon.log(event="startup_failed")
    assert (told["code"], told["key"]) == ("http_port_in_use", "server.port")
    assert told["remedy"]


def test_off_loopback_it_does_not_start_without_a_token(site: Site) -> None:
    site.write_workflow(server={"port": 0, "host": "0.0.0.0"})
    daemon = site.start()
    assert daemon.wait_for_exit() == 1
    (told,) = daemon.log(event="startup_failed")
    assert (told["code"], told["key"]) == ("http_token_required", "server.host")


@pytest.mark.proves("security.secret.http", "security.secret.logs")
def test_the_token_is_asked_for_and_reaches_neither_log_nor_agent(site: Site) -> None:
    site.write_script("default", WORKS)
    hooks = {"before_run": "env > ../../environment"}
    site.write_workflow(server={"port": 0, "host": "0.0.0.0", "token": "$THE_TOKEN"}, hooks=hooks)
    site.write_issue("MT-1")
    daemon = site.start(environment={"THE_TOKEN": TOKEN})
    with client_of(daemon) as client:
        site.at_gate("MT-1")
        assert client.get("/api/v1/state").status_code == 401
    with client_of(daemon, {"Authorization": f"Bearer {TOKEN}"}) as client:
        assert names(client, "running") == ["MT-1"]
        assert TOKEN not in client.get("/api/v1/state").text
    (session,) = site.sessions("MT-1")
    assert TOKEN not in json.dumps(dict(session.environment))
    assert TOKEN not in (site.top / "environment").read_text(encoding="utf-8")
    assert TOKEN not in daemon.log_text()


@pytest.mark.proves("http.failure.isolated", "status.surface.independent")
def test_a_crowd_of_clients_that_ask_nothing_keeps_no_issue_from_being_done(site: Site) -> None:
    site.write_workflow(server={"port": 0}, polling={"interval_ms": 100})
    daemon = site.start()
    port = int(daemon.wait_for_log(event="http_listening")["port"])
    crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    try:
        for number, client in enumerate(crowd):
            with suppress(OSError):  # Those that are too many are cut off.
                client.sendall(b"\0" * 1_000 if number % 2 else b"GET /api/v1/state HTTP/1.1\r\n")
        site.write_issue("MT-1")
        site.until(lambda: site.state("MT-1") == "Done", "MT-1 is done")
    finally:
        for client in crowd:
            client.close()
    with client_of(daemon) as asking:
        daemon.wait_for(lambda: names_or_none(asking) is not None, "there is room again")


def names_or_none(client: httpx.Client) -> list[object] | None:
    """The running issues, or None where the connection was cut off."""
    try:
        return names(client, "running")
    except httpx.TransportError:
        return None


@pytest.mark.proves("http.enable.absent")
def test_without_a_port_nothing_listens(site: Site) -> None:
    site.write_workflow()
    daemon = site.start()
    site.write_issue("MT-1", "Todo")
    daemon.wait_for_log(event="dispatched", issue_identifier="MT-1")
    assert daemon.log(event="http_listening") == []
    if os.geteuid() == 0:  # Nobody else may look into the daemon.
        assert listening(daemon.pid) == []


def listening(pid: int) -> list[str]:
    """The descriptors of the process that are sockets."""
    folder = f"/proc/{pid}/fd"
    targets = [os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)]
    inodes = {target[8:-1] for target in targets if target.startswith("socket:[")}
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and row[9] in inodes]


@pytest.mark.proves("http.failure.isolated", "cli.exit.signal")
def test_a_stop_with_open_streams_is_in_order(site: Site) -> None:
    site.write_workflow(server={"port": 0})
    daemon = site.start()
    with client_of(daemon) as client, client.stream("GET", "/api/v1/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        assert daemon.stop() == 0
        # The answer has its proper end: nothing is raised.
        list(lines)
