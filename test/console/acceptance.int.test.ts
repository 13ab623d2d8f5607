import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import type { Estate } from "../../src/estate.ts"
import { eventually } from "../fixtures/crossdock.ts"
import { countOf, deliver } from "../fixtures/fulfilment/warehouse-hook.ts"
import { hasBrowser, openPage, show, signIn, startBrowser, type Browser, type Page } from "./browser.ts"
import { startConsoleEstate, type ConsoleEstate } from "./estate.ts"

// What users of other tools asked for in vain, by its number in the console's design. 15, 18 and 19 are in live.int.test.ts; 14 is
// test/reads-at-volume.int.test.ts for the statements behind the screens.

/** A system that has never answered: nothing listens at its address. */
const silentTax = (estate: Estate): Estate => {
  const { tax } = estate.connections
  if (!tax) return estate
  const settings = { ...(tax.settings as object), baseUrl: "http://127.0.0.1:9" }
  return { ...estate, connections: { ...estate.connections, silent: { ...tax, settings } } }
}

describe.skipIf(!hasBrowser)("the console does what others were asked for", () => {
  let estate: ConsoleEstate
  let browser: Browser
  const opened: Awaited<ReturnType<typeof openPage>>[] = []

  beforeAll(async () => {
    ;[estate, browser] = await Promise.all([startConsoleEstate(68, silentTax), startBrowser()])
  })
  afterEach(async () => {
    const complaints = opened.flatMap((one) => one.complaints)
    await Promise.all(opened.splice(0).map(({ context }) => context.close()))
    if (complaints.length > 0) throw new Error(`the page complains: ${complaints.join("; ")}`)
  })
  afterAll(async () => {
    await browser?.close()
    await estate?.t.stop()
  })

  async function pageOf(role: string, look: { width?: number; forcedColors?: boolean } = {}): Promise<Page> {
    const one = await openPage(browser, estate.t, look)
    opened.push(one)
    await signIn(one.page, estate.t, [role])
    return one.page
  }

  test(
    "8. whoever translates two hundred again, one by one or all at once, keeps the place",
    { timeout: 180_000 },
    async () => {
      const { t, place } = estate
      for (let n = 0; n < 200; n += 20) {
        const bad = Array.from({ length: 20 }, (_, i) => ({
          ...countOf("TEE-M", `odd-${n + i}`, place),
          lines: "none",
        }))
        await Promise.all(bad.map((body) => deliver(t, body)))
      }
      const cause = await eventually("all are with people", async () => {
        const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=200&owner=integration")
        const found = (body.items ?? []).filter(({ about }) => String(about).startsWith("inbox/"))
        return found.length === 200 ? String(found[0]?.["cause"]) : undefined
      })
      const page = await pageOf("operator")
      await show(page, `/cases?cause=${encodeURIComponent(cause)}`)
      const rows = page.locator("[data-row]")
      for (const loaded of [100, 150, 200]) {
        await page.getByRole("button", { name: "Show more" }).click()
        await expect.poll(() => rows.count()).toBe(loaded)
      }
      for (const at of [120, 121]) {
        const link = rows.nth(at).locator("a").first()
        const href = await link.getAttribute("href")
        await link.focus()
        await page.keyboard.press("Enter")
        await page.getByRole("button", { name: "translate again", exact: true }).click()
        await page
          .getByRole("dialog")
          .getByRole("button", { name: /translate again/ })
          .click()
        await page.getByText(/^Decided by /).waitFor()
        await page.goBack()
        await expect.poll(() => rows.count()).toBe(200)
        await expect.poll(() => page.locator("[data-row]:has(:focus) a").first().getAttribute("href")).toBe(href)
        expect(await rows.nth(at).locator("a").first().getAttribute("href")).toBe(href)
        const { y = Infinity } = (await link.boundingBox()) ?? {}
        expect(y).toBeLessThan(page.viewportSize()?.height ?? 0)
      }
    },
  )

  test("14. a list of very many opens with one page of them, without counting all", async () => {
    const page = await pageOf("viewer")
    const asked: string[] = []
    page.on("request", (request) => asked.push(new URL(request.url()).pathname + new URL(request.url()).search))
    await show(page, "/orders")
    const lists = asked.filter((path) => /^\/v1\/(?:orders|objects)/.test(path))
    expect(lists.length).toBeGreaterThan(0)
    expect(lists.every((path) => path.includes("limit=50"))).toBe(true)
    expect(asked.filter((path) => path.includes("count"))).toEqual([])
  })

  test("16. a system is not green before it has succeeded, also while it is tried again", async () => {
    const page = await pageOf("viewer")
    await show(page, "/connections")
    const row = page.locator("[data-row]", { has: page.getByRole("link", { name: "silent", exact: true }) })
    for (let look = 0; look < 6; look += 1) {
      expect(await row.locator(".state.done").count()).toBe(0)
      expect(await row.locator(".state").innerText()).not.toBe("up")
      await page.waitForTimeout(1000)
    }
    await show(page, "/connections/silent")
    expect(await page.locator(".page-head .state.done").count()).toBe(0)
  })

  test("17. a finished order shows nothing as running", async () => {
    const page = await pageOf("viewer")
    await show(page, `/orders/${estate.closedOrder}`)
    await page.getByLabel("Show").selectOption("all")
    await page.getByText("order placed").first().waitFor()
    expect(await page.getByText("under way", { exact: true }).count()).toBe(0)
    await page.getByLabel("Show").selectOption("failed")
    await page.getByText("Nothing of this kind.").waitFor()
  })

  test("20. filters survive going back and a reload", async () => {
    const page = await pageOf("viewer")
    await show(page, "/exceptions?owner=operations&sort=money")
    const address = page.url()
    await page.locator("[data-row] a").first().click()
    await page.getByRole("heading", { name: "What people did" }).waitFor()
    await page.goBack()
    await page.locator("[data-row] a").first().waitFor()
    await page.reload()
    await page.locator("[data-row] a").first().waitFor()
    expect(page.url()).toBe(address)
    expect(await page.getByLabel("Owner").inputValue()).toBe("operations")
    expect(await page.getByLabel("Order by").inputValue()).toBe("money")
  })

  test("21. the axis of an order's way is in the zone that is chosen, as everything else", async () => {
    const page = await pageOf("viewer")
    await show(page, `/orders/${estate.closedOrder}`)
    const axis = () => page.locator(".scale-ticks .scale-line span").first().innerText()
    const list = () => page.locator(".way time").first().innerText()
    const hours = async () => [(await axis()).slice(0, 2), (await list()).slice(0, 2)]
    await page.getByLabel("Times in").selectOption("utc")
    const utc = await hours()
    await page.getByLabel("Times in").selectOption("mine")
    const mine = await hours()
    // The browser is in Berlin.
    expect(utc[0]).toBe(utc[1])
    expect(mine[0]).toBe(mine[1])
    expect(mine[0]).not.toBe(utc[0])
  })

  test("22. ten thousand entries do not freeze the page", async () => {
    const page = await pageOf("viewer")
    const hops = Array.from({ length: 10_000 }, (_, n) => ({
      object: `order/${estate.closedOrder}`,
      at: new Date(Date.UTC(2026, 10, 20, 10) + n * 1000).toISOString(),
      system: n % 2 === 0 ? "sap" : "shopify",
      what: `step ${n}`,
      outcome: n % 100 === 0 ? "rejected" : "done",
    }))
    await page.route("**/v1/trace?*", (route) =>
      route.fulfill({
        json: { object: `order/${estate.closedOrder}`, objects: [], workflows: [], hops, isComplete: true },
      }),
    )
    await show(page, `/orders/${estate.closedOrder}`)
    await page.getByText("step 1", { exact: true }).waitFor()
    const startedMs = Date.now()
    await page.getByRole("link", { name: "Money" }).click()
    await page.getByText("Every cent that was kept is booked.").waitFor()
    expect(Date.now() - startedMs).toBeLessThan(3000)
    await page.getByRole("link", { name: "Way", exact: false }).first().click()
    await page.getByText("step 1", { exact: true }).waitFor()
    await page.getByText("300 of 10,000 shown, show more").click()
    await page.getByText("600 of 10,000 shown, show more").waitFor()
    // What failed is found among them without looking through all.
    await page.getByLabel("Show").selectOption("failed")
    await page.getByText("step 9900", { exact: true }).waitFor()
  })

  test("23. every state is told by a word and a shape, so it holds without colours", async () => {
    const page = await pageOf("viewer", { forcedColors: true })
    for (const path of ["/", "/exceptions", "/orders", "/connections", `/orders/${estate.closedOrder}`]) {
      await show(page, path)
      const bare = await page.evaluate<string[]>(`[...document.querySelectorAll(".state")]
        .filter((state) => !state.querySelector("svg") && state.textContent.trim() === "")
        .map((state) => state.outerHTML)`)
      expect([path, bare]).toEqual([path, []])
      const wordless = await page.evaluate<string[]>(`[...document.querySelectorAll(".list .state, .page-head .state")]
        .filter((state) => state.textContent.trim() === "" || !state.querySelector("svg"))
        .map((state) => state.outerHTML)`)
      expect([path, wordless]).toEqual([path, []])
    }
  })

  test("24. an order is found by its tracking number and by its payment's number", async () => {
    const trace = await estate.t.api("GET", `/v1/trace?of=${estate.closedOrder}`)
    const account = await estate.t.api("GET", `/v1/orders/${estate.closedOrder}/account`)
    const [tender] = account.body["tenders"] as unknown as { reference: string }[]
    const names = await estate.t.sql<{ id: string }[]>`
      select id from object_names where ref = ${`order/${estate.closedOrder}`} and type = 'tracking number'`
    expect(trace.status).toBe(200)
    const page = await pageOf("viewer")
    for (const number of [tender?.reference ?? "", names[0]?.id ?? ""]) {
      expect(number).not.toBe("")
      await show(page, `/find?q=${encodeURIComponent(number)}`)
      await page.getByRole("heading", { name: "Order #C-1" }).waitFor()
    }
  })

  test("a keyboard alone walks the whole desk, and the focus is never lost", async () => {
    const page = await pageOf("operator")
    const focusIsLost = () => page.evaluate<boolean>("document.activeElement === document.body")
    const places = [
      ["t", "Today"],
      ["e", "Exceptions"],
      ["o", "Orders"],
      ["s", "Stock"],
      ["b", "Books"],
      ["c", "Connections"],
      ["f", "Flows"],
    ] as const
    for (const [key, name] of places) {
      await page.keyboard.press("g")
      await page.keyboard.press(key)
      await page.getByRole("heading", { name, level: 1, exact: true }).waitFor()
      await page.waitForFunction("document.activeElement !== document.body")
      for (let tab = 0; tab < 12; tab += 1) {
        await page.keyboard.press("Tab")
        if (!(await focusIsLost())) continue
        // After the last one the browser's own bar has its turn, and then the page begins again.
        await page.keyboard.press("Tab")
        expect([name, tab, await page.locator(".skip:focus").count()]).toEqual([name, tab, 1])
      }
    }
    await page.keyboard.press("g")
    await page.keyboard.press("e")
    await page.getByRole("heading", { name: "Exceptions", level: 1, exact: true }).waitFor()
    await page.locator("[data-row]").first().waitFor()
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.getByRole("heading", { name: "What people did" }).waitFor()
    for (const [key, title] of [
      ["a", "Assign"],
      ["h", "Snooze"],
    ] as const) {
      await page.keyboard.press(key)
      await page.getByRole("dialog").getByRole("heading", { name: title }).waitFor()
      await page.keyboard.press("Escape")
      await page.getByRole("dialog").waitFor({ state: "detached" })
      expect(await focusIsLost()).toBe(false)
    }
    await page.keyboard.press("p")
    await page.getByRole("dialog").getByRole("button", { name: "Preview" }).waitFor()
    await page.keyboard.press("Escape")
    // While a dialog is there, keys are its own.
    await page.getByRole("dialog").waitFor({ state: "detached" })
    await page.keyboard.press("?")
    await page.getByText("Preview the group's first action").waitFor()
  })
})
