import { afterAll, beforeAll, expect, test } from "vitest"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import { runCommand } from "../../fixtures/readers/command.ts"
import { poslogFile, toPoslog, transaction } from "../../fixtures/sales/poslog.ts"
import { saleReceipt } from "../../fixtures/sales/receipts.ts"

// POSLog at POST /v1/sales: the same receipts by another door.

let t: TestCrossdock
let storeId = ""

beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 97,
    lab: quietWarehouse,
    estate: (estate) => ({
      ...estate,
      policies: {
        ...estate.policies,
        sales: { closeAfter: { days: 1000 }, poslog: { tenders: { "X:Points": "voucher" } } },
      },
    }),
  })
  storeId = t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
})
afterAll(async () => t?.stop())

interface Outcome {
  outcome: string
  transaction?: number
  number?: string
  note?: string
  problems?: { pointer: string; message: string }[]
}
async function send(
  file: string | Uint8Array,
  type = "application/xml",
): Promise<{ status: number; results: Outcome[]; body: unknown }> {
  const response = await fetch(`${t.gatewayUrl}/v1/sales`, {
    method: "POST",
    headers: { authorization: `Bearer ${t.key}`, "content-type": type },
    body: typeof file === "string" ? file : new Uint8Array(file),
  })
  const body = (await response.json()) as { results?: Outcome[] }
  return { status: response.status, results: body.results ?? [], body }
}

test("a POSLog file has the outcomes that its receipts would have as JSON, and is the same receipts", async () => {
  const at = { storeId, tillId: "p1", businessDay: "2026-11-20" }
  const sale = saleReceipt({ ...at, sequence: 1 })
  const off = saleReceipt({ ...at, sequence: 4, tenders: [{ kind: "cash", amountMinor: 1189 }] })
  const odd = (type: string) =>
    transaction(
      { ...at, sequence: 5, endedAt: "2026-11-20T10:00:00.000Z", currency: "EUR" },
      `<RetailTransaction><LineItem><SequenceNumber>1</SequenceNumber><Sale><ItemID>TEE-M</ItemID><ExtendedAmount>5.00</ExtendedAmount><Quantity>1</Quantity></Sale></LineItem>
       <LineItem><SequenceNumber>2</SequenceNumber><Tender TenderType="${type}"><Amount>5.00</Amount></Tender></LineItem></RetailTransaction>`,
    )
  const training = toPoslog({
    ...at,
    sequence: 2,
    kind: "training",
    endedAt: "2026-11-20T10:00:00.000Z",
    currency: "EUR",
  })
  const elsewhere = toPoslog(saleReceipt({ ...at, storeId: "nowhere", sequence: 9 }))
  const file = poslogFile([toPoslog(sale), training, toPoslog(off), odd("X:Unknown"), elsewhere])
  const first = await send(file, "text/xml; charset=utf-8")
  expect(first.status).toBe(200)
  expect(first.results).toMatchObject([
    { outcome: "accepted", transaction: 1, number: `store ${storeId} till p1: 1` },
    { outcome: "accepted", transaction: 2, note: "was made in training: it moves nothing" },
    { outcome: "parked", transaction: 3 },
    {
      outcome: "parked",
      transaction: 4,
      problems: [{ pointer: "Transaction[4]/RetailTransaction/LineItem[2]/Tender[1]/@TenderType" }],
    },
    {
      outcome: "refused",
      transaction: 5,
      problems: [{ message: expect.stringContaining('there is no store "nowhere"') }],
    },
  ])
  // Again, and the first one as JSON: nothing is new.
  const again = await send(file)
  expect(again.results.map(({ outcome }) => outcome)).toEqual([
    "same as before",
    "same as before",
    "parked",
    "parked",
    "refused",
  ])
  const asJson = (await t.api("POST", "/v1/sales", { receipts: [sale] })).body as unknown as { results: Outcome[] }
  expect(asJson.results).toMatchObject([{ outcome: "same as before" }])
  // The number that never came is a gap; those that are parked are none.
  const gaps = (await t.api("GET", `/v1/sales/outstanding?storeId=${storeId}`)).body as unknown as { items: object[] }
  expect(gaps.items).toMatchObject([{ tillId: "p1", outstanding: [{ from: 3, to: 3 }] }])
  const { text } = await runCommand(t, ["stores", "outstanding", storeId])
  expect(text).toMatch(new RegExp(`^store ${storeId} till p1 epoch 1: 3 outstanding since \\d{4}-`))

  const told = await eventually("people are told", async () => {
    const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=100")
    return (body.items ?? []).find((one) => one["cause"] === "receipt cannot be read")
  })
  expect(told["summary"]).toContain("X:Unknown")
  // What it means is said, and it is sent again: it counts, and the case is over.
  expect((await send(poslogFile([odd("X:Points")]))).results).toMatchObject([{ outcome: "accepted" }])
  await eventually("the case ends", async () => {
    const { body } = await t.api("GET", `/v1/exceptions/${String(told["id"])}`)
    return (body as unknown as { state: string }).state !== "open"
  })
})

test("half a file, a bomb of entities and a file of the machine are refused whole, with their place", async () => {
  const whole = poslogFile([toPoslog(saleReceipt({ storeId, tillId: "p2", sequence: 1 }))])
  for (const [file, message] of [
    [whole.slice(0, -20), "expected"],
    [`<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><POSLog>&d;</POSLog>`, "no document type"],
    [`<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><POSLog>&b;</POSLog>`, "no document type"],
    ["<Orders/>", "expected the outermost element POSLog"],
    ["", "expected an element"],
  ] as const) {
    const { status, body } = await send(file)
    expect([file, status]).toEqual([file, 400])
    expect(JSON.stringify(body)).toContain(message)
  }
  expect((await send(`<POSLog>${"<Transaction/>".repeat(1001)}</POSLog>`)).status).toBe(413)
  const found = (await t.api("GET", `/v1/sales?storeId=${storeId}&tillId=p2&sequence=1`)).body as unknown as {
    items: object[]
  }
  expect(found.items).toEqual([])
})
