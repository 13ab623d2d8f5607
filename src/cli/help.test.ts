import { expect, test } from "vitest"
import { commandGroups, commands } from "./commands.ts"
import { helpOf, unknownCommand } from "./help.ts"

test("an unknown command is named with the one that is most like it, and with the groups alone", () => {
  const text = unknownCommand("exeptions")
  expect(text).toContain('there is no command "exeptions"; did you mean "exceptions"?')
  for (const group of Object.keys(commandGroups)) expect(text).toContain(`  ${group} `)
  expect(text).not.toContain("--reason")
  expect(text.split("\n").length).toBeLessThan(20)
  const hintOf = (name: string) => /did you mean "(\w+)"/.exec(unknownCommand(name))?.[1]
  expect(["order", "subs", "ORDERS", "hlep", "mapping", "constructor", "xyzzy", ""].map(hintOf)).toEqual([
    "orders",
    "subscriptions",
    "orders",
    "help",
    "mappings",
    undefined,
    undefined,
    undefined,
  ])
})

test("help has every command once below its group, in detail for a group, and alone for a command", () => {
  const all = Object.keys(commandGroups)
    .map((group) => helpOf(group) ?? "")
    .join("\n")
  for (const { usage, summary } of Object.values(commands)) {
    expect(all.split(`  crossdock ${usage}\n`)).toHaveLength(2)
    expect(all).toContain(summary)
  }
  for (const name of Object.keys(commands)) expect(helpOf(undefined)).toContain(name)
  expect(helpOf("retention")).toBe("usage: crossdock retention\n" + `${commands["retention"]?.summary}\n`)
  expect(helpOf("toString")).toBeUndefined()
  // A group that is called like a command would hide it.
  expect(Object.keys(commandGroups).filter((group) => group in commands)).toEqual([])
})
