import { own } from "../../../base/lookup.ts"
import { money } from "../../../base/money.ts"
import { ref, type Ref } from "../../../canonical/refs.ts"
import { amountText, type Finding } from "../finding.ts"

/** Sums of a store's day in minor units, by account or by tender. */
export interface DaySums {
  day: Ref
  currency: string
  sums: Readonly<Record<string, number>>
}

/** Days whose sums differ to the cent: `ours` are what the receipts come to, `theirs` what was closed or booked. */
export function findDayDifferences(what: string, ours: readonly DaySums[], theirs: readonly DaySums[]): Finding[] {
  const keyOf = ({ day, currency }: DaySums) => `${day} ${currency}`
  const [left, right] = [ours, theirs].map((all) => new Map(all.map((one) => [keyOf(one), one])))
  const keys = [...new Set([...(left?.keys() ?? []), ...(right?.keys() ?? [])])]
  return keys.flatMap((key) => {
    const [here, there] = [left?.get(key), right?.get(key)]
    const { day, currency } = here ?? there ?? { day: "storeDay/-" as const, currency: "XXX" }
    const names = new Set([...Object.keys(here?.sums ?? {}), ...Object.keys(there?.sums ?? {})])
    return [...names].flatMap((name): Finding[] => {
      const [expected, found] = [here, there].map((side) => money(own(side?.sums ?? {}, name) ?? 0, currency))
      if (!expected || !found || expected.amountMinor === found.amountMinor) return []
      const atRisk = money(Math.abs(expected.amountMinor - found.amountMinor), currency)
      return [{ what: `${what} ${name}`, about: day, expected: amountText(expected), found: amountText(found), atRisk }]
    })
  })
}

/** Z numbers of a store that are missing or were given twice: they go on by one from the first. */
export function findZGaps(stores: readonly { storeId: string; zNumbers: readonly number[] }[]): Finding[] {
  return stores.flatMap(({ storeId, zNumbers }) => {
    const sorted = zNumbers.toSorted((a, b) => a - b)
    const first = sorted[0] ?? 1
    const wrong = sorted.find((z, n) => z !== first + n)
    if (wrong === undefined) return []
    return [
      {
        what: "has closings whose numbers do not go on by one",
        about: ref("store", storeId),
        expected: "no gap, none twice",
        found: `Z ${wrong}`,
        atRisk: null,
      },
    ]
  })
}
