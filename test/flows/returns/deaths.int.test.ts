import { afterAll, beforeAll, expect, test } from "vitest"
import { randomStream } from "../../../lab/random.ts"
import { derivedId } from "../../../src/base/ids.ts"
import { placeInState, type StockState } from "../../../src/canonical/stock/states.ts"
import { quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import { plentifulSkus } from "../../fixtures/order-flow.ts"
import { openLossyDoor } from "../../fixtures/servers/lost-answers.ts"
import {
  armDeaths,
  lostMark,
  planDeaths,
  takeSurvivors,
  writesOf,
  type Death,
} from "../../fixtures/shop/deaths-of-returns.ts"
import {
  priceMinor,
  refundsOf,
  returnKinds,
  takeBack,
  type ReturnKind,
  type Sold,
} from "../../fixtures/shop/return-kinds.ts"
import { bookedOf, lying, shippedOrder } from "../../fixtures/shop/returned-order.ts"
import { creditsOf } from "../../fixtures/vendor-books.ts"

// P-18, S-48, S-151: a return of every kind is made once undisturbed, which shows the writes that it makes; then again and again, and each
// time one of these writes dies: its connection ends before it is there, or its answer is lost after it is there.
//
// A run takes some of the places, by a seed. Each kind of write once takes minutes, all writes of every kind of return (DEATHS=all) an hour:
// DEATHS=each npx vitest run --project engines test/flows/returns/deaths.int.test.ts

const { DEATHS: howMany = "2", DEATHS_SEED: seed = "1" } = process.env

/** So many returns go on at once. */
const atOnce = 39

let t: TestCrossdock
let sku = ""
let place = ""
const doors: { close(): void }[] = []
let orders = 0
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 131,
    // No refund ends by itself here.
    lab: { ...quietWarehouse, stripe: { refundSettleMs: { min: 3_600_000, max: 3_600_000 } } },
    way: async (url) => {
      const door = await openLossyDoor(url, lostMark)
      doors.push(door)
      return door.url
    },
  })
  // What a call became that nobody heard of is asked when its time is over, here soon.
  for (const connection of t.crossdock.connections.all) connection.timeoutMs = 1500
  ;[sku = ""] = plentifulSkus(t, 1)
  place = t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
  await armDeaths(t.sql)
})
afterAll(async () => {
  await t?.stop()
  for (const door of doors) door.close()
})

interface Case {
  kind: ReturnKind
  death?: Pick<Death, "place" | "when">
}

async function sell({ tenders: tendersOf, instead }: ReturnKind): Promise<Sold> {
  orders += 1
  const externalId = `D-${orders}`
  const order = (
    lines: { count: number; totalMinor: number }[],
    more: { externalId: string; tenders: Awaited<ReturnType<typeof tendersOf>> },
  ) => shippedOrder(t, { lines: lines.map((line) => ({ sku, ...line })), ...more })
  const tenders = await tendersOf(t)
  const orderId = await order([{ count: 3, totalMinor: priceMinor }], { externalId, tenders })
  const insteadId =
    instead === undefined
      ? {}
      : {
          insteadId: await order([{ count: 1, totalMinor: instead }], {
            externalId: `${externalId}-instead`,
            tenders: [],
          }),
        }
  const payments = tenders.flatMap(({ reference }) => reference ?? [])
  return { orderId, returnId: derivedId("ret", orderId, "1"), payments, ...insteadId }
}

/** What became of a return in the systems that have its goods, its money and its books. */
async function look({ orderId, returnId, insteadId, payments }: Sold): Promise<object> {
  const { body } = await t.api("GET", `/v1/orders/${orderId}/account`)
  const { tenders, openClaims, lines } = body as unknown as {
    tenders: { tenderId: string; givenBack: { amountMinor: number } }[]
    openClaims: unknown[]
    lines: { returnedMilli: number }[]
  }
  const stock = await t.sql<{ place: string; milli: number }[]>`
    select location_id as place, delta_milli::int as milli from stock_ledger where fact ~ ${returnId} order by id`
  const told = await t.sql<{ type: string; n: number }[]>`
    select type, count(*)::int as n from events
    where type in ('goods.returned', 'return.credited') and data ->> 'orderId' = ${orderId}
      and (data ->> 'of' = ${`return/${returnId}`} or data ->> 'returnId' = ${returnId}) group by type order by type`
  const open = await t.sql<{ cause: string }[]>`
    select cause from exceptions where state = 'open' and about in (${`return/${returnId}`}, ${`order/${orderId}`})`
  const both = [orderId, ...(insteadId ? [insteadId] : [])].flatMap((id) => [...bookedOf(t, id)])
  const sum = (account: string) =>
    both.filter(([name]) => name === account).reduce((total, [, minor]) => total + minor, 0)
  return {
    back: Object.fromEntries(tenders.map(({ tenderId, givenBack }) => [tenderId, givenBack.amountMinor])),
    openClaims,
    returned: lines.map(({ returnedMilli }) => returnedMilli),
    refunds: refundsOf(t, payments).map(({ amount, status }) => [amount, status]),
    stock: stock.map((row) => [row.place, row.milli]),
    told: Object.fromEntries(told.map(({ type, n }) => [type, n])),
    credits: creditsOf(t, orderId).length,
    booked: [...new Map(both).values()].length > 0 && both.reduce((total, [, minor]) => total + minor, 0),
    // What the buyers owe, what was taken from them, and what they may still buy for.
    theirs: sum("receivable") + sum("payment clearing") + sum("gift card liability"),
    open: open.map(({ cause }) => cause),
  }
}

/** What is right, by hand. */
function rightOf({ units, provider, right }: ReturnKind): object {
  const { back, refunds, lie } = right
  const milli = units * 1000
  const state = lie === "" ? undefined : (lie as StockState | undefined)
  return {
    back,
    openClaims: [],
    returned: [milli],
    refunds,
    stock: lie === undefined ? [] : [[placeInState(place, state), milli]],
    told: { "goods.returned": 1, "return.credited": 1 },
    credits: 1,
    booked: 0,
    theirs: priceMinor - Object.values(back).reduce((sum, minor) => sum + minor, 0),
    // It is told of the order as well.
    open: provider?.says === "failed" ? ["refund came back"] : [],
  }
}

/** Sells, takes back, and says what is not right. */
async function run(cases: readonly Case[]): Promise<{ wrong: string[]; writes: string[][] }> {
  const sold: (Case & { sold: Sold })[] = []
  for (let from = 0; from < cases.length; from += 6)
    sold.push(
      ...(await Promise.all(cases.slice(from, from + 6).map(async (one) => ({ ...one, sold: await sell(one.kind) })))),
    )
  const deaths = sold.flatMap(({ death, sold: { returnId } }) => (death ? [{ returnId, ...death }] : []))
  if (deaths.length > 0) await planDeaths(t.sql, deaths)
  const before = await lying(t, sku)
  const closed = await Promise.all(
    sold.map(async (one) => {
      const { kind, death } = one
      const now = await takeBack(t, { kind, sold: one.sold, place }).catch((thrown: unknown) => ({
        thrown: String(thrown),
      }))
      return { name: kind.name, death: death ? `${death.when} ${death.place}` : "", now }
    }),
  )
  const wrong: string[] = []
  for (const [n, one] of sold.entries()) {
    const { name, death, now } = closed[n] ?? {}
    const found = await look(one.sold)
    const tracks = { goods: one.kind.way === "kept" ? "none" : "put away", money: "given back", books: "credited" }
    const is = { tracks: Object.fromEntries(Object.keys(tracks).map((key) => [key, (now as never)?.[key]])), ...found }
    const right = { tracks, ...rightOf(one.kind) }
    for (const [what, should] of Object.entries(right)) {
      const [does, must] = [is[what as keyof typeof is], should].map((value) => JSON.stringify(value))
      if (does !== must)
        wrong.push([name, death, `${what}: ${does}, not ${must}`, now && "thrown" in now ? now.thrown : ""].join(" / "))
    }
  }
  const writes = await Promise.all(sold.map((one) => writesOf(t.sql, one.sold.returnId)))
  const after = await lying(t, sku)
  for (const at of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const came = sold.reduce((sum, { kind }) => {
      const { lie } = kind.right
      const lies = lie === undefined ? undefined : placeInState(place, lie === "" ? undefined : lie)
      return sum + (lies === at ? kind.units * 1000 : 0)
    }, 0)
    const [was, is] = [before[at] ?? 0, after[at] ?? 0]
    if (is !== was + came) wrong.push(`${at} had ${was}, ${came} came, and it has ${is}`)
  }
  return { wrong, writes }
}

/** By what DEATHS says: some of each kind of return, each kind of write once, or all there are. */
function chosen(writes: readonly (readonly string[])[]): Case[] {
  const random = randomStream(Number(seed), "deaths of returns")
  const of = (kind: ReturnKind, at: string) =>
    (["before", "after"] as const).map((when): Required<Case> => ({ kind, death: { place: at, when } }))
  const byKind = returnKinds.map((kind, n) => (writes[n] ?? []).flatMap((at) => of(kind, at)))
  if (howMany === "all") return byKind.flat()
  if (howMany !== "each")
    return byKind.flatMap((all) => Array.from({ length: Number(howMany) }, () => random.pick(all)))
  // What tells repeats of a step apart is no other place.
  const nameOf = ({ death }: Required<Case>) => `${death.when} ${death.place.replace(/#[^|]*/, "")}`
  return [...Map.groupBy(byKind.flat(), nameOf).values()].map((all) => random.pick(all))
}

/** How far a return is, is told when it waits; how often it waits, and which of two writes is the first, is a matter of time. */
const maybe = /^(state|until|tell \| the return moved on|claim \| update)/

test(
  "undisturbed or with a write that dies: money, goods and books of every kind of return end right, once",
  { timeout: 3_600_000, retry: 0 },
  async () => {
    const undisturbed = await run(returnKinds.map((kind) => ({ kind })))
    expect(undisturbed.wrong).toEqual([])
    const cases = chosen(undisturbed.writes)
    const wrong: string[] = []
    const alive: Death[] = []
    for (let from = 0; from < cases.length; from += atOnce) {
      wrong.push(...(await run(cases.slice(from, from + atOnce))).wrong)
      alive.push(...(await takeSurvivors(t.sql)))
      if (cases.length > atOnce) console.log(`${from} of ${cases.length}`, wrong)
    }
    expect([wrong, alive.filter((death) => !maybe.test(death.place))]).toEqual([[], []])
  },
)
