import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { hasBrowser, openPage, show, signIn, startBrowser, type Browser, type Page } from "./browser.ts"
import { startConsoleEstate, type ConsoleEstate } from "./estate.ts"

// What happens elsewhere shows by itself, and moves nothing that somebody looks at, points to or has chosen.

/** A stream of so many hints a second, in place of the gateway's: every one says that anything may have changed. */
const hurriedStream = `
  delete globalThis.SharedWorker
  globalThis.EventSource = class extends EventTarget {
    static CLOSED = 2
    readyState = 1
    constructor() {
      super()
      const hints = ["orders", "exceptions", "exception-groups", "operations", "connections", "objects"]
        .map((topic) => ({ topic, ids: [], count: 1 }))
      queueMicrotask(() => this.dispatchEvent(new MessageEvent("ready", { data: "{}" })))
      this.timer = setInterval(() => {
        globalThis.hintsHeard = (globalThis.hintsHeard ?? 0) + 1
        this.dispatchEvent(new MessageEvent("hints", { data: JSON.stringify({ hints }) }))
      }, 20)
    }
    close() { clearInterval(this.timer) }
  }`

/** What must stay as it is: the order of rows, and what somebody has chosen, focused and points to. */
const still = `(() => {
  const under = document.querySelector("button:hover")
  return {
    order: [...document.querySelectorAll("[data-row] a[href]")].map((link) => link.getAttribute("href")),
    focus: document.activeElement?.getAttribute("href"),
    chosen: document.querySelectorAll("[data-row] input:checked").length,
    scroll: document.scrollingElement?.scrollTop,
    under: under?.getAttribute("aria-label"),
    place: JSON.stringify(under?.getBoundingClientRect()),
  }
})()`

describe.skipIf(!hasBrowser)("the console, while things happen", () => {
  let estate: ConsoleEstate
  let browser: Browser
  const opened: Awaited<ReturnType<typeof openPage>>[] = []

  beforeAll(async () => {
    ;[estate, browser] = await Promise.all([startConsoleEstate(66), startBrowser()])
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

  async function pageOf(role: string, before?: string): Promise<Page> {
    const one = await openPage(browser, estate.t)
    opened.push(one)
    if (before !== undefined) await one.page.addInitScript(before)
    await signIn(one.page, estate.t, [role])
    return one.page
  }

  /** Streams that the gateway has answered so far. */
  async function streams(): Promise<number> {
    const text = await fetch(`${estate.t.gatewayUrl}/metrics`).then((answer) => answer.text())
    const lines = text.split("\n").filter((line) => /_count\{.*\/v1\/stream.*"2xx"/.test(line))
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0)
  }

  test("a new exception shows within seconds, as a number until somebody asks for it", async () => {
    const page = await pageOf("viewer")
    await show(page, "/cases")
    const rows = await page.locator("[data-row]").count()
    await page.waitForTimeout(1500)
    await estate.sellShort("L-1")
    const startedMs = Date.now()
    await page.getByRole("button", { name: "1 new, show" }).waitFor({ timeout: 8000 })
    expect(Date.now() - startedMs).toBeLessThan(6000)
    expect(await page.locator("[data-row]").count()).toBe(rows)
    await page.getByRole("button", { name: "1 new, show" }).click()
    expect(await page.locator("[data-row]").count()).toBe(rows + 1)
  })

  test("15. ten tabs of a browser share one stream", async () => {
    const first = await pageOf("viewer")
    await first.waitForTimeout(1000)
    const before = await streams()
    for (let tab = 0; tab < 9; tab += 1) {
      const page = await first.context().newPage()
      await show(page, "/orders")
    }
    await first.waitForTimeout(1500)
    expect((await streams()) - before).toBe(0)
    expect(before).toBeGreaterThan(0)
  })

  test("18. 19. fifty hints a second move no row, and leave the selection, the focus and the button under the pointer", async () => {
    const page = await pageOf("operator", hurriedStream)
    await show(page, "/cases")
    const row = page.locator("[data-row]").nth(1)
    await row.getByRole("checkbox").check()
    const menu = row.getByRole("button", { name: /^Actions for/ })
    await menu.hover()
    await row.locator("a").first().focus()
    const now = () => page.evaluate<Record<string, unknown>>(still)
    const before = await now()
    expect(before).toMatchObject({ chosen: 1, focus: expect.stringContaining("/console/") as string })
    expect(before["under"]).toMatch(/^Actions for/)
    let reads = 0
    page.on("request", (request) => void (reads += Number(request.url().includes("/v1/exceptions"))))
    const more = Promise.all(["L-2", "L-3", "L-4"].map((id) => estate.sellShort(id)))
    for (let look = 0; look < 12; look += 1) {
      await page.waitForTimeout(500)
      expect(await now()).toEqual(before)
    }
    await more
    await page.getByRole("button", { name: "3 new, show" }).waitFor()
    expect(await now()).toEqual(before)
    const heard = Number(await page.evaluate("globalThis.hintsHeard"))
    expect(heard).toBeGreaterThan(100)
    // Hints are gathered: what is visible is read now and then, however much is told.
    expect(reads).toBeLessThan(heard / 10)
  })

  test("a dialog stays as it is, with what was typed, while hints come in", async () => {
    const page = await pageOf("operator", hurriedStream)
    await show(page, `/cases?order=${estate.shortOrder}`)
    await page.getByRole("link", { name: "stock is short" }).click()
    await page.getByRole("button", { name: "cancel order", exact: true }).click()
    const reason = page.getByRole("dialog").getByRole("textbox")
    await reason.fill("half a sentence")
    const confirm = page.getByRole("dialog").getByRole("button", { name: /^Confirm/ })
    const place = await confirm.boundingBox()
    await page.waitForTimeout(4000)
    expect(await reason.inputValue()).toBe("half a sentence")
    expect(await page.locator("textarea:focus").count()).toBe(1)
    expect(await confirm.boundingBox()).toEqual(place)
    await page.keyboard.press("Escape")
  })
  test("another person who signs in in the same browser hears by a stream of their own, with their own limits", async () => {
    const before = await streams()
    const first = await pageOf("viewer")
    await expect.poll(streams).toBe(before + 1)
    await signIn(await first.context().newPage(), estate.t, ["viewer"])
    await expect.poll(streams).toBe(before + 2)
  })

  test("a stream that the gateway has ended is opened again: here for other limits, elsewhere for a restart", async () => {
    const before = await streams()
    const page = await pageOf("viewer")
    await expect.poll(streams).toBe(before + 1)
    const { id } = await page.evaluate<{ id: string }>("fetch('/v1/me').then((answer) => answer.json())")
    const limited = { fullName: "Anna Miller", roles: ["viewer"], channels: ["till"] }
    expect((await estate.t.api("PUT", `/v1/people/${id.replace("person-", "")}`, limited)).status).toBe(200)
    await expect.poll(streams, { timeout: 15_000 }).toBe(before + 2)
  })
})
