import { afterAll, beforeAll, expect, test } from "vitest"
import type { OrderRequest } from "../../../src/gateway/requests/order-request.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import { heldCard, plentifulSkus } from "../../fixtures/order-flow.ts"
import {
  askReturn,
  bookedOf,
  decide,
  lying,
  questionOf,
  shippedOrder,
  untilReturn,
} from "../../fixtures/shop/returned-order.ts"
import { creditsOf } from "../../fixtures/vendor-books.ts"

// S-48: a sale is taken back in its order, goods, money, books, while every write of it dies once before it is there.

let t: TestCrossdock
let skus: string[] = []
let place = ""
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 131, lab: quietWarehouse })
  skus = plentifulSkus(t, 6)
  place = t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
})
afterAll(async () => t?.stop())

type Tender = NonNullable<OrderRequest["tenders"]>[number]
const money = (amountMinor: number) => ({ amountMinor, currency: "EUR" })
const taken = (id: string, kind: Tender["kind"], amountMinor: number): Tender => {
  return {
    id,
    kind,
    provider: kind,
    state: "captured",
    amount: { shop: money(amountMinor), presentment: money(amountMinor) },
  }
}

/** What dies is begun again after a while. */
const slowly = { withinMs: 60_000 }

/** What pays an order of 80.00 of which half comes back, who is asked, and which tender has given back how much then. */
const kinds = [
  { name: "card", tenders: () => [heldCard(t, 8000)], asked: undefined, back: { T1: 4000 } },
  {
    name: "gift card",
    tenders: () => [taken("G1", "giftCard", 8000)],
    asked: "store credit given",
    back: { G1: 4000 },
  },
  {
    name: "store credit",
    tenders: () => [taken("S1", "other", 8000)],
    asked: "store credit given",
    back: { S1: 4000 },
  },
  { name: "cash", tenders: () => [taken("K1", "cash", 8000)], asked: "paid by hand", back: { K1: 4000 } },
  { name: "invoice", tenders: () => [taken("I1", "invoice", 8000)], asked: "paid by hand", back: { I1: 4000 } },
  {
    name: "gift card, card and cash",
    tenders: () => [taken("K1", "cash", 2500), heldCard(t, 3000), taken("G1", "giftCard", 2500)],
    asked: "store credit given",
    // First the gift card, then the card, and cash last.
    back: { K1: 0, T1: 1500, G1: 2500 },
  },
] as const

test(
  "whatever the buyer paid by: the unit is back once, no tender gives back more than it should, and the books have one credit",
  { timeout: 180_000 },
  async () => {
    const sold = await Promise.all(
      kinds.map(async (kind, n) => {
        const tenders = kind.tenders()
        const lines = [{ sku: skus[n] ?? "", count: 2, totalMinor: 8000 }]
        const orderId = await shippedOrder(t, { externalId: `D-${n}`, lines, tenders })
        return { ...kind, orderId, sku: skus[n] ?? "", reference: tenders.find(({ id }) => id === "T1")?.reference }
      }),
    )
    const before = await Promise.all(sold.map(async ({ sku }) => (await lying(t, sku))[place] ?? 0))
    await arm()
    const returned = await Promise.all(
      sold.map(async (one) => {
        const lines = [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" }, disposition: "sell here" }]
        const asked = {
          orderId: one.orderId,
          reference: "1",
          how: "bring to a store",
          takenOver: { locationId: place, lines },
        }
        const { returnId } = await askReturn(t, asked)
        const question = () => questionOf(t, returnId, "money could not be given back").catch(() => undefined)
        if (one.asked) await decide(t, await eventually(`${one.name} is asked about`, question, slowly), one.asked)
        await untilReturn(t, returnId, { state: "closed", goods: "put away", money: "given back", books: "credited" })
        return { ...one, returnId }
      }),
    )
    expect(await deaths()).toMatchObject({ journal: expect.any(Number) })
    await disarm()
    for (const [n, { name, orderId, returnId, sku, back, reference }] of returned.entries()) {
      expect([name, (await lying(t, sku))[place]]).toEqual([name, (before[n] ?? 0) + 1000])
      const { body } = await t.api("GET", `/v1/orders/${orderId}/account`)
      const { tenders } = body as unknown as { tenders: { tenderId: string; givenBack: { amountMinor: number } }[] }
      expect(Object.fromEntries(tenders.map(({ tenderId, givenBack }) => [tenderId, givenBack.amountMinor]))).toEqual(
        back,
      )
      const refunds = (t.lab.stripe.books()["refunds"] as { payment_intent: string; amount: number }[]).filter(
        (one) => one.payment_intent === reference,
      )
      const byCard = "T1" in back ? [back.T1] : []
      expect([name, refunds.map(({ amount }) => amount)]).toEqual([name, byCard])
      expect([name, creditsOf(t, orderId)]).toEqual([name, [expect.anything()]])
      const booked = bookedOf(t, orderId)
      expect([name, [...booked.values()].reduce((sum, minor) => sum + minor, 0)]).toEqual([name, 0])
      const told = await t.sql<{ type: string; n: number }[]>`
        select type, count(*)::int as n from events
        where data ->> 'orderId' = ${orderId} and type in ('goods.returned', 'return.credited', 'payment.refunded', 'journal.posted') and time > now() - interval '1 hour'
          and (data ->> 'of' = ${`return/${returnId}`} or data ->> 'returnId' = ${returnId} or data ->> 'claim' like ${`${returnId}%`})
        group by type order by type`
      expect([name, Object.fromEntries(told.map((row) => [row.type, row.n]))]).toEqual([
        name,
        {
          "goods.returned": 1,
          "payment.refunded": Object.values(back).filter((minor) => minor > 0).length,
          "return.credited": 1,
        },
      ])
    }
  },
)

/**
 * Every other write of returns kills its own connection before it commits: in the journal, before an effect and between its answer and its
 * outcome; in the account, where claims are made; and in the stock. Sequences count on when a transaction dies.
 */
async function arm(): Promise<void> {
  await t.sql.unsafe(`
    create sequence doom_journal; create sequence doom_claims; create sequence doom_ledger;
    create function doom_at_journal() returns trigger language plpgsql as $$ begin
      if exists (select from written w join workflow_instances i on i.id = w.instance where i.about like 'return/%') and nextval('doom_journal') % 2 = 1
      then perform pg_terminate_backend(pg_backend_pid()); end if; return null; end $$;
    create function doom_at_claims() returns trigger language plpgsql as $$ begin
      if new::text ~ 'ret_' and nextval('doom_claims') % 2 = 1 then perform pg_terminate_backend(pg_backend_pid()); end if; return new; end $$;
    create function doom_at_ledger() returns trigger language plpgsql as $$ begin
      if new::text ~ 'ret_' and nextval('doom_ledger') % 2 = 1 then perform pg_terminate_backend(pg_backend_pid()); end if; return new; end $$;
    create trigger doom after insert on workflow_journal referencing new table as written for each statement execute function doom_at_journal();
    create trigger doom before insert on order_claims for each row execute function doom_at_claims();
    create trigger doom before insert on stock_ledger for each row execute function doom_at_ledger();`)
}

async function disarm(): Promise<void> {
  for (const table of ["workflow_journal", "order_claims", "stock_ledger"])
    await t.sql.unsafe(`drop trigger doom on ${table}`)
}

async function deaths(): Promise<{ journal: number; claims: number; ledger: number }> {
  const [row] = await t.sql<{ journal: number; claims: number; ledger: number }[]>`
    select (select last_value::int from doom_journal) as journal, (select last_value::int from doom_claims) as claims,
      (select last_value::int from doom_ledger) as ledger`
  return row ?? { journal: 0, claims: 0, ledger: 0 }
}
