import { assert, constantFrom, integer, property } from "fast-check"
import { afterEach, describe, expect, test } from "vitest"
import type { FaultSettings } from "../faults.ts"
import type { Simulator } from "../simulator.ts"
import { taxLine } from "./quote.ts"
import { ratesFor } from "./rates.ts"
import { startTax, taxToken } from "./tax.ts"

const started: Simulator[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((simulator) => simulator.stop()))
})

async function start(faults: FaultSettings = {}): Promise<Simulator> {
  const tax = await startTax({ seed: 7, faults })
  started.push(tax)
  return tax
}

async function quote(tax: Simulator, body: unknown, token = taxToken) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
  const response = await fetch(`${tax.url}/quotes`, { method: "POST", headers, body: JSON.stringify(body) })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

/** The example of docs/reference/http-json-systems.md. */
const example = {
  reference: "ord_01",
  currency: "EUR",
  taxesIncluded: true,
  shipTo: { countryCode: "NL", postalCode: "3011 AD" },
  lines: [
    { lineId: "1", taxCode: "standard", amountMinor: 12_100 },
    { lineId: "2", taxCode: "reduced", amountMinor: 1_090 },
  ],
}

describe("a quote", () => {
  test("the example of the protocol page gets the figures of the protocol page", async () => {
    const { status, body } = await quote(await start(), example)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      lines: [
        { lineId: "1", taxes: [{ title: "NL VAT 21%", ratePercent: "21", amountMinor: 2_100 }] },
        { lineId: "2", taxes: [{ title: "NL VAT 9%", ratePercent: "9", amountMinor: 90 }] },
      ],
      totalTaxMinor: 2_190,
    })
  })

  test("the same question gets the same answer", async () => {
    const tax = await start()
    expect((await quote(tax, example)).body).toEqual((await quote(tax, example)).body)
  })

  test("an American line carries state, county and city tax that sum to the line's tax", async () => {
    const shipTo = { countryCode: "US", region: "NY", postalCode: "10001" }
    const lines = [{ lineId: "1", taxCode: "standard", amountMinor: 10_005 }]
    const { body } = await quote(await start(), { ...example, taxesIncluded: false, shipTo, lines })
    // 100.05 × 8.875 % = 8.8794…
    expect(body["totalTaxMinor"]).toBe(888)
    const [line] = body["lines"] as { taxes: { ratePercent: string }[] }[]
    expect(line?.taxes.map((tax) => tax.ratePercent)).toEqual(["4", "4.5", "0.375"])
  })

  test("for any amount the parts sum to the tax, and tax taken out of a gross amount is the tax on the net to a cent", () => {
    const places = [
      { countryCode: "NL" },
      { countryCode: "FR" },
      { countryCode: "US", region: "NY" },
      { countryCode: "CA", region: "QC" },
    ]
    assert(
      property(integer({ min: 0, max: 100_000_000 }), constantFrom(...places), (amountMinor, place) => {
        const rates = ratesFor(place, "standard") ?? []
        const sum = (taxes: { amountMinor: number }[]): number => taxes.reduce((all, tax) => all + tax.amountMinor, 0)
        const added = sum(taxLine({ amountMinor, rates, isIncluded: false }))
        const total = rates.reduce((all, rate) => all + rate.rateTenThousandths, 0)
        expect(Math.abs(added - (amountMinor * total) / 1_000_000)).toBeLessThanOrEqual(0.500001)
        const takenOut = sum(taxLine({ amountMinor: amountMinor + added, rates, isIncluded: true }))
        expect(Math.abs(takenOut - added)).toBeLessThanOrEqual(1)
      }),
    )
  })
})

describe("refusals", () => {
  test.each([
    ["a wrong token", 401, "UNAUTHORIZED", example, "nope"],
    [
      "a line without amount",
      400,
      "INVALID_REQUEST",
      { ...example, lines: [{ lineId: "1", taxCode: "standard" }] },
      taxToken,
    ],
    [
      "an amount that is not whole",
      400,
      "INVALID_REQUEST",
      { ...example, lines: [{ ...example.lines[0], amountMinor: 1.5 }] },
      taxToken,
    ],
    ["a repeated line", 400, "INVALID_REQUEST", { ...example, lines: [example.lines[0], example.lines[0]] }, taxToken],
    [
      "an unknown tax code",
      422,
      "UNKNOWN_TAX_CODE",
      { ...example, lines: [{ ...example.lines[0], taxCode: "luxury" }] },
      taxToken,
    ],
    [
      "a country without rates",
      422,
      "UNKNOWN_JURISDICTION",
      { ...example, shipTo: { countryCode: "AQ", postalCode: "" } },
      taxToken,
    ],
  ])("%s is refused with %i %s", async (...[, status, code, body, token]) => {
    expect(await quote(await start(), body, token)).toMatchObject({ status, body: { code } })
  })

  test("a throttled caller learns when to come back", async () => {
    const answer = await quote(await start({ rate429: 1 }), example)
    expect(answer).toMatchObject({ status: 429, body: { code: "RATE_LIMITED" } })
    expect(answer.headers.get("retry-after")).toBe("1")
  })

  test("a service that is down says 503", async () => {
    expect(await quote(await start({ rate5xx: 1 }), example)).toMatchObject({
      status: 503,
      body: { code: "UNAVAILABLE" },
    })
  })
})
