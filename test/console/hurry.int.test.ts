import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import type { Estate } from "../../src/estate.ts"
import { openExceptions, placeOrder, untilException } from "../fixtures/order-flow.ts"
import { hasBrowser, openPage, show, signIn, startBrowser, tooWidePx, type Browser, type Page } from "./browser.ts"
import { startConsoleEstate, type ConsoleEstate } from "./estate.ts"

const fourEyes = (estate: Estate): Estate => ({
  ...estate,
  policies: { ...estate.policies, operations: { approval: { cases: 2 } } },
})

// People in a hurry: two clicks, two people at the same thing, answers that are lost or late, a session that ends.
describe.skipIf(!hasBrowser)("at the console, whoever is in a hurry", () => {
  let estate: ConsoleEstate
  let browser: Browser
  const opened: Awaited<ReturnType<typeof openPage>>[] = []

  beforeAll(async () => {
    ;[estate, browser] = await Promise.all([startConsoleEstate(64, fourEyes), startBrowser()])
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

  async function pageOf(role: string, width = 1280): Promise<Page> {
    const one = await openPage(browser, estate.t, { width })
    opened.push(one)
    await signIn(one.page, estate.t, [role])
    return one.page
  }

  async function groupOf(orderId: string): Promise<string> {
    const [open] = await openExceptions(estate.t, orderId)
    const { body } = await estate.t.api("GET", `/v1/exceptions/${open?.id}`)
    return String(body["group"])
  }

  /** The bodies of changes that a page sends to a path. */
  function sentTo(page: Page, path: RegExp): (string | null)[] {
    const sent: (string | null)[] = []
    page.on("request", (request) => {
      if (request.method() !== "GET" && path.test(request.url())) sent.push(request.postData())
    })
    return sent
  }

  test("two clicks on a button that makes a key make one", async () => {
    await estate.t.api("PUT", "/v1/consumers/till", { name: "till", owner: "stores", scopes: ["orders:read"] })
    const page = await pageOf("admin")
    const sent = sentTo(page, /\/keys$/)
    await show(page, "/admin/consumers/till")
    await page.getByRole("button", { name: "New key" }).dblclick()
    await page.getByRole("dialog").getByText("It is shown once.").waitFor()
    expect(sent).toHaveLength(1)
  })

  test("Enter pressed twice confirms once", async () => {
    const page = await pageOf("operator")
    await show(page, `/groups/${await groupOf(estate.shortOrder)}`)
    const sent = sentTo(page, /\/acts$/)
    await page.getByRole("button", { name: "Comment" }).click()
    await page.getByRole("dialog").getByRole("textbox").fill("the supplier was asked")
    await page.getByRole("dialog").getByRole("button", { name: "Comment" }).focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await page.getByText("the supplier was asked", { exact: true }).waitFor()
    expect(sent).toHaveLength(1)
  })

  test("whoever snoozes again after an answer was lost does so once", async () => {
    const page = await pageOf("operator")
    await show(page, `/groups/${await groupOf(estate.shortOrder)}`)
    await page.getByRole("button", { name: "Snooze" }).click()
    const dialog = page.getByRole("dialog")
    await page.route("**/acts", async (route) => {
      await route.fetch()
      await route.abort()
    })
    await dialog.getByRole("button", { name: "Snooze" }).click()
    await dialog.getByText("No answer came.").waitFor()
    await page.unroute("**/acts")
    await dialog.getByRole("button", { name: "Snooze" }).click()
    await dialog.waitFor({ state: "detached" })
    expect(await page.locator(".history li", { hasText: "snooze" }).count()).toBe(1)
    await page.getByRole("button", { name: "Show again" }).dblclick()
    await page.getByRole("button", { name: "Snooze" }).waitFor()
  })

  test("a refusal of a button without a dialog is told", async () => {
    const page = await pageOf("operator")
    await show(page, `/groups/${await groupOf(estate.shortOrder)}`)
    await page.route("**/acts", (route) => route.abort())
    await page.getByRole("button", { name: "Assign to me" }).click()
    await page.getByText("No answer came.").waitFor()
  })

  test("a dialog asks what it was opened for, also when somebody else did it meanwhile", async () => {
    const page = await pageOf("engineer")
    await show(page, "/connections/tax")
    await page.getByRole("button", { name: "Pause" }).click()
    await estate.t.api("POST", "/v1/connections/tax/pause", { reason: "somebody else was faster" })
    await page.locator(".state.big", { hasText: "paused" }).waitFor({ timeout: 30_000 })
    await page.getByRole("dialog").getByRole("heading", { name: "Pause tax" }).waitFor()
    await page.keyboard.press("Escape")
    await estate.t.api("POST", "/v1/connections/tax/resume", {})
  })

  test("a session that ends while a dialog is open leads to signing in, and from there back to the page", async () => {
    const page = await pageOf("operator")
    await show(page, `/groups/${await groupOf(estate.shortOrder)}`)
    await page.getByRole("button", { name: "Comment" }).click()
    await page.getByRole("dialog").getByRole("textbox").fill("written too late")
    await page.context().clearCookies()
    await page.getByRole("dialog").getByRole("button", { name: "Comment" }).click()
    await page.getByRole("heading", { name: "Sign in" }).waitFor({ timeout: 30_000 })
    expect(new URL(page.url()).searchParams.get("next")).toMatch(/^\/groups\//)
  })

  test("an answer that comes after another filter was chosen is not shown", async () => {
    const page = await pageOf("viewer")
    await show(page, "/cases")
    await page.route(/state=decided/, async (route) => {
      await new Promise((done) => setTimeout(done, 1500))
      await route.fulfill({ json: { items: [] } }).catch(() => undefined)
    })
    await page.getByLabel("State").selectOption("decided")
    await page.getByLabel("State").selectOption("open")
    await page.waitForTimeout(2500)
    expect(await page.locator("[data-row]").count()).toBeGreaterThan(0)
  })

  test("texts of others are shown as they are: markup, long ones, right to left, emoji; none turns our own words", async () => {
    const externalId = `<b onclick="x">\u202E${"abc ".repeat(10)}שלום🧵`
    const orderId = await placeOrder(estate.t, {
      externalId,
      lines: [{ sku: estate.sku, count: 900_000, totalMinor: 12_345 }],
    })
    await untilException(estate.t, orderId, "short")
    const wide: string[] = []
    for (const width of [1280, 390]) {
      const page = await pageOf("viewer", width)
      for (const path of ["/cases", "/orders", `/orders/${orderId}`]) {
        await show(page, path)
        expect(await page.locator("main b").count()).toBe(0)
        expect(await page.locator("main").innerText()).not.toContain("\u202E")
        if ((await tooWidePx(page)) > 0) wide.push(`${path} at ${width} px`)
      }
    }
    expect(wide).toEqual([])
  })

  test("an operation of many objects shows them page by page to the last", async () => {
    const group = await groupOf(estate.shortOrder)
    const spec = { action: "cancel order", group }
    const { body } = await estate.t.api("POST", "/v1/operations", { kind: "decide", spec, reason: "a look" })
    const page = await pageOf("operator")
    await page.route("**/members?*", (route) => {
      const query = new URL(route.request().url()).searchParams
      const first = query.has("after") ? Number(query.get("after")) + 1 : 0
      const items = Array.from(
        { length: Math.max(0, Math.min(Number(query.get("limit")), 120 - first)) },
        (_, index) => {
          return {
            n: first + index,
            member: `m${first + index}`,
            about: `case ${first + index}`,
            outcome: null,
            reason: null,
          }
        },
      )
      return route.fulfill({ json: { items } })
    })
    await show(page, `/operations/${String(body["id"])}`)
    await page.getByRole("button", { name: "Show more" }).click()
    await page.getByText("case 99", { exact: true }).waitFor()
    await page.getByRole("button", { name: "Show more" }).click()
    await page.getByText("case 119", { exact: true }).waitFor()
    await page.getByText("All 120 shown").waitFor()
  })

  // The last one: it decides everything that is left.
  test("a large operation waits for another person, who approves it, and both see its end", async () => {
    const orderId = await estate.sellShort("F-1")
    const asks = await pageOf("finance")
    await show(asks, `/groups/${await groupOf(orderId)}`)
    await asks.getByRole("button", { name: "cancel order …" }).click()
    await asks.getByRole("dialog").getByLabel("Reason").fill("the supplier is gone")
    await asks.getByRole("button", { name: "Preview" }).click()
    await asks.getByText(/objects, more than 2/).waitFor()
    await asks.getByRole("button", { name: "Run" }).dblclick()
    await asks.locator(".state.big", { hasText: "waiting for approval" }).waitFor()
    await asks.getByText(/another person has to approve it/).waitFor()
    expect(await asks.getByRole("button", { name: "Approve" }).isEnabled()).toBe(false)
    expect(await openExceptions(estate.t, orderId)).not.toEqual([])

    const approves = await pageOf("approver", 390)
    const paused = sentTo(approves, /\/pause$/)
    await show(approves, new URL(asks.url()).pathname.replace("/console", ""))
    await approves.getByText("the supplier is gone").waitFor()
    await approves.getByRole("button", { name: "Approve" }).dblclick()
    for (const page of [approves, asks]) {
      await page.locator(".state.big.done").waitFor({ timeout: 40_000 })
      await page.getByText("Approved by").waitFor()
    }
    expect(paused).toEqual([])
    expect(await openExceptions(estate.t, orderId)).toEqual([])
  })
})
