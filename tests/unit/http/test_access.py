"""Who may ask."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from symphony.http.access import Access, Asked, shown_token
from symphony.http.answers import ApiError

TOKEN = "a-token-of-some-length"
OPEN = Access()
LOCKED = Access(token=TOKEN)


def refusal(
    access: Access,
    *,
    method: str = "GET",
    path: str = "/api/v1/state",
    headers: Mapping[str, str],
) -> str | None:
    """The code of the refusal, if there is one."""
    try:
        access.check(Asked(method=method, path=path, headers=headers))
    except ApiError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8080", "localhost", "LocalHost:1", "[::1]:8080", "127.8.9.1:80"],
)
def test_names_of_this_machine_are_welcome(host: str) -> None:
    assert refusal(OPEN, headers={"host": host}) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "evil.example#127.0.0.1",
        "127.0.0.1/x",
        "192.168.1.1",
        "0.0.0.0",
        "[::1",
        "localhost:port",
        "localhost:99999",
    ],
)
def test_other_names_are_refused_while_no_token_is_asked_for(host: str) -> None:
    assert refusal(OPEN, headers={"host": host}) == "host_refused"


def test_any_name_is_welcome_with_the_token() -> None:
    headers = {"host": "ci.example", "authorization": f"Bearer {TOKEN}"}
    assert refusal(LOCKED, headers=headers) is None


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "http://127.0.0.1:9999",
        "https://127.0.0.1:8080.evil.example",
        "file://",
        "http://user@127.0.0.1:8080",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_of_other_origins_are_refused(origin: str, method: str) -> None:
    headers = {"host": "127.0.0.1:8080", "origin": origin}
    assert refusal(OPEN, method=method, headers=headers) == "origin_refused"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost", "http://localhost"),
        ("localhost", "http://localhost:80"),
        ("[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_its_own_page_may_ask(host: str, origin: str) -> None:
    assert refusal(OPEN, method="POST", headers={"host": host, "origin": origin}) is None


def test_behind_a_proxy_its_own_page_may_ask() -> None:
    headers = {
        "host": "ci.example",
        "origin": "https://ci.example",
        "authorization": f"Bearer {TOKEN}",
    }
    assert refusal(LOCKED, method="POST", headers=headers) is None


def test_a_form_or_a_script_of_another_site_is_refused_also_without_an_origin() -> None:
    headers = {"host": "localhost", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert refusal(OPEN, headers=headers) == "origin_refused"
    headers["sec-fetch-mode"] = "navigate"
    assert refusal(OPEN, method="POST", headers=headers) == "origin_refused"


def test_a_link_on_another_site_may_be_followed() -> None:
    headers = {"host": "localhost", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert refusal(OPEN, path="/", headers=headers) is None


def basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


@pytest.mark.parametrize(
    "given", [f"Bearer {TOKEN}", f"bearer  {TOKEN}", basic(f"me:{TOKEN}"), basic(f":{TOKEN}")]
)
def test_the_token_opens_as_bearer_and_as_password(given: str) -> None:
    assert refusal(LOCKED, headers={"host": "x", "authorization": given}) is None


@pytest.mark.parametrize(
    "given",
    [
        "",
        TOKEN,
        "Bearer",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Digest {TOKEN}",
        basic(TOKEN),
        basic(f"{TOKEN}:"),
        "Basic !!!",
        "Basic \xff",
    ],
)
def test_nothing_else_opens(given: str) -> None:
    assert refusal(LOCKED, headers={"host": "x", "authorization": given}) == "unauthorized"


def test_probes_need_no_token() -> None:
    for path in ("/healthz", "/readyz"):
        assert refusal(LOCKED, path=path, headers={"host": "10.0.0.7:8080"}) is None
    assert refusal(LOCKED, path="/metrics", headers={"host": "x"}) == "unauthorized"


def test_a_refusal_says_how_to_show_the_token() -> None:
    asked = Asked(method="GET", path="/", headers={"host": "x"})
    with pytest.raises(ApiError) as caught:
        LOCKED.check(asked)
    assert caught.value.status == 401
    assert caught.value.headers["WWW-Authenticate"].startswith("Bearer ")
    assert TOKEN not in caught.value.message


def test_odd_bytes_are_compared_and_not_trusted() -> None:
    assert shown_token("Bearer \udcff") == b"\xff"
