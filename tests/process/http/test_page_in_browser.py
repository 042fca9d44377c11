"""The page in a real browser: it keeps itself up to date, and nothing of an issue comes alive."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from symphony.scheduler.snapshot import Snapshot
from tests.support import page_boards as boards
from tests.support.browser import PATIENCE_S, needs_browser
from tests.support.http_view import MemoryView
from tests.support.page_harness import shown
from tests.support.page_logs import log_lines
from tests.support.page_malice import MARKUP, hostile

pytestmark = [pytest.mark.anyio, needs_browser]

DARK = "--blink-settings=preferredColorScheme=0"
LIGHT = "--blink-settings=preferredColorScheme=1"
NO_SCRIPT = "--blink-settings=scriptEnabled=false"


def later() -> Snapshot:
    """A busy board on which a session has begun, one has ended, and one said something else."""
    board = boards.busy(boards.this_moment())
    first, second, _, *rest = board.running
    fresh = boards.session(boards.issue("APP-150", "A new one"), board.generated_at, "is thinking")
    said = replace(second, last_message="ran: make lint")
    return replace(board, running=(fresh, first, said, *rest))


@pytest.mark.proves("http.dashboard.content")
async def test_a_change_shows_without_a_reload_and_moves_nobody(tmp_path: Path) -> None:
    view = MemoryView(boards.busy(boards.this_moment()))
    script = """
    const link = first('a[href="/issues/APP-127"]');
    const row = link.closest("tr");
    link.focus();
    getSelection().selectAllChildren(row.querySelector(".title"));
    scrollTo(0, 120);
    await tell({ ready: true });
    await until(() => document.body.textContent.includes("ran: make lint"));
    await tell({
      focus: document.activeElement === link && row.isConnected,
      selected: String(getSelection()),
      scrolled: scrollY,
      names: [...document.querySelectorAll(".sessions a.id")].map((a) => a.textContent),
      title: document.title,
      refused,
    });
    """
    async with shown(view, script, tmp_path, "--window-size=1000,400") as harness:
        await harness.told()
        view.show(later())
        report = await harness.told()
    assert report["focus"] is True
    assert report["selected"] == "Search forgets its filters when going back"
    assert report["scrolled"] == 120
    assert report["names"] == ["APP-150", "APP-131", "APP-127", "APP-122", "APP-134"]
    assert report["title"] == "1 needs you, 5 running · symphony"
    assert report["refused"] == []


@pytest.mark.proves("http.dashboard.content")
async def test_runtimes_and_countdowns_tick(tmp_path: Path) -> None:
    script = """
    const [runtime, due] = [first(".sessions .runtime"), first(".retries [data-until]")];
    const before = [runtime.textContent, due.textContent];
    await until(() => runtime.textContent !== before[0] && due.textContent !== before[1]);
    await tell({ before, after: [runtime.textContent, due.textContent] });
    """
    view = MemoryView(boards.busy(boards.this_moment()))
    async with shown(view, script, tmp_path) as harness:
        report = await harness.told()
    assert report["before"] != report["after"]


@pytest.mark.parametrize("path", ["/", "/issues/APP-131"])
async def test_hostile_texts_that_arrive_later_stay_texts(path: str, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(log_lines(boards.this_moment()))
    view = MemoryView(boards.busy(boards.this_moment()))
    view.log_paths["APP-131"] = str(log)
    script = """
    await tell({ ready: true });
    await until(() => document.body.textContent.includes("<script>document.title='owned'"));
    await tell({
      title: document.title,
      images: document.images.length,
      scripts: [...document.scripts].map((s) => new URL(s.src).pathname.split("/").pop()),
      handlers: document.querySelectorAll("[onerror], [onmouseover], [style]").length,
      links: [...document.links].filter((a) => !a.protocol.startsWith("http")).length,
      refused,
    });
    """
    async with shown(view, script, tmp_path / "home", path=path) as harness:
        await harness.told()
        now = boards.this_moment()
        log.write_text(log_lines(now, MARKUP))
        board = hostile(now)
        known = boards.session(boards.issue("APP-131", MARKUP), now, MARKUP)
        view.show(replace(board, running=(*board.running, known)))
        report = await harness.told()
    assert "owned" not in str(report["title"]).replace(MARKUP, "")
    assert report["images"] == 0
    assert report["scripts"] == ["page.js", "script.js"]
    assert report["handlers"] == 0
    assert report["links"] == 0
    assert report["refused"] == []


async def test_a_page_that_loses_the_daemon_says_so_and_recovers(tmp_path: Path) -> None:
    view = MemoryView(boards.busy(boards.this_moment()))
    script = """
    const line = first("#connection");
    await tell({ line: line.textContent });
    await until(() => line.classList.contains("lost"));
    await tell({ line: line.textContent, runs: first(".sessions") !== null });
    await until(() => !line.classList.contains("lost"));
    await tell({ line: line.textContent });
    """
    async with shown(view, script, tmp_path) as harness:
        assert (await harness.told())["line"] == "live"
        harness.broken = True
        view.show(later())
        lost = await harness.told()
        assert str(lost["line"]).startswith("Not connected. This is from ")
        assert lost["runs"] is True
        harness.broken = False
        view.show(later())
        assert (await harness.told())["line"] == "live"


async def test_a_state_that_cannot_be_read_shows_as_trouble_until_it_can(tmp_path: Path) -> None:
    view = MemoryView(boards.busy(boards.this_moment()))
    script = """
    await tell({ ready: true });
    await until(() => first("h1").textContent === "The state is not available");
    await tell({ ready: true });
    await until(() => first(".sessions"));
    await tell({ names: document.querySelectorAll(".sessions a.id").length });
    """
    async with shown(view, script, tmp_path) as harness:
        await harness.told()
        view.failure = RuntimeError("boom")
        view.show(later())
        await harness.told()
        view.failure = None
        view.show(later())
        assert (await harness.told())["names"] == 5


async def test_the_button_polls_and_leaves_the_page_where_it_is(tmp_path: Path) -> None:
    view = MemoryView(boards.idle(boards.this_moment()))
    script = """
    const button = first("button");
    button.click();
    await until(() => button.textContent === "Asked");
    await tell({ path: location.pathname, disabled: button.disabled });
    await until(() => button.textContent === "Poll now" && !button.disabled);
    await tell({ refused });
    """
    async with shown(view, script, tmp_path) as harness:
        assert await harness.told() == {"path": "/harness/page/", "disabled": True}
        assert await harness.told() == {"refused": []}
    assert view.polls == 1


async def test_what_was_typed_survives_a_change_and_is_sent(tmp_path: Path) -> None:
    view = MemoryView(boards.busy(boards.this_moment()))
    script = """
    const field = first(".answer textarea");
    field.focus();
    field.value = "Seven days,";
    await tell({ ready: true });
    await until(() => document.body.textContent.includes("48m"));
    field.value += " and say so in the mail.";
    await tell({ here: field.isConnected, focus: document.activeElement === field, refused });
    first(".answer button").click();
    """
    asked = view.snapshot()
    assert asked is not None
    (question,) = asked.blocked
    async with shown(view, script, tmp_path, path="/issues/APP-118") as harness:
        await harness.told()
        earlier = replace(question, since=question.since - timedelta(seconds=50))
        view.show(replace(asked, blocked=(earlier,)))
        assert await harness.told() == {"here": True, "focus": True, "refused": []}
        with anyio.fail_after(PATIENCE_S):
            await view.answered.wait()
    assert view.answers == [(question.issue.id, 7, "Seven days, and say so in the mail.")]


async def test_a_log_stays_at_its_end_unless_its_reader_has_scrolled(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    lines = log_lines(boards.this_moment()) * 8
    log.write_text(lines)
    view = MemoryView(boards.busy(boards.this_moment()))
    view.log_paths["APP-131"] = str(log)
    script = """
    const log = first(".log");
    const rest = () => log.scrollHeight - log.clientHeight - log.scrollTop;
    await tell({ scrolls: log.scrollHeight > log.clientHeight, rest: rest() < 4 });
    await until(() => log.textContent.includes("One more."));
    await tell({ rest: rest() < 4 });
    log.scrollTop = 30;
    await tell({ ready: true });
    await until(() => log.textContent.includes("Another."));
    await tell({ top: log.scrollTop });
    """
    home = tmp_path / "home"
    async with shown(
        view, script, home, "--window-size=900,500", path="/issues/APP-131"
    ) as harness:
        assert await harness.told() == {"scrolls": True, "rest": True}
        log.write_text(lines + log_lines(boards.this_moment(), "One more."))
        view.show(later())
        assert await harness.told() == {"rest": True}
        await harness.told()
        log.write_text(lines + log_lines(boards.this_moment(), "Another."))
        view.show(later())
        assert await harness.told() == {"top": 30}


LAYOUT = """
await document.fonts.ready;
const wide = [...document.querySelectorAll("main *")].filter(
  (e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".log, thead"),
);
await tell({
  width: innerWidth,
  overflow: document.documentElement.scrollWidth - innerWidth,
  wide: wide.map((e) => e.outerHTML.slice(0, 80)),
});
"""


@pytest.mark.parametrize("board", ["busy", "trouble", "hostile", "endless"])
@pytest.mark.parametrize("path", ["/", "/issues/APP-131"])
async def test_a_phone_shows_it_all_without_scrolling_sideways(
    board: str, path: str, tmp_path: Path
) -> None:
    now = boards.this_moment()
    snapshot = {
        "busy": boards.busy(now),
        "trouble": boards.trouble(now),
        "hostile": hostile(now),
        "endless": hostile(now, "x" * 400),
    }[board]
    if board in {"hostile", "endless"}:
        text = MARKUP if board == "hostile" else "y" * 400
        known = boards.session(boards.issue("APP-131", text), now, text)
        snapshot = replace(snapshot, running=(*snapshot.running, known))
    async with shown(MemoryView(snapshot), LAYOUT, tmp_path, path=path, phone=True) as harness:
        report = await harness.told()
    assert report == {"width": 390, "overflow": 0, "wide": []}


CONTRAST = """
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) =>
  [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const paper = (e) => {
  const colour = parse(getComputedStyle(e).backgroundColor);
  return colour.length === 4 && colour[3] === 0 ? paper(e.parentElement) : colour;
};
const ratio = (e) => {
  const [a, b] = [light(parse(getComputedStyle(e).color)), light(paper(e))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
};
const said = [...document.querySelectorAll("#page *")].filter((e) =>
  [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()),
);
await tell({
  dark: light(parse(getComputedStyle(document.body).backgroundColor)) < 0.1,
  seen: said.length > 50,
  faint: said.filter((e) => ratio(e) < 4.5).map((e) => `${e.className} ${ratio(e)}`),
});
"""


@pytest.mark.parametrize("scheme", [DARK, LIGHT])
@pytest.mark.parametrize("board", ["busy", "trouble"])
async def test_text_is_easy_to_tell_from_its_ground(
    scheme: str, board: str, tmp_path: Path
) -> None:
    now = boards.this_moment()
    snapshot = boards.busy(now) if board == "busy" else boards.trouble(now)
    async with shown(MemoryView(snapshot), CONTRAST, tmp_path, scheme) as harness:
        report = await harness.told()
    assert report == {"dark": scheme == DARK, "seen": True, "faint": []}


async def test_without_script_the_page_is_asked_for_again_after_a_while(tmp_path: Path) -> None:
    view = MemoryView(boards.busy(boards.this_moment()))
    async with shown(view, "await tell({ ran: true });", tmp_path, NO_SCRIPT) as harness:
        with anyio.fail_after(PATIENCE_S):
            await harness.asked_again.wait()
        assert harness.reports.statistics().current_buffer_used == 0
