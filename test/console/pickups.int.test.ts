import { setTimeout } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Locator } from "playwright-core"
import { storeDesk } from "../../src/estate.ts"
import { own } from "../../src/governance/ownership/own.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { placeOrder, plentifulSkus } from "../fixtures/order-flow.ts"
import {
  faultsOfAccess,
  hasBrowser,
  openPage,
  takePictures,
  signInLink,
  startBrowser,
  tooWidePx,
  type Browser,
} from "./browser.ts"

// Somebody of a store with a phone: gets goods ready, hands them over, and cannot without what the buyer shows.
describe.skipIf(!hasBrowser)("somebody of a store with a phone", () => {
  let t: TestCrossdock
  let browser: Browser
  let page: Awaited<ReturnType<typeof openPage>>["page"]
  let complaints: string[]
  let store = ""
  const titles = ["Cup, white", "Saucer", "Breakfast for two"]

  beforeAll(async () => {
    const estate = startTestCrossdock({
      seed: 68,
      lab: quietWarehouse,
      estate: (demo) => {
        store = demo.locations.find(({ kind }) => kind === "store")?.id ?? ""
        const capability = ["releasesFulfilment", "cancelsReleases"] as const
        const pickups = {
          readyWithin: { hours: 4 },
          keepFor: { days: 5 },
          putBackWithin: { days: 1 },
          codeKey: "the key of the codes of this test",
        }
        return {
          ...demo,
          routes: [{ capability, connection: storeDesk, location: store }, ...demo.routes],
          ownership: [
            own("product.*", {}, { owner: "api:operator", to: [] }),
            ...(demo.ownership ?? []).filter((rule) => !rule.field.startsWith("product.")),
          ],
          policies: { ...demo.policies, pickups },
        }
      },
    })
    ;[t, browser] = await Promise.all([estate, startBrowser()])
    const skus = plentifulSkus(t, 2)
    const [cup = "", saucer = ""] = skus
    const kit = t.lab.estate.skus.find(({ kind }) => kind === "kit")?.sku ?? ""
    await put(cup, [{ field: "title", set: "Cup, white" }])
    const components = [
      { sku: cup, milli: 2000 },
      { sku: saucer, milli: 1000 },
    ]
    await put(kit, [{ field: "kit", set: { stock: "derived", components } }])
    for (const sku of skus)
      await t.api("POST", `/v1/locations/${store}/counts`, { fact: `fill ${sku}`, sku, countedMilli: 50_000 })
    for (const [n, sku] of [...skus, kit].entries())
      await placeOrder(t, {
        externalId: `K-${n + 1}`,
        lines: [
          { sku, title: titles[n] ?? sku, count: 2, totalMinor: 4998, method: { method: "pickup", locationId: store } },
        ],
      })
    await eventually("the store is asked", async () => {
      const { body } = await t.api("GET", `/v1/pickups?location=${store}&open=true`)
      return body.items?.length === 3 || undefined
    })
    ;({ page, complaints } = await openPage(browser, t, { width: 390 }))
    // The pickups answer last, when the store's orders have long been there.
    const isOfPickups = (url: URL) => url.pathname === "/v1/pickups"
    await page.route(isOfPickups, (route) => setTimeout(1000).then(() => route.continue()), { times: 1 })
    await page.goto(await signInLink(t, ["operator"], { stores: [store] }))
  })
  afterAll(async () => {
    await browser?.close()
    await t?.stop()
  })

  async function put(sku: string, changes: object[]) {
    const { body } = await t.api("PUT", `/v1/products/${sku}`, { changes })
    expect(body["outcome"]).toMatch(/accepted|unchanged/)
  }

  async function check(name: string) {
    expect({ faults: await faultsOfAccess(page), wide: await tooWidePx(page) }).toEqual({ faults: [], wide: 0 })
    await takePictures(page, name)
  }

  test("sees what is to be got ready, and until when, each order once", async () => {
    await page.getByRole("heading", { name: "To get ready and hand over" }).waitFor()
    expect(await page.getByRole("link", { name: "#K-1" }).count()).toBe(1)
    await check("pickups")
  })

  test("sees what a kit is made of, by name and for as many as are wanted, where it is listed and where it is picked", async () => {
    const [cup = "", saucer = ""] = plentifulSkus(t, 2)
    const partsOf = (place: Locator) =>
      place.getByRole("list", { name: "To take from the shelf" }).getByRole("listitem")
    const parts = [`4 × Cup, white (${cup})`, `2 × ${saucer}`]
    expect((await partsOf(page.locator("main")).allTextContents()).sort()).toEqual(parts.sort())
    await page.getByRole("button", { name: "Get ready #K-3" }).click()
    const dialog = page.getByRole("dialog")
    await dialog.getByText(/how many are missing/).waitFor()
    expect((await partsOf(dialog).allTextContents()).sort()).toEqual(parts.sort())
    await check("pickup-kit")
    await page.keyboard.press("Escape")
    await dialog.waitFor({ state: "detached" })
  })

  test("gets an order ready in two steps", async () => {
    await page.getByRole("button", { name: "Get ready #K-1" }).click()
    const dialog = page.getByRole("dialog")
    await dialog.getByText(/how many are missing/).waitFor()
    await check("pickup-pick")
    await dialog.getByRole("button", { name: "It is ready" }).click()
    await page.getByText("#K-1 is got ready.").waitFor()
    await page.getByRole("button", { name: "Hand over #K-1" }).waitFor()
  })

  test("hands it over with the buyer's code, and a wrong one is refused in words", async () => {
    await page.getByRole("button", { name: "Hand over #K-1" }).click()
    const dialog = page.getByRole("dialog")
    await dialog.getByText("Ordered by Ada Jansen.").waitFor()
    await dialog.getByLabel("The buyer's code").fill("AAAAAA")
    await dialog.getByRole("button", { name: "Handed over" }).click()
    await dialog.getByText(/is not the code of the order/).waitFor()
    await check("pickup-hand-over")
    const code = await eventually("the buyer is told the code", () => {
      const told = /the code ([2-9A-Z]{6})/.exec(JSON.stringify(t.lab.mail.books()))?.[1]
      return Promise.resolve(told)
    })
    await dialog.getByLabel("The buyer's code").fill(code)
    await dialog.getByRole("button", { name: "Handed over" }).click()
    await page.getByText("#K-1 is handed over.").waitFor()
    await eventually("the order is complete", async () => {
      const { body } = await t.api("GET", "/v1/pickups?state=handed%20over")
      return body.items?.length === 1 || undefined
    })
  })

  test("says that a part is missing, and the order looks for it elsewhere", async () => {
    await page.getByRole("button", { name: "Get ready #K-2" }).click()
    const dialog = page.getByRole("dialog")
    await dialog.getByLabel(/how many are missing/).fill("1")
    await dialog.getByRole("button", { name: "It is ready" }).click()
    await page.getByText("#K-2 is got ready.").waitFor()
    await eventually("one is missing", async () => {
      const { body } = await t.api("GET", `/v1/pickups?location=${store}&open=true`)
      return JSON.stringify(body).includes('"missingMilli":1000') || undefined
    })
    // The browser itself says that an answer was no success.
    expect(complaints.filter((complaint) => !complaint.includes("422"))).toEqual([])
  })
})
