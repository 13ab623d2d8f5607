import type { Money } from "../../base/money.ts"
import { epochMs, type Instant } from "../../base/time.ts"
import type { Scope } from "../../canonical/catalogue/scope.ts"
import { ruleName, spanToMs, type OwnedField, type Ownership } from "./own.ts"
import { ownerOf } from "./resolve.ts"

/** Who writes a value: a connection, a consumer of the API (`api:…`), or a person with roles. */
export interface Author {
  name: string
  /** Of a person. */
  roles?: readonly string[]
}

/** A value that somebody wants to write. */
export interface Wanted {
  field: OwnedField
  scope: Scope
  author: Author
  at: Instant
  /** The author deviates from the owner on purpose, until a moment. */
  override?: { until: Instant }
  /** Of a price: what it is to be, and what the owner says, as far as it is known. */
  amounts?: { wanted: Money; owners: Money | undefined }
}

/** Whether a write counts, and by which rule. */
export type Verdict =
  | { kind: "accepted" | "adopted" | "override"; rule: string }
  | { kind: "refused" | "held" | "restored" | "alerted"; rule: string; why: string }

/** Judges one write against the rules of ownership. A field that nobody owns is written by nobody. */
export function judgeWrite(rules: readonly Ownership[], wanted: Wanted): Verdict {
  const { field, scope, author, override } = wanted
  const rule = ownerOf(rules, field, scope)
  if (!rule) return { kind: "refused", rule: "ownership", why: `${field} has no owner here` }
  const name = ruleName(rule)
  if (override) {
    const why = overrideRefusal(rule, { ...wanted, override })
    return why === undefined ? { kind: "override", rule: name } : { kind: "refused", rule: name, why }
  }
  if (isOwner(rule, author)) return { kind: "accepted", rule: name }
  const why = `${field} belongs to ${rule.owner}, and ${author.name} wrote it`
  if (rule.foreign === "adopt") return { kind: "adopted", rule: name }
  const kind = ({ restore: "restored", alert: "alerted", hold: "held" } as const)[rule.foreign ?? "hold"]
  return { kind, rule: name, why }
}

function isOwner({ owner }: Ownership, author: Author): boolean {
  return owner === "people" ? author.roles !== undefined : owner === author.name
}

function overrideRefusal(
  { override }: Ownership,
  { author, at, override: asked, amounts }: Wanted & { override: { until: Instant } },
): string | undefined {
  if (!override) return "nobody may override it"
  const { by, within, until } = override
  const may = by.startsWith("api:")
    ? author.name === by
    : (author.roles?.some((role) => role === by || role === "admin") ?? false)
  if (!may) return `only ${by} may override it`
  const lastsMs = epochMs(asked.until) - epochMs(at)
  if (lastsMs <= 0) return "an override ends in the future"
  if (lastsMs > (spanToMs(until) ?? 0)) return `an override lasts at most ${until}`
  if (within === undefined) return undefined
  if (!amounts?.owners) return "there is no price of the owner to deviate from"
  if (amounts.owners.currency !== amounts.wanted.currency) return "an override keeps the currency"
  return isWithin(amounts.wanted, amounts.owners, within)
    ? undefined
    : `an override stays within ${within} of the owner's price`
}

/** Whether two amounts of one currency differ by at most a share of the second, exactly. */
function isWithin(wanted: Money, owners: Money, share: string): boolean {
  const [whole = "0", fraction = ""] = share.slice(0, -1).split(".")
  const hundredths = BigInt(whole + fraction.padEnd(2, "0"))
  const difference = BigInt(Math.abs(wanted.amountMinor - owners.amountMinor))
  return difference * 10_000n <= BigInt(Math.abs(owners.amountMinor)) * hundredths
}
