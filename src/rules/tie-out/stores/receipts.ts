import type { Ref } from "../../../canonical/refs.ts"
import type { Finding } from "../finding.ts"

/** One content of a number that a till gave. A number that was used twice has two. */
export interface NumberContent {
  sale: Ref
  /** Equal texts are the same receipt. */
  content: string
}

/** A content as the centre has it. */
export interface KnownContent extends NumberContent {
  standing: "recorded" | "parked" | "conflicting"
}

/** Receipts that were lost, doubled, or printed by no till, and numbers that do not count exactly once. */
export function findReceiptDifferences(printed: readonly NumberContent[], known: readonly KnownContent[]): Finding[] {
  const ours = new Map(printed.map((one) => [keyOf(one), one]))
  const theirs = Map.groupBy(known, keyOf)
  const lost = [...ours].filter(([key]) => !theirs.has(key)).map(([, one]) => one)
  const strange = known.filter((one) => !ours.has(keyOf(one)))
  const doubled = [...theirs.values()].filter(({ length }) => length > 1)
  const counting = Map.groupBy(known, ({ sale }) => sale)
  return [
    ...lost.map(({ sale }) => finding(sale, "was printed by its till and is not known", ["one", "none"])),
    ...strange.map(({ sale }) => finding(sale, "is known, and its till did not print it", ["none", "one"])),
    ...doubled.map((same) =>
      finding(same[0]?.sale ?? "sale/-", "is known more than once", ["one", String(same.length)]),
    ),
    ...[...counting].flatMap(([sale, own]) => {
      const count = own.filter(({ standing }) => standing === "recorded").length
      const isParked = own.every(({ standing }) => standing === "parked")
      return count === 1 || isParked ? [] : [finding(sale, "does not count once", ["one", String(count)])]
    }),
  ]
}

/** Numbers that were used twice of which nobody was told, or told too often. `told` names the number of each case. */
export function findUntoldConflicts(known: readonly KnownContent[], told: readonly Ref[]): Finding[] {
  const cases = Map.groupBy(told, (sale) => sale)
  const wanted = Map.groupBy(
    known.filter(({ standing }) => standing === "conflicting"),
    ({ sale }) => sale,
  )
  return [...new Set([...cases.keys(), ...wanted.keys()])].flatMap((sale) => {
    const [expected, found] = [wanted.get(sale)?.length ?? 0, cases.get(sale)?.length ?? 0]
    return expected === found ? [] : [finding(sale, "has another number of cases than conflicts", [expected, found])]
  })
}

const keyOf = ({ sale, content }: NumberContent) => `${sale} ${content}`

function finding(about: Ref, what: string, [expected, found]: [string | number, string | number]): Finding {
  return { what, about, expected: String(expected), found: String(found), atRisk: null }
}
