import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { openExceptions } from "../fixtures/order-flow.ts"
import {
  faultsOfAccess,
  hasBrowser,
  openPage,
  show,
  signIn,
  signInLink,
  startBrowser,
  tooWidePx,
  type Browser,
  type Page,
} from "./browser.ts"
import { startConsoleEstate, type ConsoleEstate } from "./estate.ts"

// What people do at the console, in a real browser, against a running estate. Every page must be free of errors and of refusals
// by its content security policy.
describe.skipIf(!hasBrowser)("the console", () => {
  let estate: ConsoleEstate
  let browser: Browser
  const opened: Awaited<ReturnType<typeof openPage>>[] = []

  beforeAll(async () => {
    ;[estate, browser] = await Promise.all([startConsoleEstate(61), startBrowser()])
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

  async function newPage(width = 1280): Promise<Page> {
    const one = await openPage(browser, estate.t, { width })
    opened.push(one)
    return one.page
  }

  async function pageOf(...roles: string[]): Promise<Page> {
    const page = await newPage()
    await signIn(page, estate.t, roles)
    return page
  }

  const rows = (page: Page) => page.locator("[data-row]")
  const heading = (page: Page, name: string) => page.getByRole("heading", { name, exact: true })
  /** Where the row with the focus leads. */
  const rowOf = (page: Page) => page.locator("[data-row]:has(:focus) a").first().getAttribute("href")
  /** A page of rows is there: the rows of the page before it are not meant. */
  async function rowsOf(page: Page, title: string): Promise<void> {
    await heading(page, title).waitFor()
    await rows(page).first().waitFor()
  }
  async function tabTo(page: Page, place: string): Promise<void> {
    for (let tabs = 0; tabs < 40 && (await page.locator(place).count()) === 0; tabs += 1)
      await page.keyboard.press("Tab")
  }

  test("a link signs a person in once", async () => {
    const page = await newPage()
    await page.goto("/console/orders?state=shipped")
    await heading(page, "Sign in").waitFor()
    expect(new URL(page.url()).searchParams.get("next")).toBe("/orders?state=shipped")
    const link = await signInLink(estate.t, ["viewer"])
    await page.goto(link)
    await heading(page, "Today").waitFor()
    expect(page.url()).not.toContain("token")

    await page.getByRole("button", { name: "Sign out" }).click()
    await heading(page, "Sign in").waitFor()
    await page.goto(link)
    await page.getByText("This link was used before").waitFor()
  })

  test("the keyboard alone goes to the exceptions, opens one, decides it, and comes back to its row", async () => {
    const orderId = await estate.sellShort("K-1")
    const page = await pageOf("operator")
    await page.keyboard.press("g")
    await page.keyboard.press("e")
    await rowsOf(page, "Exceptions")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await heading(page, "What people did").waitFor()
    await page.getByRole("link", { name: "Exceptions" }).first().focus()
    await page.keyboard.press("Enter")
    await rowsOf(page, "Exceptions")
    await tabTo(page, "a:focus:text-is('All exceptions')")
    await page.keyboard.press("Enter")
    await rowsOf(page, "All exceptions")
    await page.keyboard.press("j")
    const first = await rowOf(page)
    await page.keyboard.press("j")
    expect(await rowOf(page)).not.toBe(first)
    await page.keyboard.press("k")
    expect(await rowOf(page)).toBe(first)
    await page.keyboard.press("x")
    await page.getByText("1 selected").waitFor()

    await page.keyboard.press("Enter")
    await heading(page, "What may be done").waitFor()
    await tabTo(page, "button:focus:text-is('cancel order')")
    await page.keyboard.press("Enter")
    await page.getByRole("dialog").waitFor()
    await tabTo(page, "textarea:focus")
    await page.keyboard.type("the buyer was told")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.getByText(/^Decided by /).waitFor()
    await page.getByText("the buyer was told", { exact: true }).waitFor()
    expect(await openExceptions(estate.t, orderId)).toEqual([])

    await page.goBack()
    await rowsOf(page, "All exceptions")
    await expect.poll(() => rowOf(page)).toBe(first)
  })

  test("an order is found by any id of any system: one hit opens, and an unknown one says so", async () => {
    const page = await pageOf("viewer")
    const { body } = await estate.t.api("GET", `/v1/orders/${estate.closedOrder}/account`)
    const [tender] = body["tenders"] as unknown as { reference: string }[]
    await page.keyboard.press("/")
    await page.keyboard.type(tender?.reference ?? "")
    await page.keyboard.press("Enter")
    await heading(page, "Order #C-1").waitFor()
    // The page of hits is not one to come back to.
    expect(new URL(page.url()).pathname).toBe(`/console/orders/${estate.closedOrder}`)
    await page.getByRole("searchbox", { name: /id or number/ }).fill("nobody-knows-this")
    await page.keyboard.press("Enter")
    await page.getByText("Nothing is known by").waitFor()
  })

  test("each entry of an order's way shows what stands behind it: what came, or what was asked and what became of it", async () => {
    const page = await pageOf("viewer")
    await show(page, `/orders/${estate.closedOrder}`)
    await page.getByRole("button", { name: "book order in ERP" }).first().click()
    const dialog = page.getByRole("dialog")
    await dialog.getByText("What was asked", { exact: true }).waitFor()
    await dialog.getByText("only a digest of it is kept").waitFor()
    await dialog.getByText('"outcome": "done"').first().waitFor()
    expect(await faultsOfAccess(page)).toEqual([])
    await page.keyboard.press("Escape")
    await page.getByRole("button", { name: "order placed" }).first().click()
    await dialog.getByText("As it came", { exact: true }).waitFor()
    expect(await faultsOfAccess(page)).toEqual([])
  })

  test("an order's values say who set them, and lead to the delivery that told them", async () => {
    const page = await pageOf("viewer")
    await show(page, `/orders/${estate.closedOrder}?tab=documents`)
    await page.getByText("Nothing was changed after it was placed.").waitFor()
    await page.getByRole("combobox").filter({ hasText: "all values" }).selectOption("all values")
    await page.getByText("lines 1 quantity milli", { exact: true }).waitFor()
    expect({ faults: await faultsOfAccess(page), isTooWide: (await tooWidePx(page)) > 0 }).toEqual({
      faults: [],
      isTooWide: false,
    })
    await page.getByRole("button", { name: "api:operator: placed" }).first().click()
    await page.getByRole("dialog").getByText("As it came", { exact: true }).waitFor()
  })

  test("an order's money ends in zero, or names what is left", async () => {
    const page = await pageOf("finance")
    await show(page, `/orders/${estate.closedOrder}?tab=money`)
    await page.getByText("Every cent that was kept is booked.").waitFor()
    const sum = await page.locator(".sum dl").innerText()
    expect(sum.replaceAll(/\s+/g, " ")).toContain("Taken 54.93")
    expect(sum.replaceAll(/\s+/g, " ")).toContain("Kept and not booked 0.00")
    await page.getByRole("link", { name: "Documents" }).click()
    await page.getByText("sales order").first().waitFor()
    await page.goBack()
    await page.getByText("Every cent that was kept is booked.").waitFor()
  })

  test("who may not decide sees the acts switched off, and why", async () => {
    const page = await pageOf("viewer")
    await show(page, `/cases?order=${estate.shortOrder}`)
    await page.getByRole("link", { name: "stock is short" }).click()
    await page
      .getByText(/needs the role operator/)
      .first()
      .waitFor()
    expect(await page.locator(".actions button:enabled").count()).toBe(0)
    expect(await page.locator(".actions button").count()).toBeGreaterThan(0)
  })

  test("filters stay through a reload and through going back", async () => {
    const page = await pageOf("viewer")
    await show(page, "/cases")
    await page.getByLabel("Owner").selectOption("operations")
    await page.getByLabel("Cause").selectOption("stock is short")
    const address = page.url()
    await page.reload()
    await rows(page).first().waitFor()
    expect(await page.getByLabel("Cause").inputValue()).toBe("stock is short")
    await rows(page).first().getByRole("link").click()
    await heading(page, "What may be done").waitFor()
    await page.goBack()
    await rows(page).first().waitFor()
    expect(page.url()).toBe(address)
    // Owners are those of the open cases; a link may name another.
    await show(page, "/cases?owner=nobody")
    await page.getByText("None match these filters.").waitFor()
    await page.getByRole("button", { name: "Clear the filters" }).first().click()
    await rows(page).first().waitFor()
  })

  test("a list stays still while it is read again: what is new is counted, and selection, focus and order stay", async () => {
    const page = await pageOf("operator")
    await show(page, "/cases")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    const before = { focus: await rowOf(page), texts: await rows(page).locator("a").allInnerTexts() }
    const orderId = await estate.sellShort("N-1")
    const fresh = page.getByRole("button", { name: /new, show/ })
    await fresh.waitFor({ timeout: 30_000 })
    expect(await rowOf(page)).toBe(before.focus)
    expect(await rows(page).locator("a").allInnerTexts()).toEqual(before.texts)
    expect(await page.locator("input:checked").count()).toBe(1)
    await fresh.click()
    await page.getByText("#N-1").first().waitFor()
    const [open] = await openExceptions(estate.t, orderId)
    await estate.t.api("POST", `/v1/exceptions/${open?.id}/decision`, { action: "cancel order", reason: "a test" })
    // Decided elsewhere: its row stays where it is, struck out.
    await page.locator(".gone", { hasText: "#N-1" }).waitFor({ timeout: 30_000 })
  })

  test("a connection is paused with a reason, says so everywhere, and goes on when it is resumed", async () => {
    const page = await pageOf("engineer")
    await show(page, "/connections/tax")
    await page.getByRole("button", { name: "Pause" }).click()
    const dialog = page.getByRole("dialog")
    // Nothing happens without a reason.
    await dialog.getByRole("button", { name: "Pause", exact: true }).click({ force: true })
    expect(await dialog.isVisible()).toBe(true)
    await dialog.getByLabel("Reason").fill("patch weekend")
    await dialog.getByRole("button", { name: "Pause", exact: true }).click()
    await dialog.waitFor({ state: "detached" })
    await page.getByText("patch weekend").waitFor()
    await show(page, "/")
    await page.getByText("Money does not flow everywhere").waitFor()
    await show(page, "/connections/tax")
    await page.getByRole("button", { name: "Resume" }).click()
    await page.getByRole("dialog").getByRole("button", { name: "Resume", exact: true }).click()
    await page.getByRole("dialog").waitFor({ state: "detached" })
    await page.getByRole("button", { name: "Pause" }).waitFor()
  })

  test("single keys can be switched off, and are off while somebody types", async () => {
    const page = await pageOf("viewer")
    await page.keyboard.press("/")
    await page.keyboard.type("g e ?")
    expect(await page.getByRole("searchbox").inputValue()).toBe("g e ?")
    await page.keyboard.press("Tab")
    await page.keyboard.press("?")
    await page.getByRole("dialog").getByText("Next, previous row").waitFor()
    await page.getByLabel("Single letters are shortcuts").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("e")
    await page.waitForTimeout(300)
    expect(new URL(page.url()).pathname).toBe("/console/")
  })

  test("Ctrl K goes to places, acts on the page that is open and finds, all by typing", async () => {
    const page = await pageOf("admin")
    await show(page, "/connections/tax")
    await page.keyboard.press("Control+k")
    const dialog = page.getByRole("dialog", { name: "Commands" })
    await dialog.getByRole("searchbox").waitFor()
    await dialog.getByRole("menuitem", { name: "Pause" }).waitFor()
    expect(await faultsOfAccess(page)).toEqual([])
    await page.keyboard.type("pau")
    await page.keyboard.press("Enter")
    // Nothing is done yet: the act's own dialog says what it does.
    await page.getByRole("dialog", { name: "Pause tax" }).waitFor()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("exce")
    await page.keyboard.press("Enter")
    await page.getByRole("heading", { name: "Exceptions", level: 1 }).waitFor()
    await page.keyboard.press("Control+k")
    await page.keyboard.type("C-1")
    await dialog.getByRole("menuitem", { name: "Find “C-1”" }).click()
    await page.getByRole("heading", { name: "Order #C-1" }).waitFor()
  })

  test("times are shown in the zone that is chosen, also after a reload", async () => {
    const page = await pageOf("viewer")
    // The estate's first location is in Amsterdam, the browser in Berlin.
    await page.getByText(/as of .* Amsterdam/).waitFor()
    await page.getByLabel("Times in").selectOption("mine")
    await page.getByText(/as of .* Berlin/).waitFor()
    await page.getByLabel("Times in").selectOption("utc")
    await page.getByText(/as of .* UTC/).waitFor()
    await page.reload()
    await page.getByText(/as of .* UTC/).waitFor()
  })

  test("an outage of Crossdock keeps what was read, says how old it is, and switches acting off", async () => {
    const page = await pageOf("operator")
    await show(page, `/cases?order=${estate.shortOrder}`)
    await page.getByRole("link", { name: "stock is short" }).click()
    await heading(page, "What may be done").waitFor()
    await page.clock.install()
    await page.route("**/v1/**", (route) => route.abort())
    await page.clock.runFor(90_000)
    await page.getByText(/Not up to date: last read/).waitFor()
    expect(await page.locator(".actions button:enabled").count()).toBe(0)
    await heading(page, "If nobody acts").waitFor()
  })

  // The last one: it decides everything that is left.
  test("an action on all cases of a group is previewed with its money, and done only when the preview is run", async () => {
    const orderId = await estate.sellShort("B-1")
    const [open] = await openExceptions(estate.t, orderId)
    const { body } = await estate.t.api("GET", `/v1/exceptions/${open?.id}`)
    const page = await pageOf("operator")
    await show(page, `/groups/${String(body["group"])}`)
    await page.getByRole("button", { name: "cancel order …" }).click()
    await page.getByRole("dialog").getByLabel("Reason").fill("the supplier is gone")
    await page.getByRole("button", { name: "Preview" }).click()
    await heading(page, "decide: cancel order").waitFor()
    await page.getByText("#B-1").first().waitFor()
    expect(await openExceptions(estate.t, orderId)).not.toEqual([])
    await page.getByRole("button", { name: "Run" }).click()
    await page.locator(".state.big.done").waitFor({ timeout: 40_000 })
    expect(await openExceptions(estate.t, orderId)).toEqual([])
  })
})
