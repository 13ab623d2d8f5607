import { snapshotKinds, type SnapshotKind } from "../../canonical/sales/snapshot.ts"

/** Where an agent is. Snapshots are PostgreSQL's: which transactions had ended. */
export interface SnapshotCursor {
  /** Of the notes, see `snapshot_stores`. */
  life: string
  /** Changes that this one did not see are news; absent while everything is read. */
  since?: string
  /** Of the first page of the round; absent between rounds. */
  round?: string
  /** Behind this thing. */
  after?: { kind: SnapshotKind; key: string }
}

/** Text for agents, who give it back and know nothing of it. */
export function cursorText({ life, since, round, after }: SnapshotCursor): string {
  return Buffer.from(
    JSON.stringify([life, since ?? null, round ?? null, after?.kind ?? null, after?.key ?? null]),
  ).toString("base64url")
}

/** The cursor of a text; undefined for one that was not made here. */
export function readCursor(text: string): SnapshotCursor | undefined {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(text, "base64url").toString())
  } catch {
    return undefined
  }
  if (!Array.isArray(parts) || parts.length !== 5) return undefined
  const [life, since, round, kind, key] = parts as unknown[]
  if (typeof life !== "string" || !isSnapshot(since) || !isSnapshot(round)) return undefined
  const known = snapshotKinds.find((one) => one === kind)
  const isBehind = known !== undefined && typeof key === "string" && !key.includes("\0") && round !== null
  if (!isBehind && (kind !== null || key !== null || round !== null)) return undefined
  return {
    life,
    ...(since === null ? {} : { since }),
    ...(round === null ? {} : { round }),
    ...(isBehind ? { after: { kind: known, key } } : {}),
  }
}

/**
 * Whether a cursor tells of transactions that a snapshot may know. Of a database whose older copy was put back they are others with the same
 * numbers.
 */
export function isNotAhead({ since, round }: SnapshotCursor, snapshot: string): boolean {
  return [since, round].every((one) => one === undefined || endOf(one) <= endOf(snapshot))
}

const endOf = (snapshot: string) => BigInt(snapshot.split(":")[1] ?? "")

/** `xmin:xmax:xip,…`, as PostgreSQL takes it: https://www.postgresql.org/docs/18/functions-info.html#FUNCTIONS-PG-SNAPSHOT-PARTS (read 2026-11). */
function isSnapshot(value: unknown): value is string | null {
  if (value === null) return true
  const [, low = "", high = "", list = ""] =
    (typeof value === "string" && /^(\d{1,19}):(\d{1,19}):([\d,]*)$/.exec(value)) || []
  if (low === "" || BigInt(low) === 0n || BigInt(low) > BigInt(high)) return false
  const running = list === "" ? [] : list.split(",")
  if (running.some((one) => !/^\d{1,19}$/.test(one))) return false
  const bounds = [BigInt(low) - 1n, ...running.map(BigInt), BigInt(high)]
  return (
    bounds.every((one, n) => n === 0 || one > (bounds[n - 1] ?? 0n)) &&
    running.every((one) => BigInt(one) >= BigInt(low))
  )
}
