import { AppError } from "../../base/errors.ts"
import { durationText } from "../../base/time.ts"
import { table } from "../table.ts"
import type { ConnectionItem, ReaderItem } from "./items.ts"
import { withApi, word, type Page } from "../with-api.ts"

/**
 * `crossdock connections`: the connections, and how everything that works in the background does; with a verb, `pause`, `resume` or
 * `history`, a change of one.
 */
export async function runConnections(args: string[]): Promise<number> {
  if (args[0] === "history") return (await import("./history.ts")).runHistory(args.slice(1))
  return withApi(args, { reason: { type: "string" } }, async (api, { values, positionals: [action, id] }) => {
    if (action !== undefined) {
      if ((action !== "pause" && action !== "resume") || id === undefined)
        throw new AppError("REQUEST_INVALID", "say: crossdock connections pause|resume|history <id> [--reason …]")
      const changed = await api.post<ConnectionItem>(`/v1/connections/${encodeURIComponent(id)}/${action}`, {
        reason: word(values["reason"]) ?? `by command line`,
      })
      return { data: changed, text: () => `${id} is ${changed.isPaused ? "paused" : "running"}` }
    }
    const { items } = await api.get<Page<ConnectionItem>>("/v1/connections")
    const { items: readers } = await api.get<Page<ReaderItem>>("/v1/readers")
    return {
      data: { items, readers },
      text: () => `${connectionTable(items)}\n\n${readerTable(readers)}`,
    }
  })
}

function connectionTable(items: readonly ConnectionItem[]): string {
  const row = (connection: ConnectionItem) => {
    const check = connection.readers.find(({ name }) => name === `check ${connection.id}`)
    return [
      connection.id,
      connection.connector,
      stateOf(connection, check),
      check ? durationText(check.ageMs) : "never",
      String(connection.callsUnderWay),
      String(connection.objectsWaiting),
      check?.lastError ?? connection.lastError ?? "",
    ]
  }
  return table(
    ["connection", "connector", "state", "answered ago", "under way", "objects waiting", "last error"],
    items.map(row),
  )
}

function stateOf(connection: ConnectionItem, check: ReaderItem | undefined): string {
  if (connection.isPaused) return "paused"
  if (check?.state === "refused") return "key refused"
  if (connection.breaker !== "closed") return `breaker ${connection.breaker}`
  return check?.state === "behind" ? "not answering" : "running"
}

function readerTable(readers: readonly ReaderItem[]): string {
  const row = (reader: ReaderItem) => [
    reader.name,
    reader.state,
    durationText(reader.ageMs),
    reader.everyMs === 0 ? "it comes" : durationText(reader.everyMs),
    reader.excuse ?? reader.lastError ?? (reader.turnedAway ? `${reader.turnedAway} wrong signatures` : ""),
  ]
  if (readers.length === 0) return "no worker has run yet: nothing is polled, and no order moves"
  return table(["background reader", "state", "succeeded ago", "due every", "last error"], readers.map(row))
}
