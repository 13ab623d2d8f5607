import { describe, expect, test } from "vitest"
import { asAppError } from "../errors.ts"
import { deliveredJson } from "./delivered.ts"

function problemOf(bytes: Uint8Array) {
  try {
    return deliveredJson(bytes)
  } catch (thrown) {
    const { code, problems, message } = asAppError(thrown)
    return { code, problems, message }
  }
}

describe("a delivery's body", () => {
  test("is read past a byte order mark", () => {
    expect(deliveredJson(Buffer.from('\uFEFF{"a":1}'))).toEqual({ a: 1 })
  })

  test.each([
    ["is cut", Buffer.from('{"id": 1,\n "line_items": [{"sku": "SECRET'), "/line_items/0/sku", /line 2, column 25/],
    ["is empty", Buffer.from(""), "", /expected JSON/],
    ["is a page", Buffer.from("<html>SECRET"), "", /line 1, column 1/],
    ["is in Latin-1", Buffer.from('{"name":"Müller SECRET"}', "latin1"), "", /UTF-8/],
    ["is in UTF-16", Buffer.from('\uFEFF{"name":"SECRET"}', "utf16le"), "", /UTF-8/],
  ])(
    "that %s is refused with its place and what was expected, and is not quoted",
    (...[, bytes, pointer, expected]) => {
      const problem = problemOf(bytes)
      expect(problem).toMatchObject({
        code: "TRANSLATION_FAILED",
        problems: [{ pointer, message: expect.stringMatching(expected) }],
      })
      expect(JSON.stringify(problem)).not.toContain("SECRET")
    },
  )
})
