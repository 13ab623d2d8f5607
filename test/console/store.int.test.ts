import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { quietWarehouse } from "../fixtures/crossdock.ts"
import { placeOrder, untilState } from "../fixtures/order-flow.ts"
import { faultsOfAccess, hasBrowser, openPage, signInLink, startBrowser, tooWidePx, type Browser } from "./browser.ts"
import { startConsoleEstate, type ConsoleEstate } from "./estate.ts"

// A store manager with a phone, who does not know what a queue is. The steps are counted: each click or typed text is one.
describe.skipIf(!hasBrowser)("a store manager with a phone", () => {
  let estate: ConsoleEstate
  let browser: Browser
  let page: Awaited<ReturnType<typeof openPage>>["page"]
  let orderId: string
  let complaints: string[]

  beforeAll(async () => {
    ;[estate, browser] = await Promise.all([startConsoleEstate(67), startBrowser()])
    await fetch(`${estate.t.lab.warehouse.url}/__lab/habits`, {
      method: "PUT",
      body: JSON.stringify(quietWarehouse.warehouse.habits),
    })
    orderId = await placeOrder(estate.t, {
      externalId: "P-1",
      lines: [{ sku: estate.sku, count: 2, totalMinor: 4998 }],
    })
    await untilState(estate.t, orderId, "released")
    ;({ page, complaints } = await openPage(browser, estate.t, { width: 390 }))
    await page.goto(await signInLink(estate.t, ["operator"], { stores: [estate.place] }))
  })
  afterAll(async () => {
    await browser?.close()
    await estate?.t.stop()
  })

  test("sees in one step whether all is well: the own store opens", async () => {
    await page.getByRole("heading", { name: estate.place, level: 1 }).waitFor()
    await page.getByText("All is well").waitFor()
    await page.getByRole("link", { name: "#P-1" }).waitFor()
    expect({ faults: await faultsOfAccess(page), wide: await tooWidePx(page) }).toEqual({ faults: [], wide: 0 })
  })

  test("finds out in two steps where an order is", async () => {
    await page.getByRole("searchbox", { name: "Order, parcel" }).fill("P-1")
    await page.keyboard.press("Enter")
    await page.getByRole("heading", { name: "Order #P-1" }).waitFor()
    await page.getByText("the warehouse to ship").waitFor()
    await page.goBack()
  })

  test("sees in three steps why the system says more than the shelf, and reports what was counted", async () => {
    await page.getByLabel("SKU", { exact: true }).fill(estate.sku)
    await page.getByRole("button", { name: "Ask why" }).click()
    await page.getByText(/^The system says \d/).waitFor()
    await page.getByText("Reserved for").waitFor()
    await page.getByRole("button", { name: "Report a count" }).click()
    const dialog = page.getByRole("dialog")
    await dialog.getByLabel("Counted on the shelf").fill("0")
    await dialog.getByText(/fewer than now/).waitFor()
    await dialog.getByText(/Report the orders that you cannot send/).waitFor()
    expect(await faultsOfAccess(page)).toEqual([])
    await page.keyboard.press("Escape")
    await dialog.waitFor({ state: "detached" })
  })

  test("says in three steps that an order cannot be picked: choose, effect, confirm", async () => {
    await page.getByRole("button", { name: "Cannot be picked #P-1" }).click()
    const dialog = page.getByRole("dialog")
    await dialog.getByText(/looked for elsewhere/).waitFor()
    await dialog.getByLabel(/are missing$/).waitFor()
    expect(await dialog.getByLabel(/are missing$/).inputValue()).toBe("2")
    await dialog.getByRole("button", { name: "Report" }).click()
    await page.getByText("#P-1 is reported.").waitFor()
    await page.getByText("no longer in this list").waitFor({ timeout: 20_000 })
  })

  test("hands over in one step, by a link to what is on the screen", async () => {
    await page.getByRole("button", { name: "Copy a link for the next shift" }).click()
    const copied = await page.evaluate<string>("navigator.clipboard.readText()")
    expect(copied).toContain(`/console/store?at=${estate.place}&sku=${estate.sku}`)
    expect(complaints).toEqual([])
  })
})
