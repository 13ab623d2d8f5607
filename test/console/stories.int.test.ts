import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { control } from "../../src/cli/demo/break-command.ts"
import { breaks, type DemoWorld } from "../../src/cli/demo/breaks.ts"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { hasBrowser, openPage, show, signIn, startBrowser, type Browser, type Page } from "./browser.ts"

// What docs/guides/your-first-hour-on-call.md tells of the demo, done by two people with browsers: something breaks, one group has it with
// its money, it is previewed, another person approves, it runs, the group closes by itself, and what people did can be read afterwards.
describe.skipIf(!hasBrowser)("two people on call", () => {
  let t: TestCrossdock
  let world: DemoWorld
  let browser: Browser
  const opened: Awaited<ReturnType<typeof openPage>>[] = []

  beforeAll(async () => {
    const started = startTestCrossdock({
      seed: 69,
      // As in the demo, but that much is more than two.
      orders: { onShortage: "cancel", onClosedPeriod: "next open day" },
      estate: (demo) => ({ ...demo, policies: { ...demo.policies, operations: { approval: { cases: 2 } } } }),
    })
    ;[t, browser] = await Promise.all([started, startBrowser()])
    const urls: Record<string, string> = {
      shopify: t.lab.shopify.url,
      sap: t.lab.sap.url,
      warehouse: t.lab.warehouse.url,
    }
    const call = async (method: string, path: string, body?: unknown) => (await t.api(method, path, body)).body as never
    world = {
      api: { get: (path) => call("GET", path), post: (path, body) => call("POST", path, body) },
      ordinary: { ordersPerSecond: 0, faults: {} },
      lab: (simulator, what, body) => control(urls[simulator] ?? "", what, body),
    }
  })
  afterEach(async () => {
    const complaints = opened.flatMap((one) => one.complaints)
    await Promise.all(opened.splice(0).map(({ context }) => context.close()))
    if (complaints.length > 0) throw new Error(`the page complains: ${complaints.join("; ")}`)
  })
  afterAll(async () => {
    await browser?.close()
    await t?.stop()
  })

  async function pageOf(role: string): Promise<Page> {
    const one = await openPage(browser, t)
    opened.push(one)
    await signIn(one.page, t, [role])
    return one.page
  }

  interface Group {
    id: string
    cause: string
    open: number
    orders: number
    atRisk: { amountMinor: number; currency: string }[]
  }
  const groups = async () => (await t.api("GET", "/v1/exception-groups")).body.items as unknown as Group[]
  const groupOf = (cause: string, open: number) =>
    eventually(
      `a group of ${open}: ${cause}`,
      async () => (await groups()).find((group) => group.cause === cause && group.open === open),
      { withinMs: 90_000, seen: groups },
    )
  const gone = (cause: string) =>
    eventually(
      `no group: ${cause}`,
      async () => !(await groups()).some((group) => group.cause === cause) || undefined,
      {
        withinMs: 90_000,
        seen: groups,
      },
    )

  /** What the orders of the log cost together, by currency. */
  async function moneyOf(orders: readonly string[]) {
    const rows = await t.sql<{ currency: string; minor: number }[]>`
      select data -> 'order' -> 'total' -> 'shop' ->> 'currency' as currency,
        sum((data -> 'order' -> 'total' -> 'shop' ->> 'amountMinor')::bigint)::float8 as minor
      from events where type = 'order.placed' and data -> 'order' ->> 'id' = any (${[...orders]}::text[]) group by 1`
    return rows.map(({ currency, minor }) => ({ amountMinor: minor, currency }))
  }
  async function casesOf(group: string): Promise<{ id: string; about: string }[]> {
    const { body } = await t.api("GET", `/v1/exceptions?group=${group}&state=open&limit=200`)
    return body.items as unknown as { id: string; about: string }[]
  }
  const ordersOf = async (group: string) => [
    ...new Set((await casesOf(group)).map(({ about }) => about.replace("order/", ""))),
  ]

  /** Anna asks for what she sees at the group; Ben, in a browser of his own, approves what she sent him. */
  async function askAndApprove(group: string, ask: { act: string; day?: string; reason: string; says: RegExp }) {
    const anna = await pageOf("finance")
    await show(anna, `/groups/${group}`)
    await anna.getByRole("button", { name: `${ask.act} …` }).click()
    const dialog = anna.getByRole("dialog")
    if (ask.day !== undefined) await dialog.locator("input[type=date]").fill(ask.day)
    await dialog.getByLabel("Reason").fill(ask.reason)
    await dialog.getByRole("button", { name: "Preview" }).click()
    await anna.getByText(ask.says).first().waitFor()
    await anna.getByRole("button", { name: "Run", exact: true }).click()
    await anna.locator(".state.big", { hasText: "waiting for approval" }).waitFor()
    expect(await anna.getByRole("button", { name: "Approve" }).isEnabled()).toBe(false)
    const path = new URL(anna.url()).pathname.replace("/console", "")
    const ben = await pageOf("approver")
    await show(ben, path)
    await ben.getByText(ask.reason).first().waitFor()
    await ben.getByRole("button", { name: "Approve" }).click()
    for (const page of [ben, anna]) await page.locator(".state.big.done").waitFor({ timeout: 90_000 })
    await anna.getByText("Approved by").waitFor()
    return { anna, operation: path.split("/").at(-1) ?? "" }
  }

  /** The audit has who asked and who approved, and each case who decided it. */
  async function expectTold(operation: string, { caseId, reason }: { caseId: string; reason: string }): Promise<void> {
    const { body } = await t.api("GET", `/v1/operations/${operation}`)
    expect(body).toMatchObject({ state: "done", reason, failed: 0 })
    const { requestedBy, approvedBy } = body as unknown as { requestedBy: string; approvedBy: string }
    expect([requestedBy, approvedBy]).toEqual([expect.stringMatching(/^person-/), expect.stringMatching(/^person-/)])
    expect(requestedBy).not.toBe(approvedBy)
    const { body: decided } = await t.api("GET", `/v1/exceptions/${encodeURIComponent(caseId)}`)
    expect(decided).toMatchObject({ state: "decided", decision: { by: requestedBy } })
  }

  test("a shortfall: one group has the orders of what nobody finds; found again, they go on; cancelled, their money is given back", async () => {
    expect(await breaks["shortfall"]?.begin(world)).toContain("8 buyers")
    const found = await groupOf("goods are nowhere", 8)
    const waiting = await ordersOf(found.id)
    expect(found).toMatchObject({ orders: 8, atRisk: await moneyOf(waiting) })
    await breaks["shortfall"]?.end(world)
    await gone("goods are nowhere")

    await breaks["shortfall"]?.begin(world)
    const group = await groupOf("goods are nowhere", 8)
    const orders = await ordersOf(group.id)
    expect(orders.filter((id) => waiting.includes(id))).toEqual([])
    const [first] = await casesOf(group.id)
    const reason = "the supplier is gone"
    const { anna, operation } = await askAndApprove(group.id, {
      act: "cancel order",
      reason,
      says: /8 objects|8 orders/,
    })
    await gone("goods are nowhere")
    const states = async () =>
      Promise.all(orders.map(async (id) => String((await t.api("GET", `/v1/orders/${id}`)).body["state"])))
    await eventually(
      "all are taken back",
      async () => (await states()).every((state) => state === "refused") || undefined,
      { withinMs: 60_000, seen: states },
    )
    await expectTold(operation, { caseId: first?.id ?? "", reason })
    await show(anna, `/orders/${orders[0]}?tab=exceptions`)
    await anna.getByText("goods are nowhere").first().waitFor()
    await breaks["shortfall"]?.end(world)
  }, 240_000)

  test("a closed period: forty documents in one group, each order's money once, are posted on the day that finance names", async () => {
    const told = (await breaks["period"]?.begin(world)) ?? ""
    const day = /before (\d{4}-\d{2}-\d{2})/.exec(told)?.[1] ?? ""
    const group = await groupOf("posting period is closed", 40)
    const orders = await ordersOf(group.id)
    expect(orders).toHaveLength(20)
    expect(group).toMatchObject({ atRisk: await moneyOf(orders) })
    const [first] = await casesOf(group.id)
    const reason = "finance: the month is closed"
    const ask = { act: "post on another day", day, reason, says: new RegExp(`40 documents on ${day}`) }
    const { operation } = await askAndApprove(group.id, ask)
    await gone("posting period is closed")
    const books = t.lab.sap.books()["journals"] as Record<string, unknown>[]
    const dayOf = (value: unknown) => new Date(Number(/-?\d+/.exec(String(value))?.[0])).toISOString().slice(0, 10)
    const posted = books.filter(({ PostingDate }) => dayOf(PostingDate) === day)
    const of = new Set(posted.map(({ AssignmentReference }) => AssignmentReference))
    expect(orders.filter((id) => !of.has(id.slice(0, 18)))).toEqual([])
    await expectTold(operation, { caseId: first?.id ?? "", reason })
    await breaks["period"]?.end(world)
  }, 240_000)
})
