// Opens a page in Chromium as a person's browser shows itself, and leaves it when a line comes on stdin.
// node browse.mjs URL NEXT_URL
import { execFileSync } from "node:child_process";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [url, next] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const version = execFileSync(executablePath, ["--version"], { encoding: "utf8" }).match(/(\d+)\./)[1];
// As a flag, not as Playwright's override: that is gone in a page that is being left.
const agent = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`;
const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--disable-blink-features=AutomationControlled", // trackers send nothing for a browser that says it is driven
    `--user-agent=${agent}`,
  ],
});
const context = await browser.newContext({
  viewport: { width: 1200, height: 800 }, locale: "de-DE", timezoneId: "Europe/Berlin",
});
const page = await context.newPage();
page.on("console", (message) => console.log("console:", message.text()));
page.on("pageerror", (error) => console.log("error:", error.message));
page.on("requestfailed", (request) => console.log("failed:", request.url(), request.failure()?.errorText));
await page.goto(url);
console.log("opened");
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "leave") break;
  if (line.startsWith("eval ")) console.log("value:", JSON.stringify(await page.evaluate(line.slice(5))));
}
await page.goto(next);
console.log("left");
await page.waitForTimeout(500); // beacons go out while the next page is shown
await browser.close();
process.exit(0); // standard input stays open
