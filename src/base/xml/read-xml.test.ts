import fc from "fast-check"
import { XMLValidator } from "fast-xml-parser"
import { expect, test } from "vitest"
import { AppError } from "../errors.ts"
import { XmlDecoder } from "./decode-xml.ts"
import type { XmlElement } from "./element.ts"
import { XmlReader } from "./read-xml.ts"

type Tree = [name: string, attributes: Record<string, string>, text: string, children: Tree[]]

const tree = ({ local, uri, attributes, text, children }: XmlElement): Tree => [
  uri === "" ? local : `{${uri}}${local}`,
  Object.fromEntries(attributes.map((one) => [one.uri === "" ? one.local : `{${one.uri}}${one.local}`, one.value])),
  text.trim(),
  children.map(tree),
]

function read(bytes: Uint8Array | string, { parts = 1 << 20, charset = undefined as string | undefined } = {}): Tree[] {
  const children: Tree[] = []
  const listener = {
    onRoot: () => {},
    onChild: (child: XmlElement | undefined) => void children.push(child ? tree(child) : ["too long", {}, "", []]),
  }
  const reader = new XmlReader(listener, { childLengthMax: 10_000 })
  const decoder = new XmlDecoder(charset)
  const all = typeof bytes === "string" ? Buffer.from(bytes) : bytes
  for (let at = 0; at < all.length; at += parts) reader.write(decoder.write(all.subarray(at, at + parts)))
  reader.write(decoder.end())
  reader.end()
  return children
}

function problem(text: string | Uint8Array): string {
  try {
    read(text)
    return "read"
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    return `${thrown.code} ${thrown.problems.map(({ pointer, message }) => `${pointer}: ${message}`).join()}`
  }
}

test("elements are what their namespaces say, whatever their prefixes, in parts of any length", () => {
  const text = `<?xml version="1.0"?>\r\n<!-- a day -->
<p:r xmlns:p="urn:one" xmlns="urn:two"><p:a n="1 &lt; 2" p:n='x'>five &amp; six &#8364;<b/><![CDATA[ <&> ]]></p:a><c xmlns=""> <d/></c></p:r>`
  const whole = read(text)
  expect(whole).toEqual([
    ["{urn:one}a", { n: "1 < 2", "{urn:one}n": "x" }, "five & six € <&>", [["{urn:two}b", {}, "", []]]],
    ["c", {}, "", [["d", {}, "", []]]],
  ])
  for (const parts of [1, 2, 3, 7, 300]) expect(read(text, { parts })).toEqual(whole)
})

test.each([
  ["UTF-8 with a mark", Buffer.from("\uFEFF<r><a>grün €</a></r>")],
  ["UTF-16, little end first", Buffer.from("\uFEFF<r><a>grün €</a></r>", "utf16le")],
  ["UTF-16, big end first", Buffer.from("\uFEFF<r><a>grün €</a></r>", "utf16le").swap16()],
  ["UTF-16 without a mark", Buffer.from("<?xml version='1.0' encoding='UTF-16'?><r><a>grün €</a></r>", "utf16le")],
  [
    "ISO-8859-1 as tills write it",
    Buffer.concat([
      Buffer.from("<?xml version='1.0' encoding='ISO-8859-1'?><r><a>gr\xfcn ", "latin1"),
      Buffer.of(0x80),
      Buffer.from("</a></r>"),
    ]),
  ],
  ["ISO-8859-15", Buffer.from("<?xml version='1.0' encoding='iso-8859-15'?><r><a>gr\xfcn \xa4</a></r>", "latin1")],
])("text is read in the encoding it is in: %s", (_what, bytes) => {
  expect(read(bytes, { parts: 5 })).toEqual([["a", {}, "grün €", []]])
})

test("the charset of the content type is above the declaration, and a mark above both", () => {
  const bytes = Buffer.from("<?xml version='1.0' encoding='utf-8'?><r><a>gr\xfcn</a></r>", "latin1")
  expect(read(bytes, { charset: "iso-8859-1" })).toEqual([["a", {}, "grün", []]])
  expect(read(Buffer.from("\uFEFF<r><a>grün</a></r>"), { charset: "iso-8859-1" })).toEqual([["a", {}, "grün", []]])
  expect(problem(bytes)).toContain("REQUEST_MALFORMED between byte 1 and byte")
  expect(problem(Buffer.from("<?xml version='1.0' encoding='EBCDIC'?><r/>"))).toContain(
    "line 1: expected UTF-8, UTF-16",
  )
})

const bomb = `<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><r>&b;</r>`
test.each([
  ["a bomb of entities", bomb, "line 1, column 1: expected no document type"],
  ["a file of the machine", `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>`, "no document type"],
  ["a document type after the root has begun", `<r><!DOCTYPE r></r>`, "line 1, column 4: expected no document type"],
  ["an entity of nobody", `<r>\n  <a>&euro;</a></r>`, "line 2, column 6: expected &amp; for &"],
  ["half a file", `<r><a><b>1</b>`, "expected the end of a, which began at line 1"],
  ["half a tag", `<r><a`, "expected the end of what begins here"],
  ["nothing", ``, "expected an element"],
  ["text beside the root", `<r/>x`, "expected an element, not text"],
  ["two roots", `<r/><r/>`, "expected nothing after the outermost element"],
  ["crossed tags", `<r><a><b></a></b></r>`, "expected </b>"],
  ["an attribute twice", `<r a="1" a="2"/>`, "expected each attribute once"],
  ["an attribute without quotes", `<r a=1/>`, "expected attributes as"],
  ["a prefix of nobody", `<x:r/>`, "expected a namespace for the prefix of x:r"],
  ["a control character", `<r>&#0;</r>`, "expected a character that XML may have"],
  ["a control character as a byte", `<r>\u0001</r>`, "expected no control characters"],
  ["a declaration in the middle", `<r><?xml version="1.0"?></r>`, "only at the very beginning"],
])("%s is refused with its place", (_what, text, message) => {
  expect(problem(text)).toContain("REQUEST_MALFORMED")
  expect(problem(text)).toContain(message)
})

test("depth, the length of a tag and that of a child have limits", () => {
  expect(problem("<a>".repeat(65))).toContain("REQUEST_TOO_LARGE line 1, column 193: expected at most 64 levels")
  expect(problem(`<r><a b="${"x".repeat(1_100_000)}`)).toContain("REQUEST_TOO_LARGE")
  const long = `<r><a>${"<b>x</b>".repeat(3000)}</a><a>y</a></r>`
  expect(read(long, { parts: 1000 })).toEqual([
    ["too long", {}, "", []],
    ["a", {}, "y", []],
  ])
})

test("attributes, namespaces and a whole tag have limits, and are not read beyond them", () => {
  const spaces = (count: number) => Array.from({ length: count }, (_, n) => ` xmlns:n${n}="urn:${n}"`).join("")
  const attributes = (count: number) => Array.from({ length: count }, (_, n) => ` a${n}="1"`).join("")
  expect(problem(`<r><a${attributes(100)}/></r>`)).toBe("read")
  expect(problem(`<r><a${attributes(101)}/></r>`)).toContain("expected at most 100 attributes")
  // The one too many stops it: what follows is not even looked at.
  expect(problem(`<r><a${attributes(101)} a1=odd/></r>`)).toContain("expected at most 100 attributes")
  expect(problem(`<r${spaces(60)}><a/></r>`)).toBe("read")
  expect(problem(`<r${spaces(60)}><a${spaces(70).slice(spaces(60).length)}/></r>`)).toContain(
    "REQUEST_TOO_LARGE line 1, column",
  )
  expect(problem(`<r><a b="${"x".repeat(1_100_000)}"/></r>`)).toContain(
    "REQUEST_TOO_LARGE line 1, column 4: expected a tag or a comment of at most a mebibyte",
  )
})

test("what is read another parser takes for well-formed, too, and whatever is written is read as it was", () => {
  const word = fc.constantFrom(
    "<r>",
    "</r>",
    "<a",
    ">",
    "/>",
    "</a>",
    " x='1'",
    ' y="2"',
    "text",
    "&amp;",
    "<!--c-->",
    '"',
    "=",
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      const text = `<r>${words.join("")}</r>`
      if (problem(text) === "read") expect([text, XMLValidator.validate(text)]).toEqual([text, true])
    }),
    { numRuns: 3000 },
  )
  const content = fc
    .string({ unit: "grapheme", maxLength: 20 })
    // oxlint-disable-next-line no-control-regex
    .filter((text) => !/[\u0000-\u001f\ufffe\uffff]/.test(text))
  const escaped = (text: string) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&#34;").replaceAll("]]>", "]]&gt;")
  fc.assert(
    fc.property(
      fc.array(fc.tuple(content, content), { maxLength: 5 }),
      fc.integer({ min: 1, max: 40 }),
      (rows, parts) => {
        const text = `<r>${rows.map(([value, inner]) => `<a v="${escaped(value)}">${escaped(inner)}</a>`).join("\n")}</r>`
        expect(read(text, { parts })).toEqual(rows.map(([value, inner]) => ["a", { v: value }, inner.trim(), []]))
      },
    ),
  )
})
