interface Seen {
  count: number
  atMs: number
}

/** Below this too little has happened to tell a pace. */
const paceAfterMs = 3000

/** Tells from how many wait for a system, looked at now and then, when the last of them will have gone on at the present pace. */
export class DrainWatch {
  readonly #most = new Map<string, Seen>()

  /** Notes how many wait now; returns when none will, or undefined while they do not become fewer. */
  endsAtMs(connection: string, count: number, nowMs: number): number | undefined {
    const most = this.#most.get(connection)
    if (count === 0) this.#most.delete(connection)
    else if (!most || count >= most.count) this.#most.set(connection, { count, atMs: nowMs })
    else if (nowMs - most.atMs >= paceAfterMs) {
      const perMs = (most.count - count) / (nowMs - most.atMs)
      return nowMs + count / perMs
    }
    return undefined
  }
}
