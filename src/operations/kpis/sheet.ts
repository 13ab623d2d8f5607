/** What is known of an object that figures count. */
export interface Sheet {
  ref: string
  kind: string
  /** Absent while it has none. */
  state: string | null
  isFinal: boolean
  channel: string
  /** Where its goods are, as far as it is known. */
  place: string
  /** Where it was sold or is collected; '' online. Shares of orders are by this one, which never changes. */
  soldAt: string
  /** How its order is paid: the kind of the largest tender. */
  payment: string
  currency: string
  valueMinor: number
  openedAt: string
  /** When it entered its state. */
  since: string
  version: string | null
  leftAt: string | null
  askedAt: string | null
  /** What counts once for an object, and was counted. */
  counted: string[]
}

/** Something to add to a figure. */
export interface HourCount {
  name: string
  hour: string
  channel: string
  place: string
  label: string
  by: number
}

/** How many objects more, or fewer, are in a state. */
export interface Move {
  kind: string
  state: string
  hour: string
  channel: string
  place: string
  currency: string
  isFinal: boolean
  count: number
  valueMinor: number
}

/** The hour of a moment. */
export function hourOf(at: string): string {
  return `${at.slice(0, 13)}:00:00.000Z`
}
