import type { Scope } from "../../canonical/catalogue/scope.ts"
import type { OwnedField, Ownership } from "../../governance/ownership/own.ts"
import { ownerOf } from "../../governance/ownership/resolve.ts"
import type { ItemOutcome } from "../../ports/bulk-write.ts"
import type { Written } from "../../ports/write.ts"
import type { ForeignRule } from "../decide/judge.ts"
import { keyOf, type PublishedRow } from "../decide/row.ts"
import { notAnswered, type Answer, type Sight } from "../target.ts"

/** What a channel said of rows, in their order. `valueOf` is undefined where it says nothing of the row. */
export function sightOf<Value, Shown extends Written>(
  rows: readonly PublishedRow<Value>[],
  outcomes: readonly ItemOutcome<Shown>[],
  valueOf: (row: PublishedRow<Value>, shown: Shown) => Value | undefined,
): Sight<Value> {
  const answers = new Map<string, Answer<Value>>()
  for (const [n, row] of rows.entries()) {
    const outcome = outcomes[n]
    if (outcome?.kind === "done") {
      const value = valueOf(row, outcome.outcome)
      const ref = outcome.outcome.reference?.id
      answers.set(
        keyOf(row),
        value === undefined ? notAnswered : { kind: "done", seen: { value, ...(ref === undefined ? {} : { ref }) } },
      )
    } else answers.set(keyOf(row), outcome?.kind === "rejected" ? outcome : notAnswered)
  }
  return { answers, explanations: new Map(), unseen: new Map() }
}

/** What the owner of a row's field has done about somebody else's value. */
export function foreignOf(rules: readonly Ownership[], { why }: PublishedRow<unknown>, scope: Scope): ForeignRule {
  // Only fields with an owner are published.
  const rule = why?.field === undefined ? undefined : ownerOf(rules, why.field as OwnedField, scope)
  return rule?.foreign ?? "hold"
}
