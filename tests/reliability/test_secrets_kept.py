"""A daemon with canaries for secrets, through failures of every kind: none of them flies out.

What may be where is said in docs/security.md. An agent inherits what no tracker declared, such as
the key of its model; no log and no page shows even that.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from symphony.trackers.github.addresses import AddressError, addresses_of
from tests.reliability.secrets_hunt import CANARIES, Hunt, spellings
from tests.reliability.secrets_worlds import INHERITED, VARIABLES, WORLDS, SecretWorld
from tests.support.daemon_process import PATIENCE_S, PROGRAM
from tests.support.daemon_site import WAIT, Site
from tests.support.process_tokens import pids_with

ALL_WORDS = " ".join(secret for name, secret in CANARIES.items() if name != "refused key")
PROMPT = "Work on {{ issue.identifier }}."
HOOKS = ("after_create", "before_run", "after_run", "before_remove")
COMMANDS = (
    *(("check", "--online"), ("status", "--json"), ("plan",), ("doctor",)),
    *(("explain", "@"), ("logs", "@"), ("render", "@")),
)
"""`@` is an issue that has a session and waits for a person."""
NOTICED = ("workflow_rejected", "workflow_reloaded", "workflow_recovered")
REFUSALS = ("is not supported by this client", "There is no tool")
PAGES = (
    *("/api/v1/state", "/metrics", "/healthz", "/readyz", "/", "/api/v1/openapi.json"),
    *("/api/v1/@", "/issues/@", "/api/v1/no-such-issue", "/no/such/page"),
)


@pytest.fixture(params=sorted(WORLDS))
def world(request: pytest.FixtureRequest, site: Site) -> Iterator[SecretWorld]:
    kind: str = request.param
    with WORLDS[kind](site) as opened:
        yield opened


def write_scripts(site: Site, world: SecretWorld) -> None:
    """Agents that tell everything they can lay hands on, in every way that there is."""
    dump = f"env; cat ~/.bash_profile; echo {ALL_WORDS!r} >&2"
    talks = [
        {"do": "run", "command": dump},
        {"do": "message", "text": f"I found {ALL_WORDS}."},
        {"do": "raw", "text": f"debug: {ALL_WORDS}\n", "stream": "stderr"},
        {"do": "raw", "text": f"no message: {ALL_WORDS}\n"},
        {"do": "rate_limits", "limits": {"limitId": "x", "planType": ALL_WORDS, ALL_WORDS: 1}},
        {"do": "error", "message": f"401 for {ALL_WORDS}", "retry": True},
        {"do": "ask", "method": ALL_WORDS, "params": {"key": ALL_WORDS}},
        {"do": "tool", "tool": ALL_WORDS, "arguments": {"key": ALL_WORDS}},
        {"do": "approve_command", "command": f"curl -H {ALL_WORDS!r}"},
        world.ask,
        WAIT,
        world.ask,
        world.finish,
    ]
    crash = f"panic at main.rs:7\n  key = {ALL_WORDS!r}\nlost: {ALL_WORDS!r}\n"
    question = {"id": "q", "header": "Key", "question": f"Is {ALL_WORDS} right?"}
    scripts = {
        "talks": talks,
        "crashes": [
            {"do": "raw", "text": crash, "stream": "stderr"},
            {"do": "exit", "code": 1},
        ],
        "hooks": [],
        "asks": [{"do": "user_input", "questions": [question]}],
        "fails": [{"do": "fail", "message": f"the provider refused {ALL_WORDS}"}],
    }
    for name, steps in scripts.items():
        site.write_script(world.identifiers[name], {"turns": [steps]})


def write_workflow(site: Site, world: SecretWorld) -> None:
    dump = "env; echo $BOARD_KEY; env >> {place}/hook-environment; {end}"
    hooks = {
        name: dump.format(
            place=site.top, end="[ ${PWD##*/} != " + world.identifiers["hooks"] + " ]"
        )
        for name in HOOKS[1:]
    }
    site.write_workflow(
        PROMPT,
        tracker=world.tracker,
        hooks={**hooks, "after_create": dump.format(place=site.top, end="true")},
        server={"port": 0, "token": "$SURFACE_TOKEN"},
    )


def ask(site: Site, *words: str) -> subprocess.CompletedProcess[bytes]:
    """A command of the operator, in whose shell the same variables are set."""
    return subprocess.run(
        [PROGRAM, *words],
        cwd=site.project,
        env=site.environment(VARIABLES),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )


def look_at_pages(site: Site, hunt: Hunt, issue: str) -> None:
    port = site.daemon.log(event="http_listening")[0]["port"]
    token = CANARIES["surface token"]
    for headers in ({"Authorization": f"Bearer {token}"}, {"Authorization": f"Basic {token}"}, {}):
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE_S
        ) as client:
            for path in PAGES:
                answer = client.get(path.replace("@", issue))
                hunt.look(f"{path} ({answer.status_code})", answer.content)
                hunt.look(f"the headers of {path}", str(answer.headers))
            with client.stream("GET", "/api/v1/events") as events:
                hunt.look("/api/v1/events", next(events.iter_bytes(), b""))


def look_at_processes(site: Site, hunt: Hunt) -> int:
    """Of the children that are there now, the daemon and its warden left out."""
    count = 0
    for pid in pids_with(site.token):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        hunt.look(f"the command line of {words!r}", words)
        if str(site.launcher).encode() in words or b"--journal=" in words:
            count += 1
            hunt.look(f"the environment of {words!r}", environment, but_for=INHERITED)
    return count


def look_at_agents(site: Site, hunt: Hunt) -> None:
    """What they were started with, were told, and were answered."""
    for session in site.all_sessions():
        hunt.look("the environment of an agent", json.dumps(session.environment), INHERITED)
        for entry in (*session.entries("received"), *session.entries("answered")):
            text = json.dumps(entry)
            # What is refused comes back to the agent in its own words.
            if not any(words in text for words in REFUSALS):
                hunt.look("what an agent was told", text)


def break_the_workflow(site: Site, hunt: Hunt) -> None:
    """Edits that are refused, and talk of keys on the very lines that are wrong."""
    good, known, new = site.workflow.read_text(), CANARIES["tool key"], CANARIES["refused key"]
    wrong = (
        good.replace("---\n", f"---\nbad: [{known}\n", 1),
        good.replace("interval_ms: 100", f"interval_ms: {known}"),
        good.replace(PROMPT, "{{ nothing['" + known + "'] }}"),
        good.replace("$SURFACE_TOKEN", f"[{new}]"),
        good.replace("$SURFACE_TOKEN", new[:15]),
        good.replace("$BOARD_KEY", f"{{key: {new}}}"),
        good.replace("http://127.0.0.1", f"http://ada:{new}@127.0.0.1"),
    )
    for text in wrong:
        if text == good:
            continue  # This board has no such key.
        count = len(site.daemon.events(*NOTICED)) + 1
        site.write_workflow_text(text)
        site.daemon.wait_for(
            lambda count=count: len(site.daemon.events(*NOTICED)) >= count, "the edit is seen"
        )
        if new in text:
            # What is known only as a key is not quoted, and what stands elsewhere is.
            done = ask(site, "check")
            hunt.look("symphony check of a wrong file", done.stdout + done.stderr, ("tool key",))
    site.write_workflow_text(good)


@pytest.mark.proves(
    "security.secret.logs",
    "security.secret.http",
    "security.agent_env.absent",
    "security.agent_env.removed",
    "hook.env.secrets",
    "tool.result.no_secret",
)
def test_no_canary_flies_out(site: Site, world: SecretWorld) -> None:
    hunt = Hunt({name: CANARIES[name] for name in CANARIES if name not in world.not_secret})
    variables = {**VARIABLES, **dict.fromkeys(world.own, CANARIES["reading key"])}
    profile = "".join(
        f"export {name}='{VARIABLES['BOARD_KEY']}'\n" for name in ("BOARD_KEY", *world.own)
    )
    (site.home / ".bash_profile").write_text(profile)
    write_scripts(site, world)
    write_workflow(site, world)
    logs = site.top / "logs"
    site.start(str(site.workflow), "--logs-root", str(logs), environment=variables)
    talks, waits = world.identifiers["talks"], world.identifiers["asks"]
    working = site.at_gate(talks)
    site.daemon.wait_for_log(event="issue_blocked", issue_identifier=waits)
    for name in ("crashes", "hooks", "fails"):
        site.daemon.wait_for_log(event="run_ended", issue_identifier=world.identifiers[name])
    assert look_at_processes(site, hunt) >= 1
    look_at_pages(site, hunt, waits)
    look_at_pages(site, hunt, talks)
    if world.own:
        world.echo()
        failed = ("candidate_read_failed", "reconcile_read_failed")
        site.until(lambda: site.daemon.events(*failed), "a read fails")
        look_at_pages(site, hunt, talks)
    for words in COMMANDS:
        done = ask(site, *(waits if word == "@" else word for word in words))
        hunt.look(f"symphony {' '.join(words)} ({done.returncode})", done.stdout + done.stderr)
    break_the_workflow(site, hunt)
    look_at_pages(site, hunt, waits)
    working.go()
    site.daemon.wait_for_log(event="workspace_removed", issue_identifier=talks)
    assert site.daemon.stop() == 0
    look_at_agents(site, hunt)
    hunt.look("the environment of hooks", (site.top / "hook-environment").read_bytes(), INHERITED)
    own = (site.workflow, site.home / ".bash_profile", site.scripts, site.agents)
    files = hunt.look_below(site.top, leave_out=(*own, site.top / "hook-environment"))
    print(f"{hunt.places} places, {files} files, {hunt.bytes} bytes")
    assert "\n".join(sorted(set(hunt.finds))) == ""
    assert files >= 5


@pytest.mark.parametrize("name", CANARIES)
def test_a_canary_that_is_out_is_found_in_every_spelling(name: str, tmp_path: Path) -> None:
    secret = CANARIES[name]
    for number, spelling in enumerate(sorted(spellings(secret))):
        (tmp_path / f"file-{number}").write_bytes(b"before" + spelling + b"after")
    hunt = Hunt(CANARIES)
    count = hunt.look_below(tmp_path)
    assert len(hunt.finds) == count
    assert all(find.startswith(f"the {name} in ") for find in hunt.finds)
    hunt.look("a place where it may be", secret, but_for=(name,))
    assert len(hunt.finds) == count


def test_no_canary_is_a_part_of_another() -> None:
    for name, secret in CANARIES.items():
        assert not any(name != other and secret in CANARIES[other] for other in CANARIES)


# What came out of this.


@pytest.mark.parametrize("address", ["http://ada:{}@127.0.0.1", "https://h.example/?token={}"])
def test_an_address_with_a_credential_is_refused_without_a_word_of_it(address: str) -> None:
    for secret in CANARIES.values():
        with pytest.raises(AddressError) as caught:
            addresses_of(address.format(secret))
        hunt = Hunt(CANARIES)
        hunt.look("the refusal", str(caught.value))
        assert hunt.finds == []
