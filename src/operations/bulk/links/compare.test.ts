import { describe, expect, test } from "vitest"
import { money } from "../../../base/money.ts"
import { compareDocument } from "./compare.ts"

const asked = { key: "ord_1", worth: money(4488, "EUR") }
const same = { reference: "ord_1", total: money(4488, "EUR"), state: "open" }

describe("a document compared with what was asked", () => {
  test("does not differ when reference, total and currency are the same", () => {
    expect(compareDocument(same, asked)).toEqual({ shows: "open, 44.88 EUR, reference ord_1", differences: [] })
  })

  test.each([
    [{ ...same, reference: "PO-7" }, "its reference is PO-7, not ord_1"],
    [{ ...same, reference: "" }, "it does not carry our reference ord_1"],
    [{ ...same, total: money(4400, "EUR") }, "its total is 44.00 EUR, 44.88 EUR was asked"],
    [{ ...same, total: money(4488, "CHF") }, "its currency is CHF, not EUR"],
    [{ reference: "ord_1", state: "open" }, "its total cannot be read; 44.88 EUR was asked"],
    [{ ...same, others: ["no item is line 2"] }, "no item is line 2"],
  ])("names what differs: %j", (found, difference) => {
    expect(compareDocument(found, asked).differences).toEqual([difference])
  })

  test("names every difference at once, and says when the amount that was asked is not kept", () => {
    expect(compareDocument({ ...same, reference: "" }, { key: "ord_1", worth: undefined }).differences).toHaveLength(2)
  })

  test("a document that cannot be the outcome says why", () => {
    expect(compareDocument({ ...same, cannotBe: "it is rejected" }, asked).cannotBe).toBe("it is rejected")
  })
})
