// For everybody: small screens, dark ones, keyboards, screen readers, and no connection.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { faults, launch, open, picture, ready, serve } from "./browser.mjs";

const browser = await launch();
after(() => browser.close());

for (const [name, context] of [
  ["wide and light", { colorScheme: "light" }],
  ["narrow and dark", { colorScheme: "dark", wide: 360, high: 740, hasTouch: true, isMobile: true }],
]) {
  test(`nothing bars anybody's way, ${name}: axe finds no fault, and nothing is wider than the screen`, async () => {
    const page = await ready(await open(browser, context));
    const fits = async () =>
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= (context.wide || 1280));
    await page.check("#show-answers");
    await page.keyboard.down("KeyG");
    await page.waitForFunction(
      () => document.getElementById("chord").textContent.length > 0 && document.querySelector(".key.sounds"),
    );
    assert.deepEqual(await faults(page), []);
    await fits();
    await picture(page, `play-${name.replaceAll(" ", "-")}`);
    await page.keyboard.up("KeyG");
    await page.click("#tab-harmonize");
    await page.click("#write-open");
    await page.click("#tunes button:nth-child(4)");
    await page.waitForFunction(
      () => !document.getElementById("result").hidden && !document.getElementById("busy").textContent,
      null,
      { timeout: 60_000 },
    );
    await page.locator("#staves .note.part1 .touch").first().click();
    assert.deepEqual(await faults(page), []);
    await fits();
    await picture(page, `harmonize-${name.replaceAll(" ", "-")}`);
    await page.context().close();
  });
}

test("on a small laptop keys and controls are in sight together", async () => {
  const page = await ready(await open(browser, { wide: 1366, high: 650 }));
  assert.equal(await page.evaluate(() => document.documentElement.scrollHeight), 650);
  await page.context().close();
});

test("by keyboard alone a screen is chosen, a key of the drawn keyboard played, and the chord told to a screen reader", async () => {
  const page = await ready(await open(browser));
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  assert.ok(await page.isVisible("#harmonize"));
  await page.keyboard.press("ArrowLeft");
  assert.ok(await page.isVisible("#play"));
  await page.focus('.key[tabindex="0"]');
  for (let press = 0; press < 7; press += 1) await page.keyboard.press("ArrowRight");
  await page.keyboard.down("Space");
  await page.waitForFunction(() =>
    window.seen.replies.some(({ state }) => state && state.sounding[0] === 67 && state.sounding.every(Boolean)),
  );
  await page.waitForFunction(() => document.getElementById("spoken").textContent.length > 3);
  await page.keyboard.up("Space");
  assert.equal(await page.getAttribute("#spoken", "aria-live"), "polite");
  await page.context().close();
});

test("who wants less motion sees no frame drawn while a note is held", async () => {
  const page = await ready(
    await open(browser, {
      reducedMotion: "reduce",
      init: () => {
        const request = window.requestAnimationFrame.bind(window);
        window.frames_ = 0;
        window.requestAnimationFrame = work => {
          window.frames_ += 1;
          return request(work);
        };
      },
    }),
  );
  await page.selectOption("#density", { label: "still" });
  await page.keyboard.down("KeyG");
  await page.waitForFunction(() => window.seen.replies.some(({ state }) => state && state.sounding.every(Boolean)));
  const before = await page.evaluate(() => window.frames_);
  await page.waitForTimeout(1500);
  // A frame for each new step at most, not for each sixtieth of a second.
  assert.ok((await page.evaluate(() => window.frames_)) - before < 30);
  await page.context().close();
});

test("served, it opens again without the server", async () => {
  const { address, close } = await serve();
  const page = await ready(await open(browser, { address }));
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => caches.keys().then(names => names.some(name => name.startsWith("chorale-"))));
  close();
  await page.context().setOffline(true);
  await page.reload();
  await ready(page);
  await page.keyboard.down("KeyG");
  await page.waitForFunction(() => window.seen.replies.some(({ state }) => state && state.sounding.every(Boolean)));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
