/* Keeps the page as it is now. The server makes every word of it: this asks for the page again when
   the event stream tells of a change, carries over what differs, and lets times tick. Nothing here
   makes markup out of text. */
"use strict";
(() => {
  const REFRESH_MS = 1000; // At most that often.
  const LOOK_MS = 15000; // Without news: the stream may be refused, or be a dead connection.
  const AGAIN_MS = 5000; // To the next attempt at a stream that was refused.
  const ANSWER_MS = 10000; // For a page.

  const page = document.getElementById("page");
  const connection = document.getElementById("connection");
  let offset = 0; // From this machine's clock to the daemon's.
  let arrived = Date.now();
  let told = arrived;

  // Times.

  const two = (number) => String(number).padStart(2, "0");

  function duration(milliseconds) {
    const s = Math.max(Math.floor(milliseconds / 1000), 0);
    if (s < 60) return `${s}s`;
    if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
    if (s < 86400) return `${Math.floor(s / 3600)}h ${two(Math.floor((s % 3600) / 60))}m`;
    return `${Math.floor(s / 86400)}d ${two(Math.floor((s % 86400) / 3600))}h`;
  }

  function clock(milliseconds) {
    const at = new Date(milliseconds);
    const hours = `${two(at.getHours())}:${two(at.getMinutes())}`;
    if (at.toDateString() === new Date().toDateString()) return `${hours}:${two(at.getSeconds())}`;
    return `${at.getDate()} ${at.toLocaleString("en", { month: "short" })} ${hours}`;
  }

  function say(element, text) {
    const node = element.firstChild;
    if (node && node === element.lastChild && node.nodeType === Node.TEXT_NODE) {
      if (node.data !== text) node.data = text;
    } else element.textContent = text;
  }

  function tick() {
    const now = Date.now() + offset;
    for (const element of document.querySelectorAll(".tick")) {
      const { since, until, base, rate } = element.dataset;
      if (since) say(element, duration(now - since));
      else if (until) say(element, duration(until - now));
      else say(element, duration(Number(base) + Number(rate) * (Date.now() - arrived)));
    }
    for (const element of document.querySelectorAll("time[data-at]")) {
      say(element, clock(Number(element.dataset.at)));
      element.title = element.dateTime;
    }
  }

  // What differs is carried over into the page that is there, so that focus, selection, scrolling
  // and whatever a reader has opened stay as they are.

  const keyOf = (node) =>
    node.nodeType === Node.ELEMENT_NODE ? node.dataset.key || node.id || "" : "";

  function isTwin(present, wanted) {
    return (
      present.nodeType === wanted.nodeType &&
      present.nodeName === wanted.nodeName &&
      keyOf(present) === keyOf(wanted)
    );
  }

  function carryAttributes(present, wanted) {
    for (const { name } of [...present.attributes])
      if (!wanted.hasAttribute(name) && name !== "title") present.removeAttribute(name);
    for (const { name, value } of wanted.attributes)
      if (present.getAttribute(name) !== value) present.setAttribute(name, value);
  }

  function carryChildren(present, wanted) {
    const keyed = new Map();
    for (const child of present.children) if (keyOf(child)) keyed.set(keyOf(child), child);
    const stays = new Set([...wanted.children].map(keyOf).filter(Boolean));
    let cursor = present.firstChild;
    for (const child of [...wanted.childNodes]) {
      // What is no more goes first: then those that stay need not be moved, and keep the focus.
      while (cursor && keyOf(cursor) && !stays.has(keyOf(cursor))) {
        const gone = cursor;
        cursor = cursor.nextSibling;
        gone.remove();
      }
      const key = keyOf(child);
      const twin = key ? keyed.get(key) : cursor;
      keyed.delete(key); // Once only: two of a name are two.
      if (!twin || !isTwin(twin, child) || twin.parentNode !== present) {
        present.insertBefore(document.importNode(child, true), cursor);
        continue;
      }
      if (twin === cursor) cursor = cursor.nextSibling;
      else present.insertBefore(twin, cursor);
      carry(twin, child);
    }
    while (cursor) {
      const gone = cursor;
      cursor = cursor.nextSibling;
      gone.remove();
    }
  }

  function carry(present, wanted) {
    if (present.nodeType !== Node.ELEMENT_NODE) {
      if (present.data !== wanted.data) present.data = wanted.data;
    } else if (!("own" in present.dataset)) {
      carryAttributes(present, wanted);
      // Those that tick say already what the time is.
      if (!present.matches(".tick, time[data-at]")) carryChildren(present, wanted);
    }
  }

  const atEnd = (element) =>
    element.scrollTop + element.clientHeight >= element.scrollHeight - 4;

  function show(next) {
    const wanted = next.getElementById("page");
    if (next.documentElement.dataset.version !== document.documentElement.dataset.version) {
      location.reload(); // The daemon under this page is another one now.
      return;
    }
    const focused = document.activeElement;
    const followed = [...document.querySelectorAll("[data-end]")].filter(atEnd);
    carry(page, wanted);
    if (document.title !== next.title) document.title = next.title;
    if (focused !== document.activeElement && focused.isConnected)
      focused.focus({ preventScroll: true });
    for (const element of followed) element.scrollTop = element.scrollHeight;
    arrive();
  }

  function arrive() {
    arrived = told = Date.now();
    offset = Number(page.dataset.now) - arrived;
    tick();
  }

  // Asking.

  let asking = false;
  let again = false;
  let timer = 0;
  let asked = 0;

  function refresh() {
    if (asking) again = true;
    else if (!timer) timer = setTimeout(ask, Math.max(asked + REFRESH_MS - Date.now(), 0));
  }

  function ask() {
    timer = 0;
    asking = true;
    asked = Date.now();
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document"; // Parsed by the browser, with scripts switched off.
    request.timeout = ANSWER_MS;
    request.onloadend = () => {
      asking = false;
      const next = request.response;
      if (next && next.getElementById("page")) {
        show(next);
        live();
      } else lose();
      if (again) {
        again = false;
        refresh();
      }
    };
    request.send();
  }

  function live() {
    connection.classList.remove("lost");
    say(connection, "live");
  }

  function lose() {
    connection.classList.add("lost");
    say(connection, `Not connected. This is from ${clock(arrived)}; trying again.`);
  }

  // Being told. A page that nobody sees leaves its connection to one that somebody does: browsers
  // have no more than six for one server.

  let stream = null;

  function listen() {
    if (stream || document.hidden) return;
    const mine = (stream = new EventSource("/api/v1/events"));
    const news = () => {
      told = Date.now();
      refresh();
    };
    mine.addEventListener("state", news);
    mine.addEventListener("problem", news);
    mine.onerror = () => {
      refresh();
      if (mine.readyState !== EventSource.CLOSED || mine !== stream) return;
      stream = null;
      setTimeout(listen, AGAIN_MS);
    };
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      if (stream) stream.close();
      stream = null;
    } else {
      listen();
      refresh();
    }
  });

  // The button.

  document.addEventListener("submit", (event) => {
    const { poll } = event.target.dataset;
    if (!poll) return;
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    fetch(poll, { method: "POST" })
      .then((answer) => say(button, answer.ok ? "Asked" : "Refused"))
      .catch(() => say(button, "Not reached"))
      .finally(() =>
        setTimeout(() => {
          say(button, "Poll now");
          button.disabled = false;
          refresh();
        }, 1500),
      );
  });

  for (const element of document.querySelectorAll("[data-end]"))
    element.scrollTop = element.scrollHeight;
  arrive();
  live();
  listen();
  setInterval(tick, 1000);
  setInterval(() => {
    if (Date.now() - told > LOOK_MS) refresh();
  }, REFRESH_MS);
})();
