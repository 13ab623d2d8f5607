import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { originsOf, type OriginatedValue } from "./origins.ts"

const versions = (...documents: unknown[]) => documents.map((document) => ({ document }))
const at = (values: readonly OriginatedValue[], pointer: string) => values.find((one) => one.pointer === pointer)

describe("where the values of a document come from", () => {
  it("a value comes from the version that made it what it is, and says what stood there before", () => {
    const values = originsOf(versions({ a: 1, b: "x" }, { a: 2, b: "x" }, { a: 2, b: "x", c: null }))
    expect(values).toEqual([
      { pointer: "/a", value: 2, since: 1, before: 1 },
      { pointer: "/b", value: "x", since: 0 },
      { pointer: "/c", value: null, since: 2 },
    ])
  })

  it("a value that was changed and changed back comes from the version that changed it back", () => {
    expect(at(originsOf(versions({ a: 1 }, { a: 2 }, { a: 1 })), "/a")).toMatchObject({ since: 2, before: 2 })
  })

  it("a line that moves in its list keeps its history by its id; without ids the place counts", () => {
    const values = originsOf(
      versions(
        { lines: [{ id: "B", n: 1 }], tags: ["x"] },
        {
          lines: [
            { id: "A", n: 5 },
            { id: "B", n: 1 },
          ],
          tags: ["y", "x"],
        },
      ),
    )
    expect(at(values, "/lines/0/n")).toEqual({ pointer: "/lines/0/n", value: 5, since: 1 })
    expect(at(values, "/lines/1/n")).toEqual({ pointer: "/lines/1/n", value: 1, since: 0 })
    expect(at(values, "/tags/0")).toEqual({ pointer: "/tags/0", value: "y", since: 1, before: "x" })
  })

  it("has each value of the newest document once, under its pointer, and none from a later version than the newest", () => {
    const documents = fc.array(fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 2 })), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(documents, (all) => {
        const values = originsOf(versions(...all))
        const pointers = values.map(({ pointer }) => pointer)
        expect(new Set(pointers).size).toBe(pointers.length)
        for (const { pointer, value, since } of values) {
          expect(since).toBeLessThan(all.length)
          const parts = pointer.split("/").slice(1)
          const found = parts.reduce<unknown>(
            (node, part) => (node as Record<string, unknown>)[part.replaceAll("~1", "/").replaceAll("~0", "~")],
            all.at(-1),
          )
          expect(found).toBe(value)
        }
      }),
    )
  })
})
