"""Where the interface listens, and what is said where it cannot."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from symphony.domain.problems import Problem, ProblemError
from symphony.http.binding import FLAG, bind, resolve_token
from tests.support.http_view import TOKEN, wish
from tests.support.virtual_daemon import make_settings


def problem(call: pytest.ExceptionInfo[ProblemError]) -> Problem:
    (found,) = call.value.problems
    assert found.remedy
    return found


@pytest.mark.proves("http.bind.loopback", "http.enable.ephemeral")
def test_without_a_word_it_listens_on_loopback_and_takes_a_free_port() -> None:
    listener = bind(wish(), None)
    with listener.socket:
        assert listener.host == "127.0.0.1"
        assert listener.port > 0
        assert listener.url == f"http://127.0.0.1:{listener.port}/"


@pytest.mark.parametrize(("key", "path"), [("server.port", True), (FLAG, False)])
def test_a_port_in_use_names_the_key_to_change(key: str, path: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ProblemError) as caught:
            bind(wish(port=port, port_key=key), None)
    found = problem(caught)
    assert found.code == "http_port_in_use"
    assert found.key == key
    assert str(port) in found.message
    assert (found.path is not None) == path


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_off_loopback_it_wants_a_token(host: str) -> None:
    settings = replace(make_settings(), server_host=host)
    with pytest.raises(ProblemError) as caught:
        bind(wish(settings), None)
    assert problem(caught).code == "http_token_required"
    assert problem(caught).key == "server.host"


def test_off_loopback_it_listens_with_a_token() -> None:
    listener = bind(wish(replace(make_settings(), server_host="0.0.0.0")), TOKEN)
    with listener.socket:
        assert listener.host == "0.0.0.0"


def test_a_name_that_is_no_address_is_named() -> None:
    settings = replace(make_settings(), server_host="no such host")
    with pytest.raises(ProblemError) as caught:
        bind(wish(settings), None)
    assert problem(caught).key == "server.host"
    assert "no such host" in problem(caught).message


def test_an_address_of_another_machine_is_named() -> None:
    settings = replace(make_settings(), server_host="192.0.2.1")
    with pytest.raises(ProblemError) as caught:
        bind(wish(settings), TOKEN)
    assert problem(caught).code == "http_host_unusable"


def test_the_token_comes_from_the_environment() -> None:
    settings = replace(make_settings(), server_token="$THE_TOKEN")
    assert resolve_token(wish(settings, environment={"THE_TOKEN": f" {TOKEN}\n"})) == TOKEN
    assert resolve_token(wish()) is None


@pytest.mark.parametrize("environment", [{}, {"THE_TOKEN": " "}])
def test_a_token_that_is_not_set_is_an_error(environment: dict[str, str]) -> None:
    settings = replace(make_settings(), server_token="$THE_TOKEN")
    with pytest.raises(ProblemError) as caught:
        resolve_token(wish(settings, environment=environment))
    assert problem(caught).code == "http_token_missing"
    assert "THE_TOKEN" in problem(caught).message


@pytest.mark.parametrize("token", ["short", "has a space in the middle", "umläut-umläut-umläut"])
def test_a_token_that_cannot_be_used_is_an_error_and_is_not_repeated(token: str) -> None:
    with pytest.raises(ProblemError) as caught:
        resolve_token(wish(replace(make_settings(), server_token=token)))
    assert problem(caught).code == "http_token_unusable"
    assert token not in str(caught.value)
