import { afterAll, beforeAll, describe, expect, test } from "vitest"
import {
  faultsOfAccess,
  hasBrowser,
  looks,
  openPage,
  pictures,
  show,
  signIn,
  startBrowser,
  tooWidePx,
  type Browser,
} from "./browser.ts"
import { startConsoleEstate, type ConsoleEstate } from "./estate.ts"

// Figures in a real browser: charts that can be read without eyes and without a mouse, "Why is revenue down?", the weekly report.

describe.skipIf(!hasBrowser)("figures at the console", () => {
  let estate: ConsoleEstate
  let browser: Browser
  beforeAll(async () => {
    ;[estate, browser] = await Promise.all([startConsoleEstate(65), startBrowser()])
    // Earlier weeks as the reader of the log would have counted them.
    await estate.t.sql`
      insert into figures (name, hour, channel, place, label, process, value)
      select name, date_trunc('hour', now()) - h * interval '1 hour' - w * interval '7 days', 'shopify', '', label, 'log', 18 + (h * 7 + w * 3) % 9
      from generate_series(0, 30) h, generate_series(1, 8) w, (values ('orders placed', ''), ('leaving time', '3600')) as f(name, label)
      on conflict do nothing`
  }, 90_000)
  afterAll(async () => {
    await browser?.close()
    await estate?.t.stop()
  })

  const screens = { today: "/", why: "/why?hours=12", report: "/report" }
  for (const [name, path] of Object.entries(screens))
    test(`${name} has no fault of access and is no wider than the window, light and dark, wide and narrow`, async () => {
      for (const look of looks) {
        const { page, context, complaints } = await openPage(browser, estate.t, look)
        await signIn(page, estate.t, ["viewer"])
        await show(page, path)
        expect(await faultsOfAccess(page)).toEqual([])
        expect(await tooWidePx(page)).toBeLessThanOrEqual(0)
        if (pictures)
          await page.screenshot({ path: `${pictures}/${name}-${look.scheme}-${look.width}.png`, fullPage: true })
        expect(complaints).toEqual([])
        await context.close()
      }
    })

  test("a chart is walked through by arrow keys, and is a table at a click", async () => {
    const { page, context } = await openPage(browser, estate.t, { width: 1280 })
    await signIn(page, estate.t, ["viewer"])
    await show(page, "/why?hours=12")
    const chart = page.locator(".chart svg").first()
    await chart.focus()
    await page.keyboard.press("ArrowRight")
    expect(await page.locator(".chart figcaption").first().textContent()).toMatch(/usual \d+/)
    expect(await chart.getAttribute("aria-label")).toMatch(/usual \d+/)
    await page.getByRole("button", { name: "As a table" }).first().click()
    expect(await page.locator(".chart table tbody tr").count()).toBeGreaterThan(11)
    await context.close()
  })
})
