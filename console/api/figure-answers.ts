import type { Money } from "./answers.ts"

// Types of the API's answers about figures, with the members that the console uses.

export interface Flow {
  now: number
  expected: number
  low: number
  high: number
  is: "low" | "as usual" | "high" | "not enough data"
}

export interface Why {
  from: string
  to: string
  weeks: number
  verdict: "down" | "as usual" | "not enough data"
  missing: number
  stuck: number
  channels: { channel: string; placed: Flow; left: Flow }[]
  hours: (Flow & { hour: string })[]
  suspects: {
    cause: string
    orders: number
    share: number
    evidence: string[]
    look: { at: "connection" | "group" | "orders" | "figures"; id?: string }[]
  }[]
}

export interface WeeklyReport {
  week: string
  from: string
  until: string
  asOf: string
  isOver: boolean
  sections: {
    question: string
    lines: {
      figure: string
      now: string
      weekBefore: string
      baseline?: string
      target?: string
      verdict: string
    }[]
  }[]
  notPosted: { currency: Money["currency"]; notPostedMinor: number; share: number }[]
}

export interface BusinessStates {
  asOf: string
  ages: { hour: string; state: string; channel: string; place: string; count: number }[]
}
