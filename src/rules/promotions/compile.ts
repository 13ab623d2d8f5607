import { own } from "../../base/lookup.ts"
import type { Money } from "../../base/money.ts"
import type { Promotion } from "../../canonical/catalogue/promotion.ts"
import { abilities, type Abilities } from "./abilities.ts"

/** Where a promotion is to be carried. */
export interface PromotionChannel {
  channel: string
  /** The platform behind it; undefined where nothing is known of it. */
  platform: string | undefined
  /** Promotions without a code that it carries already. */
  automaticCount?: number
  /** The zone in which a platform counts its days. */
  midnights?: (at: string) => boolean
}

/**
 * How a channel carries a promotion: by itself, by prices that change at the right moments, or not at all and why. Never nearly:
 * what differs by a cent or an hour in one channel is refused there.
 */
export type Compiled =
  | { kind: "native"; platform: string }
  | { kind: "price override"; platform: string; because: string }
  | { kind: "refused"; why: string }

/** Compiles a promotion for a channel. */
export function compilePromotion(promotion: Promotion, on: PromotionChannel): Compiled {
  const { platform } = on
  const able = platform === undefined ? undefined : own(abilities, platform)
  if (platform === undefined || !able)
    return { kind: "refused", why: `nothing is known of what ${on.channel} can carry` }
  const lacks = lacking(promotion, able, on)
  if (lacks.length === 0) return { kind: "native", platform }
  const [first = ""] = lacks
  const inPrices = notInPrices(promotion)
  if (inPrices.length === 0) return { kind: "price override", platform, because: `${platform} ${first}` }
  return {
    kind: "refused",
    why: `${platform} ${lacks.join(", and ")}; as a price it cannot be said, because ${inPrices.join(", and ")}`,
  }
}

/** What a platform lacks for a promotion, in words that follow its name. */
function lacking(
  { benefit, conditions, validity, locations, rank, combines }: Promotion,
  able: Abilities,
  on: PromotionChannel,
): string[] {
  const { codes, groups, leastTotal, leastMilli, oncePerCustomer, nested } = conditions
  const isAutomatic = codes === undefined
  const { automaticMost: most } = able
  const edges = [validity.from, validity.until].flatMap((edge) => edge ?? [])
  const rules: readonly (readonly [boolean, string])[] = [
    [!able.benefits.includes(benefit.kind), `has no "${benefit.kind}"`],
    [
      benefit.kind === "buy and get" && benefit.hundredths < 10_000 && !able.partlyFree,
      "only gives the second article free",
    ],
    [codes !== undefined && !able.codes, "takes no codes"],
    [groups !== undefined && !able.groups, "knows no groups of customers"],
    [leastTotal !== undefined && !able.leastTotal, "knows no least total"],
    [leastMilli !== undefined && !able.leastQuantity, "knows no least quantity"],
    [oncePerCustomer === true && !able.oncePerCustomer, "does not limit it to once a customer"],
    [nested === true && !able.nested, "cannot combine conditions by OR and NOT"],
    [locations !== undefined && !able.locations, "cannot limit it to places"],
    [rank !== undefined && !able.rank, "takes no rank"],
    [!combines && !able.exclusive, "always lets promotions add up"],
    [
      able.schedule === "day" && !edges.every((edge) => on.midnights?.(edge) ?? false),
      "begins and ends promotions by the day, and this one does not at its midnight",
    ],
    [
      isAutomatic && most !== undefined && (on.automaticCount ?? 0) >= most,
      `carries ${most} promotions without a code, and has them`,
    ],
  ]
  return rules.flatMap(([isLacking, words]) => (isLacking ? [words] : []))
}

/** Why a promotion cannot be said by prices alone. */
function notInPrices({ benefit, skus, conditions, combines, rank }: Promotion): string[] {
  const { kind } = benefit
  const hasConditions = Object.values(conditions).some((one) => one !== undefined && one !== false)
  const isPrice = kind === "fixed price" || kind === "percentage off" || (kind === "amount off" && benefit.each)
  return [
    ...(isPrice ? [] : [`"${kind}" is no price of an article`]),
    ...(skus.length > 0 ? [] : ["it is for everything"]),
    ...(hasConditions ? ["it has conditions"] : []),
    ...(combines ? [] : ["other promotions would add up with a price"]),
    ...(rank === undefined ? [] : ["a price takes no rank among promotions"]),
  ]
}

/** The price of an article under a promotion that is carried as prices, rounded to the minor unit: half away from zero. */
export function promotedPrice({ benefit }: Promotion, base: Money): Money | undefined {
  if (benefit.kind === "fixed price") return benefit.amount.currency === base.currency ? benefit.amount : undefined
  if (benefit.kind === "percentage off") {
    const rest = BigInt(base.amountMinor) * BigInt(10_000 - benefit.hundredths)
    return { amountMinor: Number((rest + 5000n) / 10_000n), currency: base.currency }
  }
  if (benefit.kind !== "amount off" || benefit.amount.currency !== base.currency) return undefined
  return { amountMinor: Math.max(0, base.amountMinor - benefit.amount.amountMinor), currency: base.currency }
}
