import { businessDate } from "../base/time.ts"
import { table } from "./table.ts"
import { withApi } from "./with-api.ts"

interface Report {
  outlook: {
    what: string
    days: number
    removedBefore?: string
    next?: { what: string; at: string; bytes?: number }
    heldBackBy?: string
  }[]
  tables: { name: string; bytes: number; rows: number }[]
}

/** `crossdock retention`: how long things are kept, what is gone, what goes next and when; changes nothing. */
export function runRetention(args: string[]): Promise<number> {
  return withApi(args, {}, async (api) => {
    const report = await api.get<Report>("/v1/retention")
    return { data: report, text: () => [...outlookLines(report), "", ...tableLines(report)].join("\n") }
  })
}

function outlookLines({ outlook }: Report): string[] {
  const rows = outlook.map(({ what, days, removedBefore, next, heldBackBy }) => [
    what,
    `${days} days`,
    removedBefore === undefined ? "nothing yet" : `before ${day(removedBefore)}`,
    next ? `${day(next.at)}: ${next.what}${next.bytes === undefined ? "" : ` (${sizeText(next.bytes)})`}` : "nothing",
    heldBackBy === undefined ? "" : `held back: ${heldBackBy}`,
  ])
  return [table(["what", "kept for", "gone", "goes next", ""], rows)]
}

function tableLines({ tables }: Report): string[] {
  const rows = tables.map(({ name, bytes, rows: count }) => [name, sizeText(bytes), String(count)])
  return [table(["table", "size", "rows, about"], rows)]
}

// Parts of the tables that are removed as a whole hold days of UTC.
const day = (at: string) => businessDate(at, { timeZone: "UTC" })

function sizeText(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`
}
