import { canonicalJson, contentDigest } from "../../base/ids.ts"
import { epochMs, instant, type Instant } from "../../base/time.ts"
import type { Promotion } from "../../canonical/catalogue/promotion.ts"
import { orderProblems } from "../../canonical/catalogue/validity.ts"
import { newEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import { promotionsById, type KeptPromotion } from "../promotions.ts"
import {
  foreignWrite,
  refusedRow,
  saidAt,
  stopSystemic,
  store,
  unchanged,
  verdictOf,
  type Decided,
  type Outcome,
  type Said,
  type Writing,
} from "./writing.ts"

/** A promotion that somebody wants to declare, change or end. */
export interface PromotionRow {
  promotionId: string
  promotion?: Promotion
  ended?: true
  at?: Instant
  fact?: string
}

/** Writes promotions; a row that fails costs no other. */
export async function writePromotions(
  writing: Writing,
  rows: readonly PromotionRow[],
  said: Said,
): Promise<({ promotionId: string } & Outcome)[]> {
  const now = instant(writing.clock.now())
  const known = await promotionsById(
    writing.sql,
    rows.map(({ promotionId }) => promotionId),
  )
  // Of two rows of one promotion the second is compared with the first.
  const decided = rows.map((row) => {
    const { promotionId } = row
    const before = known.get(promotionId)
    const at = saidAt(row.at, now, before?.at)
    const made = judgeRow(writing, { row: { ...row, at }, before, said })
    const promotion = row.promotion ?? before?.promotion
    if (promotion && made.events.some(({ type }) => type === "promotion.changed"))
      known.set(promotionId, {
        promotionId,
        promotion,
        ...(row.ended ? { endedAt: at } : {}),
        by: said.author.name,
        rule: "",
        policy: "",
        at,
        fact: "",
      })
    return made
  })
  const results = await store(writing, stopSystemic(decided, said, now))
  return rows.map(({ promotionId }, n) => ({ promotionId, outcome: "refused", ...results[n] }))
}

function judgeRow(
  writing: Writing,
  { row, before, said }: { row: PromotionRow & { at: Instant }; before: KeptPromotion | undefined; said: Said },
): Decided {
  const { promotionId, promotion, ended, at, fact } = row
  if (ended ? !before || before.endedAt !== undefined : isKnown(before, promotion)) return unchanged
  if (before && epochMs(at) < epochMs(before.at)) return unchanged
  if (!ended && !promotion)
    return refusedRow([{ pointer: "/promotion", message: "a row has a promotion, or ends one that is there" }])
  const wrong = promotion ? orderProblems(promotion.validity) : []
  if (wrong.length > 0)
    return refusedRow(wrong.map((one) => ({ ...one, pointer: `/promotion/validity${one.pointer}` })))
  const { market } = promotion ?? before?.promotion ?? {}
  const channels = (promotion ?? before?.promotion)?.channels ?? []
  // A promotion of one channel may have an owner of its own.
  const [channel] = channels.length === 1 ? channels : []
  const scope = { ...(market === undefined ? {} : { market }), ...(channel === undefined ? {} : { channel }) }
  const verdict = verdictOf(writing, { field: "promotion.terms", scope, author: said.author, at })
  const what = promotion ? { promotion } : { ended: true as const }
  if ("why" in verdict) {
    const of = fact === undefined ? said : { ...said, fact }
    return foreignWrite({
      verdict,
      said: of,
      writing,
      about: ref("promotion", promotionId),
      change: { promotionId, ...what },
      at,
    })
  }
  const { name } = said.author
  const event = newEvent({
    type: "promotion.changed",
    fact: `${name}:promotion:${promotionId}:${contentDigest({ ...what, fact: fact ?? at })}`,
    source: name,
    time: at,
    data: { promotionId, ...what, by: name, rule: verdict.rule, policy: writing.policy, at },
  })
  return { result: { outcome: verdict.kind, rule: verdict.rule }, events: [event] }
}

function isKnown(before: KeptPromotion | undefined, promotion: Promotion | undefined): boolean {
  return (
    before !== undefined &&
    before.endedAt === undefined &&
    canonicalJson(before.promotion) === canonicalJson(promotion ?? null)
  )
}
