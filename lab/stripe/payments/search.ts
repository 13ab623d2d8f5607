import type { Account } from "./account.ts"
import { pairOf } from "./account.ts"
import type { IntentRecord } from "./records.ts"
import { invalidParameter } from "../http/stripe-error.ts"

type Clause = { field: string; operator: ":" | "~" | ">" | "<" | ">=" | "<="; value: string; isNegated: boolean }

/**
 * PaymentIntents by query, newest first. Understands what docs.stripe.com/search lists for PaymentIntents: `amount`,
 * `created`, `currency`, `customer`, `status`, `metadata['key']`, with `:`, `~`, comparisons, a leading `-`, and either
 * AND or OR between clauses. A new object appears only after `lagMs`: on the real one within a minute as a rule.
 */
export function searchIntents(account: Account, search: { query: string; lagMs: number }): IntentRecord[] {
  const { clauses, isAny } = parseQuery(search.query)
  const visibleUntilMs = Date.now() - search.lagMs
  const isMatch = (intent: IntentRecord): boolean =>
    intent.createdAtMs <= visibleUntilMs &&
    (isAny ? clauses.some((clause) => matches(intent, clause)) : clauses.every((clause) => matches(intent, clause)))
  return candidates(account, { clauses, isAny }).filter(isMatch).reverse()
}

function candidates(account: Account, { clauses, isAny }: { clauses: Clause[]; isAny: boolean }): IntentRecord[] {
  const indexed =
    isAny && clauses.length > 1 ? undefined : clauses.find((clause) => !clause.isNegated && isMetadata(clause))
  if (indexed === undefined) return [...account.intents.values()]
  const ids = account.byMetadata.get(pairOf(metadataKey(indexed.field), indexed.value)) ?? []
  return [...ids].flatMap((id) => account.intents.get(id) ?? [])
}

const clausePattern =
  /^(-?)([a-z_]+(?:\[(?:'[^']*'|"[^"]*")\])?)\s*(>=|<=|:|~|>|<)\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\S+))\s*/
const fields = new Set(["amount", "created", "currency", "customer", "status"])

function parseQuery(query: string): { clauses: Clause[]; isAny: boolean } {
  const clauses: Clause[] = []
  const joins = new Set<string>()
  let rest = query.trim()
  while (rest !== "") {
    const match = clausePattern.exec(rest)
    if (match === null) throw refusal(query)
    const [all, minus, field = "", operator = ":", single, double, bare] = match
    const value = (single ?? double ?? bare ?? "").replaceAll(/\\(.)/g, "$1")
    // The pattern admits only these operators.
    clauses.push({ field, operator: operator as Clause["operator"], value, isNegated: minus === "-" })
    if (!fields.has(field) && !field.startsWith("metadata[")) throw refusal(query)
    rest = rest.slice(all.length)
    const join = /^(AND|OR)\s+/i.exec(rest)
    if (join === null) continue
    joins.add((join[1] ?? "").toUpperCase())
    rest = rest.slice(join[0].length)
  }
  // docs.stripe.com/search: AND and OR cannot be mixed in one query; a blank between clauses means AND.
  if (clauses.length === 0 || joins.size > 1) throw refusal(query)
  return { clauses, isAny: joins.has("OR") }
}

function matches(intent: IntentRecord, clause: Clause): boolean {
  return holds(intent, clause) !== clause.isNegated
}

function holds(intent: IntentRecord, clause: Clause): boolean {
  const { operator, value } = clause
  const actual = valueOf(intent, clause.field)
  if (actual === undefined || actual === null) return value === "null"
  if (operator === ":") return String(actual).toLowerCase() === value.toLowerCase()
  if (operator === "~") return String(actual).toLowerCase().includes(value.toLowerCase())
  const wanted = Number(value)
  if (operator === ">") return Number(actual) > wanted
  if (operator === "<") return Number(actual) < wanted
  return operator === ">=" ? Number(actual) >= wanted : Number(actual) <= wanted
}

function valueOf(intent: IntentRecord, field: string): string | number | null | undefined {
  if (field.startsWith("metadata[")) return intent.metadata[metadataKey(field)]
  if (field === "amount") return intent.amount
  if (field === "created") return intent.created
  if (field === "currency") return intent.currency
  return field === "customer" ? intent.customer : intent.status
}

function isMetadata(clause: Clause): boolean {
  return clause.field.startsWith("metadata[") && clause.operator === ":" && clause.value !== "null"
}

function metadataKey(field: string): string {
  return field.slice("metadata['".length, -2)
}

function refusal(query: string): Error {
  return invalidParameter("query", `We were unable to parse your search query: ${query}`)
}
