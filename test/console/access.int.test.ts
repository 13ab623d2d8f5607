import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { LabLocation } from "../../demo/estate.ts"
import { publishingStock } from "../../demo/publishing.ts"
import type { Estate } from "../../src/estate.ts"
import { mondayOf } from "../../src/operations/report/weekly.ts"
import { quietWarehouse } from "../fixtures/crossdock.ts"
import { openExceptions, placeOrder, untilState } from "../fixtures/order-flow.ts"
import { putCatalogue } from "../fixtures/catalogue/rows.ts"
import { putTillDays } from "../fixtures/sales/till-day.ts"
import { askReturn, untilReturn } from "../fixtures/shop/returned-order.ts"
import { putAlert } from "../fixtures/alerts/told.ts"
import {
  faultsOfAccess,
  hasBrowser,
  looks,
  openPage,
  show,
  signIn,
  startBrowser,
  takePicture,
  tooWidePx,
  type Browser,
} from "./browser.ts"
import { startConsoleEstate, type ConsoleEstate } from "./estate.ts"

/** A week that is not over, as the report names it. */
const thisMonday = mondayOf(Date.now(), "Europe/Amsterdam")

const publishingDemo = (estate: Estate) =>
  publishingStock(
    estate,
    estate.locations.map(({ id }) => ({ locationId: id }) as LabLocation),
  )

describe.skipIf(!hasBrowser)("every screen of the console", () => {
  let estate: ConsoleEstate
  let browser: Browser
  let screens: Record<string, string>

  beforeAll(async () => {
    ;[estate, browser] = await Promise.all([startConsoleEstate(62, publishingDemo), startBrowser()])
    // Something to be sent from the store's screen.
    const body = JSON.stringify(quietWarehouse.warehouse.habits)
    await fetch(`${estate.t.lab.warehouse.url}/__lab/habits`, { method: "PUT", body })
    const toSend = await placeOrder(estate.t, {
      externalId: "W-1",
      lines: [{ sku: estate.sku, count: 3, totalMinor: 7497 }],
    })
    await untilState(estate.t, toSend, "released")
    const [open] = await openExceptions(estate.t, estate.shortOrder)
    const groups = await estate.t.api("GET", "/v1/exception-groups")
    const group = String(groups.body.items?.[0]?.["id"])
    const spec = { action: "cancel order", group }
    const operation = await estate.t.api("POST", "/v1/operations", {
      kind: "decide",
      spec,
      reason: "the supplier is gone",
    })
    await estate.t.api("POST", "/v1/modes/tax%20engine%20down/enter", { reason: "maintenance until 23:00" })
    const subscription = { id: "analytics", url: "https://events.example.com/in", description: "the data team's lake" }
    await estate.t.api("POST", "/v1/subscriptions", { ...subscription, types: ["order.*", "stock.moved"] })
    await estate.t.api("POST", "/v1/subscriptions/analytics/pause")
    const order = `/orders/${estate.closedOrder}`
    const shop = estate.t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
    await putTillDays(estate.t, shop)
    const alert = await putAlert(estate.t.sql, {
      key: "promise:refunds closed:stripe",
      rule: "promise",
      subject: { promise: "refunds closed" },
      severity: "page",
      owner: "finance",
      title: "Promise missed: refunds closed (method stripe, channel shopify)",
      detail: ["The budget burns 24 times as fast as agreed (target 99 %)."],
      count: 12,
      counted: "of the last 50 missed",
      money: [{ amountMinor: 53_856, currency: "EUR" }],
      since: new Date(Date.now() - 7_200_000).toISOString(),
      path: "/promises/refunds%20closed",
      runbook: "https://wiki.example/refunds",
      ifNobodyActs: "buyers wait for their money",
      explainedBy: [],
    })
    await putAlert(estate.t.sql, {
      key: `exceptions:${group}`,
      rule: "exceptions",
      subject: { group },
      severity: "notice",
      owner: "operations",
      title: "stock is short",
      detail: ["2 orders wait."],
      count: 2,
      counted: "cases open",
      money: [{ amountMinor: 24_690, currency: "EUR" }],
      since: new Date(Date.now() - 600_000).toISOString(),
      path: `/groups/${group}`,
      ifNobodyActs: "the orders wait, unreserved",
      explainedBy: [],
    })
    const { returnId } = await askReturn(estate.t, {
      orderId: estate.closedOrder,
      reference: "R-1",
      how: "bring to a store",
      reason: "The sleeves are too long.",
      takenOver: {
        locationId: estate.place,
        lines: [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" }, condition: "opened", disposition: "b-grade" }],
      },
    })
    await untilReturn(estate.t, returnId, { goods: "put away" })
    await askReturn(estate.t, { orderId: estate.shortOrder, reference: "R-2", reason: "It never came." })
    const endsAt = new Date(Date.now() + 7_200_000).toISOString()
    await estate.t.api("POST", "/v1/silences", { matches: { connection: "tax" }, reason: "it is being moved", endsAt })
    await putCatalogue(estate.t)
    screens = {
      today: "/",
      exceptions: "/exceptions",
      "exceptions-none": "/exceptions?owner=finance",
      group: `/groups/${group}`,
      operations: "/operations",
      operation: `/operations/${String(operation.body["id"])}`,
      cases: "/cases",
      exception: `/exceptions/${encodeURIComponent(open?.id ?? "")}`,
      orders: "/orders",
      order,
      "order-money": `${order}?tab=money`,
      "order-goods": `${order}?tab=goods`,
      "order-documents": `${order}?tab=documents`,
      "order-exceptions": `/orders/${estate.shortOrder}?tab=exceptions`,
      find: "/find?q=C-",
      returns: "/returns?which=all",
      return: `/returns/${returnId}`,
      stock: `/stock?sku=${estate.sku}`,
      channel: "/channels/shopify",
      catalogue: "/catalogue",
      product: "/products/TEE-RED-M",
      prices: "/prices",
      ownership: "/ownership",
      store: `/store?at=${estate.place}&sku=${estate.sku}`,
      "till-day": `/store?at=${shop}`,
      "till-day-closed": `/store?at=${shop}&day=2026-10-02`,
      books: "/books",
      why: "/why",
      report: `/report?week=${thisMonday}`,
      object: `/objects/${encodeURIComponent(`storeDay/${shop}:2026-10-02`)}`,
      promises: "/promises",
      promise: "/promises/orders%20released",
      alert: `/alerts/${alert}`,
      connections: "/connections",
      connection: "/connections/sap",
      mode: "/modes/tax%20engine%20down",
      flows: "/flows",
      admin: "/admin",
      consumer: "/admin/consumers/operator",
      "not-found": "/nowhere",
    }
  })
  afterAll(async () => {
    await browser?.close()
    await estate?.t.stop()
  })

  test.each(looks)(
    "has no fault that axe finds, and fits its window: $scheme, $width px",
    { timeout: 300_000 },
    async (look) => {
      const { context, page, complaints } = await openPage(browser, estate.t, look)
      const found: Record<string, unknown> = {}
      const check = async (name: string) => {
        const faults = await faultsOfAccess(page)
        const wide = await tooWidePx(page)
        if (faults.length > 0 || wide > 0) found[name] = { faults, wide }
        await takePicture(page, name, look)
      }
      await page.goto("/console/sign-in")
      await page.getByLabel("Password").waitFor()
      await check("sign-in")
      await signIn(page, estate.t, ["admin"])
      for (const [name, path] of Object.entries(screens)) {
        await show(page, path)
        await check(name)
      }
      await show(page, "/connections/fraud")
      await page.getByRole("button", { name: "Pause" }).click()
      await page.getByRole("dialog").waitFor()
      await check("dialog")
      await page.keyboard.press("Escape")
      await show(page, "/cases")
      await page
        .getByRole("button", { name: /^Actions for/ })
        .first()
        .click()
      await page.getByRole("menu").waitFor()
      await check("menu")
      await page.keyboard.press("Escape")
      // Phones have no such key.
      if (look.width > 600) {
        await page.keyboard.press("Control+k")
        await page.getByRole("dialog", { name: "Commands" }).waitFor()
        await check("commands")
      }
      expect({ found, complaints }).toEqual({ found: {}, complaints: [] })
      await context.close()
    },
  )

  test(
    "fits a window enlarged to 400 %, and keeps its words and outlines in forced colours",
    { timeout: 180_000 },
    async () => {
      // 1280 px at 400 % are 320 px.
      const { context, page } = await openPage(browser, estate.t, { width: 320, forcedColors: true })
      await signIn(page, estate.t, ["admin"])
      const wide: string[] = []
      for (const [name, path] of Object.entries(screens)) {
        await show(page, path)
        if ((await tooWidePx(page)) > 0) wide.push(name)
      }
      expect(wide).toEqual([])
      await show(page, "/exceptions")
      expect(await page.locator("main .state, main a").first().isVisible()).toBe(true)
      await context.close()
    },
  )
})
