"use strict";
// Begins: the words, the two screens, notices, and what belongs to the whole page.

/** Says something that the player should know, with a way on. One of each kind stands at a time. */
function notice(id, sentence, action) {
  const place = byId("notices");
  const box = document.createElement("div"),
    text = document.createElement("span"),
    close = document.createElement("button");
  box.className = "notice";
  box.dataset.notice = id;
  text.textContent = sentence;
  close.textContent = "×";
  close.className = "plain";
  close.setAttribute("aria-label", T.notice.close);
  close.addEventListener("click", () => box.remove());
  box.append(text);
  if (action) {
    const button = document.createElement("button");
    button.textContent = action.name;
    button.addEventListener("click", () => {
      box.remove();
      action.work();
    });
    box.append(button);
  }
  box.append(close);
  const before = place.querySelector(`[data-notice="${id}"]`);
  if (before) before.replaceWith(box);
  else place.append(box);
  if (id === "saved") setTimeout(() => box.remove(), 5000);
}

function dismiss(id) {
  for (const box of document.querySelectorAll(`[data-notice="${id}"]`)) box.remove();
}

function startPage() {
  fillTexts();
  const missing = whatIsMissing();
  if (missing) {
    notice("missing", missing);
    byId("main").inert = true;
    return;
  }
  const sound = new Sound(),
    live = new LiveSession(),
    ports = new MidiPorts(),
    studio = new Studio();
  const play = new PlayScreen(live, sound, ports);
  const harmonize = new HarmonizeScreen(studio, sound, notice, () => {
    if (current !== "harmonize") choose("harmonize");
  });
  new PortsPanel(ports, live, sound, notice);
  const screens = { play, harmonize };
  let current = "play";

  const choose = name => {
    if (screens[current].left) screens[current].left();
    current = name;
    for (const one of Object.keys(screens)) {
      const tab = byId(`tab-${one}`),
        isChosen = one === name;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      byId(one).hidden = !isChosen;
    }
    screens[name].shown();
    if (location.hash !== `#${name}`) history.replaceState(null, "", `#${name}`);
  };
  for (const name of Object.keys(screens)) byId(`tab-${name}`).addEventListener("click", () => choose(name));
  document.querySelector(".tabs").addEventListener("keydown", event => {
    if (event.code !== "ArrowRight" && event.code !== "ArrowLeft") return;
    choose(current === "play" ? "harmonize" : "play");
    byId(`tab-${current}`).focus();
  });

  sound.connected = port => live.connectOrgan(port);
  const showLatency = () => {
    byId("latency").textContent = sound.isRunning ? T.sound.latency(sound.latency) : T.sound.off;
  };
  sound.told = (state, sentence) => {
    showLatency();
    if (state === "failed") notice("sound", sentence);
    else if (state === "running") dismiss("sound");
    else if (sound.isWanted && (state === "suspended" || state === "interrupted"))
      setTimeout(() => {
        if (!sound.isRunning) notice("sound", T.failed.suspended, { name: T.failed.wake, work: () => sound.resume() });
      }, 600);
  };
  showLatency();
  setInterval(showLatency, 2000);
  byId("volume").addEventListener("input", () => sound.setVolume(Number(byId("volume").value)));

  live.addEventListener("died", ({ detail }) => {
    sound.hush();
    ports.silence();
    notice("live", detail.isOver ? T.failed.liveOver : T.failed.live(detail.message));
    if (!detail.isOver) sound.connect();
  });
  live.addEventListener("failed", ({ detail }) => notice("live", detail.message));
  byId("chord").textContent = "…";
  live.start().then(
    () => {
      byId("chord").textContent = "–";
      document.documentElement.dataset.ready = "play";
      performance.mark("ready");
      sound.prepare().catch(() => {});
    },
    error => notice("live", T.failed.load(error.message)),
  );

  document.addEventListener("keydown", event => {
    if (current === "play" && !byId("help").open && play.keyDown(event)) event.preventDefault();
  });
  document.addEventListener("keyup", event => play.computer.keyUp(event));
  playByKeys(harmonize.player, () => current === "harmonize" && Boolean(harmonize.piece) && !byId("help").open);
  bindTheme(play);
  bindHelp();
  addEventListener("pagehide", () => {
    ports.silence();
    sound.hush();
  });
  if (location.hash === "#harmonize") choose("harmonize");
  serveOffline();
}

function bindTheme(play) {
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const isDark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    play.stage.recolour();
  });
}

function bindHelp() {
  byId("help-text").append(
    ...T.help.paragraphs.map(text => Object.assign(document.createElement("p"), { textContent: text })),
    Object.assign(document.createElement("p"), { textContent: T.help.licence, className: "soft" }),
  );
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  byId("help-close").addEventListener("click", () => byId("help").close());
}

/** From a server, and only from there, the page works without it the next time. */
function serveOffline() {
  const isServed = location.protocol.startsWith("http") && document.querySelector("link[rel=manifest]");
  if (isServed && "serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => {});
}

startPage();
