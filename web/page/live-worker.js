"use strict";
// Live playing: events in, the answers straight to the organ's port and, for ports and pictures, to the page.
// The clock of all times is the page's performance.now().

let live = null;
let organ = null;
/** Messages that began what sounds now: an organ that comes late begins with them. */
let sounding = [];
let clockOffset = 0;
let timer = 0;
let tableRange = null;

const pageTime = () => performance.now() + clockOffset;

const CLICK_CHANNEL = 9;
const ALL_NOTES_OFF = 123;

/** Sends what a call brought, then works the next table out, then waits for what is due. */
function follow(reply) {
  pass(reply);
  while (reply.works) {
    reply = live.call({ call: "live.work", at: pageTime() });
    pass(reply);
  }
  clearTimeout(timer);
  if (reply.next !== null)
    timer = setTimeout(
      () => attempt(() => follow(live.call({ call: "live.advance", at: pageTime() }))),
      Math.max(0, reply.next - pageTime()),
    );
  if (tableRange && reply.state) tellTable();
}

function pass(reply) {
  for (const [, status, data, value] of reply.messages) {
    const message = [status, data, value, status % 16 === CLICK_CHANNEL];
    remember(message);
    if (organ) organ.postMessage(message);
  }
  if (reply.messages.length || reply.state)
    postMessage({ type: "reply", at: pageTime(), messages: reply.messages, state: reply.state || null });
}

function remember(message) {
  const [status, data, value, isClick] = message,
    kind = status & 0xf0;
  const isAllOff = kind === 0xb0 && data === ALL_NOTES_OFF;
  if (isAllOff || kind === 0x80 || kind === 0x90)
    sounding = sounding.filter(other => other[0] % 16 !== status % 16 || (!isAllOff && other[1] !== data));
  if (kind === 0x90 && value > 0 && !isClick) sounding.push(message);
}

function tellTable() {
  const { answers } = live.call({ call: "live.table", ...tableRange });
  postMessage({ type: "table", answers });
}

function attempt(work) {
  try {
    work();
  } catch (error) {
    if (error.isDead) live = null;
    postMessage({ type: "failed", message: error.message, isDead: Boolean(error.isDead) });
  }
}

const requests = {
  load({ module, weights, timeOrigin }) {
    clockOffset = performance.timeOrigin - timeOrigin;
    const loaded = new Chorale(module);
    loaded.call({ call: "load" }, weights);
    live = loaded;
    postMessage({ type: "loaded" });
  },
  organ({ port }) {
    organ = port;
    for (const message of sounding) organ.postMessage(message);
  },
  start({ settings }) {
    clearTimeout(timer);
    pass(live.call({ call: "live.start", settings }));
    follow(live.call({ call: "live.advance", at: pageTime() }));
    postMessage({ type: "reply", at: pageTime(), messages: [], state: live.call({ call: "live.state" }) });
    postMessage({ type: "started" });
  },
  table({ range }) {
    tableRange = range;
    if (range) tellTable();
  },
  request({ request }) {
    follow(live.call({ ...request, at: request.at === undefined ? pageTime() : request.at }));
  },
};

onmessage = event => {
  if (live || event.data.type === "load") attempt(() => requests[event.data.type](event.data));
};
