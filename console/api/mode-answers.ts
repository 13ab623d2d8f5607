// Answers about what is done while a system is away.

export interface Mode {
  name: string
  connection: string
  state: "normal" | "entered" | "draining" | "left"
  /** Of the last change. */
  since?: string
  because?: string
  by?: string
  /** A person entered it, and only a person ends it. */
  byPerson?: boolean
  waiting: number
  /** Of the way back; absent: as many as the system takes. */
  perMinute?: number
  drainsForMs?: number
  accepts: readonly string[]
  defers: readonly string[]
  buyersAreTold?: Readonly<Record<string, string>>
  owner: string
  /** For whom there is one. */
  runbooks: readonly string[]
}

export interface Episode {
  episode: number
  state: string
  because: string
  enteredBy: string
  awaySince: string
  leftAt?: string
  mostWaiting: number
  report?: {
    lastedMs: number
    orders: {
      accepted: number
      money: readonly { amountMinor: number; currency: string }[]
      ended: number
      goingOn: number
      withAPerson: number
      unaccounted: number
    }
  }
}

export type ModeWithEpisodes = Mode & { episodes: readonly Episode[] }
