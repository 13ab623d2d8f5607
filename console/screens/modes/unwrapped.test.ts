import { expect, test } from "vitest"
import { unwrapped } from "./unwrapped.ts"

test("a text broken for an editor has its paragraphs and list items in one line, and its examples as they are", () => {
  const text = [
    "# Title",
    "One",
    "two.",
    "",
    "- first",
    "  goes on",
    "- second",
    "",
    "```sh",
    "a",
    "  b",
    "```",
    "1. x",
    "   y",
    "",
  ]
  expect(unwrapped(text.join("\n"))).toBe("# Title\nOne two.\n\n- first goes on\n- second\n\na\n  b\n1. x y")
})
