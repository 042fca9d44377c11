"""The fake GitHub answers as GitHub does, also to those who do it wrong."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass

import httpx
import pytest

from conformance.fakes.faults import Fault
from conformance.fakes.github.chaos import legal
from conformance.fakes.github.entities import Repository, Token
from conformance.fakes.github.hub import Hub
from conformance.fakes.github.server import GitHubFake
from conformance.fakes.json_values import JsonObject, JsonValue, as_array, as_object

PLACE = "/repos/acme/widgets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    fake: GitHubFake
    repository: Repository
    client: httpx.Client

    def ask(self, method: str, path: str, body: JsonValue = None, **more: str) -> httpx.Response:
        headers = {
            "Authorization": "Bearer person",
            **{k.replace("_", "-"): v for k, v in more.items()},
        }
        return self.client.request(method, f"{self.fake.url}{path}", json=body, headers=headers)

    def send(self, body: bytes) -> httpx.Response:
        headers = {"Authorization": "Bearer person", "Content-Type": "application/json"}
        return self.client.post(f"{self.fake.url}/graphql", content=body, headers=headers)

    def query(self, text: str, *, by: str = "person", **variables: JsonValue) -> JsonObject:
        body: Mapping[str, JsonValue] = {"query": text, "variables": variables}
        return as_object(self.ask("POST", "/graphql", body, Authorization=f"bearer {by}").json())


TOKENS = {
    "person": Token(login="ada"),
    "app": Token(login=None),
    "reader": Token(can_write=False),
    "stranger": Token(repositories=frozenset()),
}


@pytest.fixture
def site() -> Generator[Site]:
    hub = Hub()
    repository = hub.add_repository("acme/widgets")
    with (
        GitHubFake(hub, tokens=TOKENS) as fake,
        httpx.Client(trust_env=False) as client,
    ):
        yield Site(fake=fake, repository=repository, client=client)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer unknown"}, 401),
        ({"Authorization": "person"}, 401),
        ({"Authorization": "token person"}, 200),
        ({"User_Agent": ""}, 403),
        ({"X_GitHub_Api_Version": "2022-11-28"}, 200),
        ({"X_GitHub_Api_Version": "1999-01-01"}, 400),
        ({"Accept": "application/vnd.github.raw+json"}, 200),
        ({"Accept": "text/plain"}, 415),
        ({"Authorization": "Bearer stranger"}, 404),
    ],
)
def test_headers_are_judged(site: Site, headers: dict[str, str], status: int) -> None:
    assert site.ask("GET", f"{PLACE}/issues", **headers).status_code == status


@pytest.mark.parametrize("body", [b"{", b"[" * 50_000])
def test_a_body_that_is_no_json_is_refused(site: Site, body: bytes) -> None:
    assert site.send(body).status_code == 400


def test_an_unchanged_resource_is_a_304_that_costs_nothing(site: Site) -> None:
    site.fake.hub.put_issue(site.repository)
    first = site.ask("GET", f"{PLACE}/issues")
    tag = first.headers["ETag"]
    again = site.ask("GET", f"{PLACE}/issues", If_None_Match=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["X-RateLimit-Remaining"] == first.headers["X-RateLimit-Remaining"]
    site.fake.hub.put_issue(site.repository, 1, title="Another")
    assert site.ask("GET", f"{PLACE}/issues", If_None_Match=tag).status_code == 200
    assert site.fake.spent() == 2


def test_lists_are_filtered_and_linked_from_page_to_page(site: Site) -> None:
    hub = site.fake.hub
    for number in range(5):
        hub.put_issue(site.repository, labels=["Bug"] if number % 2 else [])
    hub.set_open(site.repository.issues[5], False)
    hub.add_pull_request(site.repository)
    found = site.ask("GET", f"{PLACE}/issues?labels=bug&per_page=1&direction=asc")
    assert [each["number"] for each in found.json()] == [2]
    following = site.client.get(
        found.links["next"]["url"], headers={"Authorization": "Bearer person"}
    )
    assert [each["number"] for each in following.json()] == [4]
    assert "next" not in following.links
    everything = site.ask("GET", f"{PLACE}/issues?state=all").json()
    assert [each["number"] for each in everything] == [6, 5, 4, 3, 2, 1]
    assert [each["number"] for each in everything if "pull_request" in each] == [6]


def test_what_moved_redirects_and_what_is_gone_says_so(site: Site) -> None:
    hub = site.fake.hub
    elsewhere = hub.add_repository("acme/elsewhere")
    for _ in range(2):
        hub.put_issue(site.repository)
    hub.transfer_issue(site.repository, 1, elsewhere)
    hub.delete_issue(site.repository, 2)
    moved = site.ask("GET", f"{PLACE}/issues/1")
    assert moved.status_code == 301
    assert moved.headers["Location"].endswith(f"/repositories/{elsewhere.id}/issues/1")
    assert site.ask("GET", f"{PLACE}/issues/2").status_code == 410
    assert site.ask("GET", f"{PLACE}/issues/3").status_code == 404


def test_changes_need_the_right_to_change(site: Site) -> None:
    site.fake.hub.put_issue(site.repository)
    refused = site.ask(
        "PATCH", f"{PLACE}/issues/1", {"state": "closed"}, Authorization="Bearer reader"
    )
    assert refused.status_code == 403
    assert site.repository.issues[1].is_open
    assert site.ask("PATCH", f"{PLACE}/issues/1", {"state": "closed"}).json()["state"] == "closed"


def test_a_pull_request_is_linked_to_what_it_closes(site: Site) -> None:
    site.fake.hub.put_issue(site.repository)
    body = {"title": "Do it", "head": "work", "base": "main", "body": "Fixes #1"}
    made = site.ask("POST", f"{PLACE}/pulls", body)
    assert made.status_code == 201
    assert site.ask("PUT", f"{PLACE}/pulls/2/merge", {}).json()["merged"] is True
    assert not site.repository.issues[1].is_open
    content = site.query(
        'query { repository(owner: "acme", name: "widgets") { issue(number: 1) { '
        "closedByPullRequestsReferences(first: 5, includeClosedPrs: true) "
        "{ nodes { number state } } } } }"
    )
    assert '"nodes": [{"number": 2, "state": "MERGED"}]' in json.dumps(content)


def test_an_app_has_no_viewer(site: Site) -> None:
    assert "errors" not in site.query("{ viewer { login } }")
    errors = as_array(site.query("{ viewer { login } }", by="app")["errors"])
    assert as_object(errors[0])["type"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("field", "type_"),
    [
        ("issues { totalCount }", "MISSING_PAGINATION_BOUNDARIES"),
        ("issues(first: 101) { totalCount }", "EXCESSIVE_PAGINATION"),
        ('issues(first: 1, after: "x") { totalCount }', "INVALID_CURSOR_ARGUMENTS"),
        ("issue(number: 9) { id }", "NOT_FOUND"),
    ],
)
def test_graphql_refuses_as_github_does(site: Site, field: str, type_: str) -> None:
    content = site.query(f'{{ repository(owner: "acme", name: "widgets") {{ {field} }} }}')
    errors = as_array(content["errors"])
    assert as_object(errors[0])["type"] == type_


def test_a_field_that_does_not_exist_is_named(site: Site) -> None:
    errors = as_array(site.query("{ repositry { id } }")["errors"])
    extensions = as_object(as_object(errors[0])["extensions"])
    assert (extensions["code"], extensions["fieldName"]) == ("undefinedField", "repositry")


def test_legal_chaos_changes_pages_and_order_and_loses_nothing() -> None:
    orders: set[tuple[int, ...]] = set()
    for seed in (1, 2, 3):
        hub = Hub()
        repository = hub.add_repository("acme/widgets")
        for _ in range(9):
            hub.put_issue(repository)
        with (
            GitHubFake(hub, tokens=TOKENS, chaos=legal(seed)) as fake,
            httpx.Client(headers={"Authorization": "Bearer person"}, trust_env=False) as client,
        ):
            numbers: list[int] = []
            url: str | None = f"{fake.url}{PLACE}/issues?per_page=100"
            while url is not None:
                page = client.get(url)
                assert len(page.json()) <= 2
                numbers += [each["number"] for each in page.json()]
                url = page.links["next"]["url"] if "next" in page.links else None
            assert sorted(numbers) == list(range(1, 10))
            orders.add(tuple(numbers))
    assert len(orders) == 3


def test_faults_happen_to_the_requests_they_are_meant_for(site: Site) -> None:
    site.fake.faults.add(Fault(kind="status", status=500, only="labels", skip=1))
    statuses = [
        site.ask("GET", f"{PLACE}/{name}").status_code
        for name in ("labels", "issues", "labels", "labels")
    ]
    assert statuses == [200, 200, 500, 200]
    recorded = site.fake.requests.all()
    assert [each.status for each in recorded] == statuses
    assert [each.at for each in recorded] == sorted(each.at for each in recorded)
    assert recorded[2].fault == "status"
