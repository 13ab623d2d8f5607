import { describe, expect, test } from "vitest"
import { money } from "../../../base/money.ts"
import { compareDocument } from "./compare.ts"

const asked = { key: "ord_1", asked: { worth: money(4488, "EUR") } }
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
    expect(compareDocument({ ...same, reference: "" }, { key: "ord_1" }).differences).toHaveLength(2)
  })

  test("lines are compared one by one, what is missing, more, and other; of many the first are named", () => {
    const wanted = { key: "k", asked: { of: "4711", lines: { "TEE-M": "2", CAP: "1", MUG: "1" } } }
    const found = { reference: "k", state: "done", of: "4711", lines: { "TEE-M": "1", CAP: "1", BAG: "3" } }
    expect(compareDocument(found, wanted)).toEqual({
      shows: "done, of 4711, reference k",
      differences: [
        "it has 3 of BAG, which was not asked",
        "it has no MUG, 1 was asked",
        "it has 1 of TEE-M, 2 was asked",
      ],
    })
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`S${n}`, "1"]))
    expect(compareDocument({ ...found, lines: many }, wanted).differences.at(-1)).toBe("7 more lines differ")
  })

  test.each([
    [{ of: "4712" }, "it belongs to 4712, not to 4711"],
    [{ reference: "ord_2qmgkf34wh6zvj1e-d2" }, "it carries ord_2qmgkf34wh6zvj1e-d2, the reference of another step"],
    [{ reference: "ret_2qmgkf34wh6zvj1e-abc" }, "it carries ret_2qmgkf34wh6zvj1e-abc, the reference of another step"],
  ])("what belongs to something else cannot be the outcome: %j", (found, why) => {
    const wanted = { key: "ord_2qmgkf34wh6zvj1e-d1", asked: { of: "4711" } }
    expect(compareDocument({ reference: wanted.key, state: "done", ...found }, wanted).cannotBe).toBe(why)
  })

  test("a document that cannot be the outcome says why", () => {
    expect(compareDocument({ ...same, cannotBe: "it is rejected" }, asked).cannotBe).toBe("it is rejected")
  })
})
