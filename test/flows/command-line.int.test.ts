import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, placeOrder, plentifulSkus, untilState } from "../fixtures/order-flow.ts"
import { runCommand } from "../fixtures/readers/command.ts"

let t: TestCrossdock
let folder = ""
const command = (...args: string[]) => runCommand(t, args, { CROSSDOCK_CONFIG: join(folder, "estate.mjs") })
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 52 })
  folder = mkdtempSync(join(tmpdir(), "estate-"))
  const { shopify, sap, stripe, warehouse, tax, fraud, mail, estate } = t.lab
  const urls = Object.entries({ shopify, sap, stripe, warehouse, tax, fraud }).map(([name, { url }]) => [name, url])
  const lab = { ...Object.fromEntries(urls), smtp: mail.smtpUrl }
  const demo = JSON.stringify(join(process.cwd(), "demo/estate.ts"))
  writeFileSync(
    join(folder, "estate.mjs"),
    `import { demoEstate } from ${demo}\nexport default demoEstate(${JSON.stringify(lab)}, ${JSON.stringify(estate.locations)})`,
  )
  const bought = await buyInShop(t, { count: 5, payment: "paid" })
  for (const { orderId } of bought) await untilState(t, orderId, "closed")
})
afterAll(async () => {
  await t?.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe("a list", () => {
  test("P-52: says how many there are and how it goes on, and the next page begins where it ended", async () => {
    const first = await command("orders", "--limit", "2")
    expect(first.text).toMatch(/^2 of 5, next: crossdock orders --limit 2 --cursor \S+$/m)
    const cursor = / --cursor (\S+)$/m.exec(first.text)?.[1] ?? ""
    const second = await command("orders", "--limit", "4", "--cursor", cursor)
    expect(second.text).not.toContain("next:")
    const ids = (text: string) => [...text.matchAll(/ord_\w+/g)].map(([id]) => id)
    expect(new Set([...ids(first.text), ...ids(second.text)]).size).toBe(5)
  })

  test.each(["objects --kind order", "effects"])("P-52: %s says it too", async (name) => {
    const { text } = await command(...name.split(" "), "--limit", "3")
    expect(text).toMatch(/^3 of (\d+|more than 1000), next: crossdock .* --cursor \S+$/m)
  })

  test("P-52: a state that no order can have is refused with those there are; none of them is announced by nobody", async () => {
    const { code, text } = await command("orders", "--state", "needs a person")
    expect(code).toBe(2)
    expect(text).toMatch(/"closed"|closed/)
  })
})

test("P-52: a number that two shops gave lists both, with and without its #, and none is taken for the other", async () => {
  const [sku = ""] = plentifulSkus(t, 1)
  const [{ number = "" } = {}] = await t.sql<
    { number: string }[]
  >`select number from orders where channel = 'shopify' limit 1`
  const bare = number.replace("#", "")
  const id = await placeOrder(t, {
    externalId: bare,
    number: bare,
    lines: [{ sku, count: 1, totalMinor: 1210 }],
  } as never)
  await eventually(
    "the second order is known",
    async () => (await t.sql`select 1 from orders where id = ${id}`).length > 0,
  )
  for (const text of [bare, number]) {
    const traced = await command("trace", text)
    expect(traced.text).toContain("means several objects")
    expect(traced.text.match(/order\/ord_/g)).toHaveLength(2)
  }
  const account = await command("orders", "account", bare)
  expect(account).toMatchObject({ code: 2, text: expect.stringContaining("is the number of several orders") })
})

test("P-52: an order whose number has one digit is found by it, with and without its #, and nothing that only begins with it", async () => {
  const [sku = ""] = plentifulSkus(t, 1)
  const lines = [{ sku, count: 1, totalMinor: 1210 }]
  for (const externalId of ["7", "78"]) await placeOrder(t, { externalId, lines } as never)
  const known = () => t.sql`select 1 from orders where external_id in ('7', '78')`
  await eventually("both orders are known", async () => (await known()).length === 2)
  for (const text of ["7", "#7"]) {
    expect((await command("trace", text)).text).toMatch(/^#7 \(order\/ord_/)
    const found = await command("find", text)
    expect(found.text).toContain("#7")
    expect(found.text).not.toContain("#78")
  }
  expect(await command("find", "#")).toMatchObject({ code: 2, text: expect.stringContaining("nothing to look for") })
})

test("P-52: a wrong option, and --help, say how the command is written", async () => {
  const usage = expect.stringContaining("usage: crossdock exceptions [decide <id>")
  expect(await command("exceptions", "--help")).toMatchObject({ code: 0, text: usage })
  const { code, text } = await command("exceptions", "--state", "open")
  expect([code, text.split("\n")[0], text]).toEqual([2, "Unknown option '--state'", usage])
})

test("P-42: trying a connection reads its newest objects, says what would follow, and writes nothing", async () => {
  const count = async () => Number((await t.sql<{ n: number }[]>`select count(*)::int as n from inbox`)[0]?.n)
  const before = await count()
  const { code, text } = await command("try", "shopify", "--last", "2")
  expect(code).toBe(0)
  expect(text).toMatch(/^shopify \(shopify .*\) answers and takes our key$/m)
  expect(text).toMatch(/^ {2}order\.placed {2}order #\d+ of /m)
  // An order that nobody edited is no edit.
  expect(text).not.toContain("order.edited")
  expect(text).toMatch(/^ {6}starts "fulfil order"$/m)
  expect(text).toMatch(/^2 objects: 2 can be understood, 0 cannot; 2 orders in them\.\nNothing was written\.$/m)
  expect(await count()).toBe(before)
})

test("P-42: the history of a connection is shown before it is read", async () => {
  const shown = await command("connections", "history", "shopify", "--since", "2026-01-01")
  expect(shown.text).toMatch(/5 orders in them\.\nNothing was written\.\nTo have it read, add --go\./)
  const gone = await command("connections", "history", "shopify", "--since", "2026-01-01", "--go")
  expect(gone.text).toMatch(/^the next poll reads orders of shopify from 2026-01-01T00:00:00\.000Z on/)
  const nothing = await command("connections", "history", "sap", "--since", "2026-01-01", "--go")
  expect(nothing).toMatchObject({ code: 2, text: expect.stringContaining("nothing of sap is polled") })
})

test("what is done to many is planned, paced and run by commands, and groups are merged by them", async () => {
  const [sku = "", other = ""] = plentifulSkus(t, 2)
  for (const [n, one] of [sku, other].entries()) {
    const lines = [{ sku: one, count: 900_000, totalMinor: 1210 }]
    const orderId = await placeOrder(t, { externalId: `cli-many-${n}`, lines })
    await eventually("it is short", async () => {
      const { body } = await t.api("GET", `/v1/exceptions?orderId=${orderId}`)
      return (body.items ?? []).length > 0
    })
  }
  const kinds = await command("operations", "kinds")
  expect(kinds.text).toMatch(/retry: .*\n {4}from .*\(failed step \| first step \| chosen step\)/)
  const plan = ["operations", "preview", "retry", "from=failed step", "cause=stock is short", "--reason", "counted"]
  const preview = await command(...plan)
  expect(preview.text).toContain("It runs on version")
  const id = /op_\w+/.exec(preview.text)?.[0] ?? ""
  expect((await command("operations", "pace", id, "9")).text).toContain(id)
  expect((await command("operations", "run", id)).code).toBe(0)
  await eventually("it is done", async () => (await t.api("GET", `/v1/operations/${id}`)).body["state"] === "done")
  expect((await command("operations", "show", id)).text).toContain("done")
  expect((await command("operations", "members", id)).text).toContain("done")
  expect((await command("operations", "preview", "nuke", "a=b")).text).toContain("is none of")

  const groups = await eventually("two groups are short again", async () => {
    const { body } = await t.api("GET", "/v1/exception-groups?state=all")
    const found = (body.items ?? []).filter(({ cause }) => cause === "stock is short")
    return found.length > 1 && found.map((one) => String(one["id"]))
  })
  const merged = await command(
    "groups",
    "merge",
    groups[0] ?? "",
    "--into",
    groups[1] ?? "",
    "--reason",
    "one supplier",
  )
  expect(merged.text).toContain(`is merged into ${groups[1]}`)
  expect((await command("groups", "rules")).text).toContain("because one supplier")
  const rule = /^(\d+)/.exec(merged.text)?.[1] ?? ""
  expect((await command("groups", "undo", rule)).text).toContain("undone by")
  expect((await command("groups", "split", groups[0] ?? "", "--by", "owner")).text).toContain("split nothing")
})
