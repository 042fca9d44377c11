"""Log lines of whatever format."""

from __future__ import annotations

from conformance.lab.logs import log_lines


def test_pairs_and_json_give_the_same_keys() -> None:
    text = (
        'level=info event=done issue_identifier=ENG-1 reason="it is \\"so\\""\n'
        "\n"
        '{"event": "done", "issue_identifier": "ENG-1", "usage": {"total": 3}, "ok": true}\n'
    )
    pairs, members = log_lines(text)
    assert pairs.values["reason"] == 'it is "so"'
    assert pairs.values["issue_identifier"] == members.values["issue_identifier"] == "ENG-1"
    assert (members.values["usage.total"], members.values["ok"]) == ("3", "true")


def test_colours_and_plain_sentences_do_no_harm() -> None:
    (line,) = log_lines("\x1b[31mWorker failed\x1b[0m: no reason {")
    assert line.text == "Worker failed: no reason {"
    assert line.has("worker", "REASON")
    assert not line.values
    for text in ("{broken", '{"a":' * 50_000):
        assert log_lines(text)[0].values == {}
