import fc from "fast-check"
import { expect, it } from "vitest"
import { readCsv, writeCsv } from "../../base/csv/csv.ts"
import { money } from "../../base/money.ts"
import type { Price } from "../../canonical/catalogue/price.ts"
import type { KeptProduct } from "../products.ts"
import { priceColumns, priceLine, readPriceFile } from "./price-file.ts"
import { columnName, productLines, readProductFile } from "./product-file.ts"

const prices = (text: string) => readPriceFile(readCsv(Buffer.from(text)))
const products = (text: string) => readProductFile(readCsv(Buffer.from(text)))

it("S-20: a file of prices of a German spreadsheet is read: semicolons, decimal commas, days in a zone", () => {
  const { rows, problems } = prices(
    "\uFEFFSKU;Type;Amount;Currency;From;Until;Zone;Compare_at\r\nTEE-M;sale;1.499,00;EUR;2026-11-27;2026-11-30;Europe/Berlin;1.999,00\r\nTEE-L;base;9,9;EUR;;;;0,00\r\n",
  )
  expect(problems).toEqual([])
  expect(rows).toMatchObject([
    {
      line: 2,
      row: {
        sku: "TEE-M",
        price: {
          type: "sale",
          amount: money(149_900, "EUR"),
          validity: {
            from: "2026-11-26T23:00:00.000Z",
            until: "2026-11-30T23:00:00.000Z",
            said: "2026-11-27 to 2026-11-30",
          },
          compareAt: { set: money(199_900, "EUR") },
        },
      },
    },
    // PUBLISHING 9: older systems write 0 where there is none.
    { line: 3, row: { price: { amount: money(990, "EUR"), compareAt: { clear: true } } } },
  ])
})

it("S-20: every problem of a file of prices has its line and column, and the good rows stay", () => {
  const { rows, problems } = prices(
    "sku,type,amount,currency,until,rank\nA,base,1.005,EUR,,\nB,base,abc,EUR,,\nC,bass,1,EUR,2026-11-31,x\nD,base,1,EUX,,\nE,base,1,EUR,,",
  )
  expect(problems.map(({ line, column }) => [line, column])).toEqual([
    [2, "amount"],
    [3, "amount"],
    [4, "until"],
    [4, "type"],
    [4, "rank"],
    [5, "currency"],
  ])
  expect(rows.map(({ row: { sku } }) => sku)).toEqual(["E"])
})

it("S-20: a heading that nobody knows stops the file, and says what there is", () => {
  expect(prices("sku,typ,amount,currency\nA,base,1,EUR").problems.map(({ column }) => column)).toEqual(["type", "typ"])
  expect(products("sku,titel\nA,x").problems).toMatchObject([{ line: 1, column: "titel" }])
})

it("S-20: a line with too many cells costs no other line", () => {
  expect(prices("sku,type,amount,currency\nA,base,1,EUR,x\nB,base,1,EUR").rows).toMatchObject([{ row: { sku: "B" } }])
  expect(products("sku,title\nA,x,y\nB,z").rows).toMatchObject([{ row: { sku: "B" } }])
})

it("S-20: a column that stands there twice, and a scope that is none, are named before anything is written", () => {
  const heading = (text: string) =>
    products(`${text}\nA,x,y`).problems.map(({ column, message }) => `${column} ${message}`)
  expect(heading("sku,title[locale=de],title[locale=de]")).toEqual(["title[locale=de] stands there twice"])
  expect(heading("sku,title[locale=],title[channel=Shop DE]")).toEqual([
    expect.stringContaining("title[locale=] /scope/locale"),
    expect.stringContaining("title[channel=Shop DE] /scope/channel"),
  ])
  expect(heading("sku,title[__proto__=x],brand[constructor=y]")).toHaveLength(2)
})

it("S-20: an article number or a record that is too long is named at its cell", () => {
  const long = "x".repeat(300)
  const { problems } = prices(`sku,record,type,amount,currency\n${long},${long},base,1,EUR`)
  expect(problems.map(({ column }) => column)).toEqual(["sku", "record"])
  expect(products(`sku,title\n${long},x`).problems.map(({ column }) => column)).toEqual(["sku"])
})

it("prices of one article in two currencies are two records", () => {
  const { rows } = prices("sku,type,amount,currency\nA,base,1,EUR\nA,base,4,PLN")
  expect(new Set(rows.map(({ row: { record } }) => record)).size).toBe(2)
})

it("PUBLISHING 23: a GTIN that lost its zeros is 14 digits again, and one that a spreadsheet rounded is refused", () => {
  const { rows, problems } = products(
    "sku,gtins\nA,4006381333931\nB,0012345678905\nC,12345678905\nD,4.00638E+12\nE,0000000000000",
  )
  expect(rows.map(({ row }) => row.changes[0]?.set)).toEqual([
    [{ gtin: "04006381333931", unit: "ea" }],
    [{ gtin: "00012345678905", unit: "ea" }],
  ])
  expect(problems.map(({ line, column }) => [line, column])).toEqual([
    [4, "gtins"],
    [5, "gtins"],
    [6, "gtins"],
  ])
})

it("an empty cell leaves a field untouched, and (clear) clears it in its scope alone", () => {
  const { rows } = products("sku,title,title[locale=de],handlingDays\nA,,(clear),2")
  expect(rows[0]?.row.changes).toEqual([
    { field: "title", scope: { locale: "de" }, clear: true },
    { field: "handlingDays", set: 2 },
  ])
})

const word = fc
  .string({ unit: fc.constantFrom("a", "é", '"', ",", ";", "=", "'", "-", " ", "x", "\n"), minLength: 1, maxLength: 9 })
  .map((text) => `w${text}w`)
const moment = fc.integer({ min: 0, max: 1e10 }).map((ms) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString())
const anyPrice: fc.Arbitrary<Price> = fc
  .record({
    type: fc.constantFrom("base" as const, "sale" as const, "list" as const, "cost" as const),
    amountMinor: fc.integer({ min: 1, max: 1e9 }),
    currency: fc.constantFrom("EUR", "JPY", "KWD"),
    taxBasis: fc.constantFrom("inclusive" as const, "exclusive" as const),
    group: fc.option(word, { nil: undefined }),
    minMilli: fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: undefined }),
    from: fc.option(moment, { nil: undefined }),
    rank: fc.option(fc.integer({ min: 0, max: 1000 }), { nil: undefined }),
    compare: fc.constantFrom("none", "clear", "set"),
  })
  .map(({ type, amountMinor, currency, taxBasis, group, minMilli, from, rank, compare }) => ({
    type,
    amount: money(amountMinor, currency),
    taxBasis,
    scope: { ...(group && { group }), ...(minMilli && { minMilli }) },
    validity: from ? { from } : {},
    ...(rank === undefined ? {} : { rank }),
    ...(compare === "none"
      ? {}
      : { compareAt: compare === "clear" ? { clear: true as const } : { set: money(amountMinor + 1, currency) } }),
  }))

it("S-20: prices that are exported and imported again are the same", () => {
  fc.assert(
    fc.property(
      fc.array(anyPrice, { minLength: 1, maxLength: 8 }),
      fc.constantFrom(",", ";", "\t"),
      (made, separator) => {
        const lines = made.map((price, n) =>
          priceLine("TEE-M", { ...price, record: `r${n}`, source: "erp", layer: "owned" }),
        )
        const { rows, problems } = prices(`\uFEFF${writeCsv([priceColumns, ...lines], separator)}`)
        expect(problems).toEqual([])
        expect(rows.map(({ row }) => row)).toEqual(made.map((price, n) => ({ sku: "TEE-M", record: `r${n}`, price })))
      },
    ),
  )
})

it("S-20: products that are exported and imported again are the same", () => {
  const value = fc.oneof(
    word.map((text) => ({ field: "title" as const, scope: { locale: "de" }, value: text })),
    fc.constant({ field: "title" as const, scope: { channel: "shop", locale: "fr" } }),
    fc.integer({ min: 0, max: 365 }).map((days) => ({ field: "handlingDays" as const, scope: {}, value: days })),
    fc.constant({ field: "gtins" as const, scope: {}, value: [{ gtin: "04006381333931", unit: "case" }] }),
    word.map((text) => ({ field: "seo" as const, scope: {}, value: { title: text } })),
  )
  fc.assert(
    fc.property(
      fc.uniqueArray(value, { minLength: 1, maxLength: 5, selector: ({ field, scope }) => columnName(field, scope) }),
      (values) => {
        const origin = { layer: "owned" as const, by: "pim", rule: "", policy: "", at: "", fact: "" }
        const product: KeptProduct = {
          productId: "p",
          sku: "A",
          earlierSkus: [],
          changedAt: "",
          values: values.map((one) => ({ ...one, ...origin })),
        }
        const columns = values.map(({ field, scope }) => columnName(field, scope))
        const { rows, problems } = products(writeCsv([["sku", ...columns], ...productLines([product], columns)]))
        expect(problems).toEqual([])
        expect(rows[0]?.row.changes).toEqual(
          values.map(({ field, scope, ...more }) => ({
            field,
            ...(Object.keys(scope).length > 0 && { scope }),
            ...("value" in more ? { set: more.value } : { clear: true }),
          })),
        )
      },
    ),
  )
})
