import type { Connection, Reader } from "../api/system-answers.ts"
import type { Shown } from "./roles.ts"

const readerWords: Readonly<Record<Reader["state"], Shown>> = {
  ok: { role: "done", word: "on time" },
  failing: { role: "risk", word: "failing" },
  refused: { role: "stopped", word: "refused" },
  behind: { role: "risk", word: "behind" },
  excused: { role: "waiting", word: "paused" },
}

/** A reader is not on time before it has succeeded once. */
export function readerState({ state, succeededAt }: Reader): Shown {
  if (state === "ok" && succeededAt === undefined) return { role: "waiting", word: "no news yet" }
  return readerWords[state] ?? { role: "waiting", word: state }
}

/** The last time that anything was heard of a system. */
export function lastHeard({ readers }: Connection): string | undefined {
  return readers
    .flatMap(({ succeededAt }) => (succeededAt === undefined ? [] : [succeededAt]))
    .sort()
    .at(-1)
}

/** Where a connection stands. Nothing is "up" before a success. */
export function connectionState(connection: Connection): Shown {
  const { isPaused, breaker, readers } = connection
  if (isPaused) return { role: "waiting", word: "paused" }
  if (breaker === "open") return { role: "stopped", word: "away" }
  if (breaker === "half-open") return { role: "risk", word: "trying again" }
  if (readers.some(({ state }) => state === "refused")) return { role: "stopped", word: "refuses us" }
  if (readers.some(({ state }) => state === "behind")) return { role: "risk", word: "behind" }
  if (lastHeard(connection) === undefined) return { role: "waiting", word: "no news yet" }
  return { role: "done", word: "up" }
}

/** What a system is for, by what it can do: for the columns of an order's way. */
export type Lane = "shop" | "crossdock" | "books" | "goods" | "others"

const laneCapabilities: readonly (readonly [Lane, RegExp])[] = [
  ["shop", /^(?:confirmsFulfilment|cancelsChannelOrders|publishesStock)$/],
  ["books", /^(?:booksOrders|postsJournals|recordsDeliveries|authorisesPayments|refundsPayments)$/],
  ["goods", /^(?:releasesFulfilment|cancelsReleases|tracksParcels|bringsParcels)$/],
]

export function laneOf(system: string, connections: readonly Connection[]): Lane {
  if (system === "crossdock" || system === "crossdock-stock") return "crossdock"
  const connection = connections.find(({ id }) => id === system)
  // Whoever calls our API without being a connection sells: a till, a marketplace's own program.
  if (!connection) return connections.length === 0 ? "others" : "shop"
  const fitting = laneCapabilities.find(([, pattern]) => connection.capabilities.some((one) => pattern.test(one)))
  return fitting?.[0] ?? "others"
}
