/** A background reader as `GET /v1/readers` returns it. */
export interface ReaderItem {
  name: string
  connection?: string
  state: string
  ageMs: number
  everyMs: number
  lastError?: string
  excuse?: string
  turnedAway?: number
}

/** A connection as `GET /v1/connections` returns it. */
export interface ConnectionItem {
  id: string
  connector: string
  isPaused: boolean
  pausedBy?: string
  reason?: string
  breaker: string
  connectedAt?: string
  callsUnderWay: number
  callsWaiting: number
  objectsWaiting: number
  drainEndsAt?: string
  lastError?: string
  readers: ReaderItem[]
}
