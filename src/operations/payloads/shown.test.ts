import { describe, expect, it } from "vitest"
import { jsonTree, replacedAt } from "../../base/json/tree.ts"
import { isPersonalAt, showJson, withoutPersonal } from "./shown.ts"

const payload = `{"id":12345678901234567890,"total":"10.00","weight":1.10,"email":"ada@shop.example",
"shipping_address":{"name":"Ada Jansen","city":"Rotterdam","country_code":"NL","id":7},
"customer":{"id":99,"first_name":"Ada","tags":["vip","ada@x.example"]},
"line_items":[{"sku":"TEE-M","quantity":1,"a/b~c":null}],"empty":{},"none":[]}`

describe("a payload for people", () => {
  it("has a line for each value, every digit of a number, and says on which line a value stands", () => {
    const shown = showJson(payload, { hides: false })
    expect(shown?.lines).toContain('  "id": 12345678901234567890,')
    expect(shown?.lines).toContain('  "weight": 1.10,')
    expect(JSON.parse(shown?.lines.join("\n") ?? "")).toEqual(JSON.parse(payload))
    const line = shown?.lineOf.get("/line_items/0/quantity") ?? 0
    expect(shown?.lines[line - 1]).toBe('      "quantity": 1,')
    expect(shown?.lineOf.has("/line_items/0/a~1b~0c")).toBe(true)
    expect(shown?.isRedacted).toBe(false)
  })

  it("leaves out what is personal, and keeps ids, codes and amounts", () => {
    const shown = showJson(payload, { hides: true })
    const text = shown?.lines.join("\n") ?? ""
    for (const gone of ["Ada", "Rotterdam", "ada@", "vip"]) expect(text).not.toContain(gone)
    for (const kept of ['"NL"', "10.00", "TEE-M", "99", "7"]) expect(text).toContain(kept)
    expect(shown?.isRedacted).toBe(true)
  })

  it("as a value has all of it but what is personal", () => {
    const asked = {
      orderId: "ord_1",
      to: "ada@x.example",
      shippingAddress: { line1: "Dock 3", countryCode: "NL" },
      n: 1.5,
    }
    expect(withoutPersonal(asked)).toEqual({
      orderId: "ord_1",
      to: "[personal]",
      shippingAddress: { line1: "[personal]", countryCode: "NL" },
      n: 1.5,
    })
    for (const value of [null, 7, "x", [], {}]) expect(withoutPersonal(value)).toEqual(value)
  })

  it("knows a personal value by its place or by its looks", () => {
    expect(isPersonalAt("/shipping_address/city", '"Delft"')).toBe(true)
    expect(isPersonalAt("/customer/id", "7")).toBe(false)
    expect(isPersonalAt("/line_items/0/price", '"10.00"')).toBe(false)
    expect(isPersonalAt("/line_items/0/note_attributes", '"ada@shop.example"')).toBe(true)
    expect(isPersonalAt("/reference", '"ada@shop.example"')).toBe(true)
  })

  it("is none where the text is no JSON", () => {
    for (const text of ["", "{", "[1,]", '{"a":1}x', "nul", "a=1", "[".repeat(5000)])
      expect(showJson(text, { hides: true })).toBeUndefined()
  })

  it("can be corrected at one place, and everything else stands as it stood", () => {
    expect(replacedAt(payload, "/line_items/0/sku", '"TEE-L"')).toBe(payload.replace("TEE-M", "TEE-L"))
    expect(replacedAt(payload, "/weight", "9007199254740993.10")).toBe(payload.replace("1.10", "9007199254740993.10"))
    expect(replacedAt(payload, "/nothing/here", "2")).toBeUndefined()
    expect(replacedAt('{"a":1,"a":2}', "/a", "3")).toBe('{"a":1,"a":3}')
    expect(jsonTree(payload)?.children).toHaveLength(9)
  })
})
