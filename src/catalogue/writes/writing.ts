import type { Problem } from "../../base/errors.ts"
import { contentDigest, derivedId } from "../../base/ids.ts"
import { inTransaction, storage, type Sql } from "../../base/sql.ts"
import { businessDate, epochMs, instant, type Clock, type Instant } from "../../base/time.ts"
import { cut } from "../../base/text.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { ref, type Ref } from "../../canonical/refs.ts"
import { judgeWrite, type Author, type Verdict, type Wanted } from "../../governance/ownership/judge.ts"
import { ruleName, type Ownership } from "../../governance/ownership/own.ts"
import { ownerOf } from "../../governance/ownership/resolve.ts"
import type { CataloguePolicyBlock } from "../policies.ts"
import { keepCatalogue } from "../read-model.ts"

/** What writes need: the rules, and where facts go. */
export interface Writing {
  sql: Sql
  clock: Clock
  rules: readonly Ownership[]
  /** The version of the rules. */
  policy: string
  policies: CataloguePolicyBlock
  append: (event: NewEvent) => Promise<unknown>
  /** Judges, and changes nothing. */
  isDryRun?: boolean
  /** A person decided that what was held counts, whoever owns it. */
  isAdopted?: boolean
}

/** Who writes, and when they said it. A report of a system brings its own fact, so that it is judged once. */
export interface Said {
  author: Author
  /** Of reports: the fact of the report. */
  fact?: string
}

/** What became of one row, or of one field of it. */
export interface Outcome {
  outcome: "accepted" | "override" | "adopted" | "unchanged" | "held" | "refused"
  /** The rule by which it was decided. */
  rule?: string
  why?: string
  problems?: readonly Problem[]
  /** Of a held one: the exception that waits for a person. */
  exceptionId?: string
}

/** An outcome with the events that make it true. */
export interface Decided {
  result: Outcome
  events: NewEvent[]
  /** Of what did not count: what it has in common with others. */
  cause?: string
}

export const unchanged: Decided = { result: { outcome: "unchanged" }, events: [] }

/** Whether a write counts: as the rules have it, or because a person adopted it. */
export function verdictOf({ rules, isAdopted }: Writing, wanted: Wanted): Verdict {
  if (!isAdopted) return judgeWrite(rules, wanted)
  const rule = ownerOf(rules, wanted.field, wanted.scope)
  return { kind: wanted.override ? "override" : "adopted", rule: rule ? ruleName(rule) : "ownership" }
}

/**
 * When something was said. Of a clock that is ahead: now, so that nothing that is said until then counts as older. What has no time of
 * its own is later than what was `before` it, also within a millisecond: the same value again after another one is a fact of its own.
 */
export function saidAt(at: Instant | undefined, now: Instant, before?: Instant): Instant {
  if (at !== undefined && epochMs(at) <= epochMs(now)) return at
  return at === undefined && before !== undefined ? instant(Math.max(epochMs(now), epochMs(before) + 1)) : now
}

/** A row that cannot count whoever writes it. */
export function refusedRow(problems: readonly Problem[]): Decided {
  const [first] = problems
  const why = `${first?.pointer ?? ""} ${first?.message ?? ""}`.trim()
  return { result: { outcome: "refused", why, problems }, events: [], cause: first?.message ?? "invalid" }
}

interface Foreign {
  verdict: Extract<Verdict, { why: string }>
  said: Said
  writing: Pick<Writing, "policy">
  about: Ref
  sku?: string
  /** What was written, so that a person may adopt it. */
  change: object
  at: Instant
}

/** Owner of the exceptions about what is written against the rules. */
const owner = "merchandising"

/** What becomes of a value that is not its author's to write: held with an exception, or refused with or without one. */
export function foreignWrite({ verdict, said, writing, about, sku, change, at }: Foreign): Decided {
  const { rule, why, kind } = verdict
  const { author } = said
  const refused: Decided = { result: { outcome: "refused", rule, why }, events: [], cause: rule }
  if (kind === "refused" || kind === "restored") return refused
  if (kind === "alerted") return { ...refused, events: [breach({ rule, why, author, about, at, ...(sku && { sku }) })] }
  // Who writes the same again and again opens one case a day.
  const exceptionId = derivedId("held", author.name, contentDigest(change), said.fact ?? dayOf(at))
  const open = newEvent({
    type: "exception.opened",
    fact: `exception:${exceptionId}`,
    source: "crossdock:ownership",
    time: at,
    data: {
      exceptionId,
      about,
      ...(rule.startsWith("guard:") ? { cause: "price is guarded" } : { cause: "field is not theirs" }),
      summary: cut(`${sku ?? about}: ${why}.`, 1000),
      doneSoFar: ["the change is kept, and nothing was changed"],
      ifNobodyActs: "the value stays as its owner said it",
      allowedActions: ["adopt the change", "keep the owner's value"],
      owner,
      ...(sku === undefined ? {} : { sku }),
      because: { kind: "data", operation: cut(rule, 120), value: cut(author.name, 200) },
      at,
    },
  })
  const held = newEvent({
    type: "change.held",
    fact: `held:${exceptionId}`,
    source: "crossdock:ownership",
    time: at,
    data: {
      exceptionId,
      ...(sku === undefined ? {} : { sku }),
      change,
      by: author.name,
      rule,
      policy: writing.policy,
      why: cut(why, 500),
      at,
    },
  })
  return { result: { outcome: "held", rule, why, exceptionId }, events: [held, open], cause: rule }
}

const dayOf = (at: Instant) => businessDate(at, { timeZone: "UTC" })

/** One exception for a rule, an author and a day, however often it is broken. */
function breach(of: { rule: string; why: string; author: Author; about: Ref; at: Instant; sku?: string }): NewEvent {
  const { rule, why, author, about, at, sku } = of
  const exceptionId = derivedId("breach", rule, author.name, dayOf(at))
  return newEvent({
    type: "exception.opened",
    fact: `exception:${exceptionId}`,
    source: "crossdock:ownership",
    time: at,
    data: {
      exceptionId,
      about,
      cause: "field is not theirs",
      summary: cut(`${sku ?? about}: ${why}. It was refused by the rule ${rule}.`, 1000),
      doneSoFar: ["the value was refused"],
      ifNobodyActs: "such values go on being refused",
      allowedActions: ["noted"],
      owner,
      ...(sku === undefined ? {} : { sku }),
      because: { kind: "data", operation: cut(rule, 120), value: cut(author.name, 200) },
      at,
    },
  })
}

const systemicFrom = 20

/**
 * When most of a batch fails for one cause, something is wrong with all of it: nothing is held row by row, the rows are refused and
 * people get one exception (P-25).
 */
export function stopSystemic(decided: readonly Decided[], { author }: Said, at: Instant): Decided[] {
  const counts = new Map<string, number>()
  for (const { cause } of decided) if (cause !== undefined) counts.set(cause, (counts.get(cause) ?? 0) + 1)
  const [cause, count = 0] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? []
  if (cause === undefined || decided.length < systemicFrom || count * 2 <= decided.length) return [...decided]
  const why = `${count} of ${decided.length} rows fail for one cause, so the batch is stopped: ${cause}`
  const told = breach({ rule: cause, why, author, about: ref("reader", "catalogue"), at })
  let isTold = false
  return decided.map((one) => {
    if (one.cause !== cause) return one
    const events = isTold ? [] : [told]
    isTold = true
    const { problems } = one.result
    return { result: { outcome: "refused", rule: cause, why, ...(problems ? { problems } : {}) }, events, cause }
  })
}

/**
 * Stores what was decided, in the order of the rows, and shows it at once: who reads next sees what was just written. The reader of
 * the log notes the same again, so a crash in between loses nothing.
 */
export async function store(
  writing: Pick<Writing, "append" | "sql" | "isDryRun">,
  decided: readonly Decided[],
): Promise<Outcome[]> {
  const events = writing.isDryRun ? [] : decided.flatMap((one) => one.events)
  await Promise.all(events.map((event) => writing.append(event)))
  if (events.length > 0) await storage(() => inTransaction(writing.sql, (tx) => keepCatalogue(tx, events)))
  return decided.map(({ result }) => result)
}
