import { kpis, unknownKpis } from "../src/operations/kpis/definitions/kpis.ts"
import { table, type Row } from "./markdown.ts"

const units = {
  share: "a share, from 0 to 1",
  seconds: "seconds: half were within it, and nine of ten within `within90`",
  count: "a number",
  money: "money by currency, in minor units; currencies are never added",
  calls: "calls",
} as const

/** What each figure means. */
export function figurePage(): string {
  const rows = kpis.map(({ name, means, unit, better, by, source }): Row => [
    `**${name}**`,
    means,
    units[unit],
    better === "neither" ? "neither" : better,
    by.join(", ") || "nothing",
    source,
  ])
  return `# Figures

What \`GET /v1/kpis/figures\` and \`crossdock kpis\` answer. Every answer says up to when the log is counted (\`asOf\`) and which share
of what left is not posted yet. "Not enough data" stands where nothing was counted. [The guide](../guides/figures.md) says how to read them.

${table(["figure", "what it means", "unit", "better", "told apart by", "made from"], rows)}

## Figures that are not counted

They are listed with the reason, and never estimated.

${table(
  ["figure", "why"],
  unknownKpis.map(({ name, why }) => [name, why]),
)}
`
}
