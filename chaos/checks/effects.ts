import type { Books } from "../books/books.ts"
import { repeated, sum, type Findings, type View, type Violation } from "./view.ts"

/** Every intent has an outcome, and no two have one key. */
export function checkEffects({ books }: View): Findings {
  const violations: Violation[] = []
  for (const { key, step, outcome } of books.effects)
    if (!["done", "rejected", "superseded"].includes(outcome))
      violations.push({ invariant: "I-6", what: `"${step}" of ${key} is ${outcome}` })
  const keys = books.effects.map(
    (effect) => `${effect.connection} ${effect.operation} ${effect.businessKey} ${effect.step}`,
  )
  for (const key of repeated(keys)) violations.push({ invariant: "I-3", what: `two intents under one key: ${key}` })
  const probes = sum(books.effects.map((effect) => effect.probes))
  const found = books.effects.filter((effect) => effect.probes > 0 && effect.outcome === "done").length
  const lost = lostAnswers(books)
  return {
    violations,
    rows: [
      {
        what: `effects: ${books.effects.length} intents, ${sum(books.effects.map(({ attempts }) => attempts))} attempts, all with an outcome`,
        ours: String(books.effects.filter(({ outcome }) => outcome === "done").length),
        theirs: `${books.effects.filter(({ outcome }) => outcome === "rejected").length} refused`,
        differences: violations.length,
      },
      {
        what: "answers lost after commit; looked up",
        ours: `${probes} probes`,
        theirs: `${lost} lost`,
        differences: 0,
      },
      { what: "effects settled by looking up", ours: String(found), theirs: "–", differences: 0 },
    ],
  }
}

function lostAnswers(books: Books): number {
  return sum(
    Object.values(books.faults).map((counts) => (counts["commitThenReset"] ?? 0) + (counts["commitThen5xx"] ?? 0)),
  )
}
