// node picture.mjs FILE: the page in Chromium while St Anne is played on the computer's keys.
import { launch, open, ready } from "./browser.mjs";

const TUNE = "KeyG KeyD KeyH KeyG KeyK KeyK KeyJ KeyK KeyG KeyK KeyG KeyH".split(" ");
const browser = await launch();
const page = await ready(await open(browser, { colorScheme: "light", wide: 1180, high: 830 }));
for (const key of TUNE) await page.keyboard.press(key, { delay: 745 });
await page.keyboard.down("KeyT");
await page.waitForTimeout(250);
await page.screenshot({ path: process.argv[2] });
await browser.close();
