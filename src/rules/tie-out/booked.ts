import { money, sameMoney, subtractMoney, type Money } from "../../base/money.ts"
import { ref, type Ref } from "../../canonical/refs.ts"
import { amountText, type Finding } from "./finding.ts"

/** What an order was charged and what the general ledger says was sold with it. */
export interface BookedOrder {
  order: Ref
  /** For what shipped; zero where nothing may stay booked. */
  charged: Money
  booked: Money
}

/** An entry as the books have it. Debits are positive. */
export interface BookedEntry {
  system: string
  /** The books' own number. */
  number: string
  /** Our number of the entry: one of them is posted once. */
  entry: string
  lines: readonly Money[]
}

/** Orders booked otherwise than charged, by a cent or more. */
export function findMisbooked(orders: readonly BookedOrder[]): Finding[] {
  return orders.flatMap(({ order, charged, booked }) => {
    if (sameMoney(charged, booked)) return []
    const [expected, found] = [amountText(charged), amountText(booked)]
    const atRisk = charged.currency === booked.currency ? magnitude(subtractMoney(charged, booked)) : charged
    return [{ what: "is booked otherwise than charged", about: order, expected, found, atRisk }]
  })
}

/** Entries whose lines do not balance in each currency. */
export function findUnbalanced(entries: readonly BookedEntry[]): Finding[] {
  return entries.flatMap(({ system, number, lines }) =>
    [...Map.groupBy(lines, (line) => line.currency)].flatMap(([currency, own]) => {
      const balance = money(
        own.reduce((sum, line) => sum + line.amountMinor, 0),
        currency,
      )
      if (balance.amountMinor === 0) return []
      const about = ref("document", system, "entry", number)
      const found = amountText(balance)
      return [{ what: "does not balance", about, expected: "0", found, atRisk: magnitude(balance) }]
    }),
  )
}

/** Entries that were posted more than once. */
export function findPostedTwice(entries: readonly BookedEntry[]): Finding[] {
  return [...Map.groupBy(entries, ({ entry }) => entry)].flatMap(([entry, posted]) => {
    const [first] = posted
    if (!first || posted.length < 2) return []
    const found = posted.map(({ number }) => number).join(", ")
    return [
      {
        what: "is posted more than once",
        about: ref("journalEntry", entry),
        expected: "one",
        found,
        atRisk: debits(first),
      },
    ]
  })
}

function debits({ lines }: BookedEntry): Money | null {
  const [first] = lines
  if (!first) return null
  const own = lines.filter(({ currency, amountMinor }) => currency === first.currency && amountMinor > 0)
  return money(
    own.reduce((sum, line) => sum + line.amountMinor, 0),
    first.currency,
  )
}

const magnitude = ({ amountMinor, currency }: Money) => money(Math.abs(amountMinor), currency)
