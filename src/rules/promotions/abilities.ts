import type { Benefit } from "../../canonical/catalogue/promotion.ts"

/** What a platform can carry of a promotion by itself. What it cannot is never made to look alike. */
export interface Abilities {
  benefits: readonly Benefit["kind"][]
  codes: boolean
  groups: boolean
  leastTotal: boolean
  leastQuantity: boolean
  oncePerCustomer: boolean
  /** Conditions combined by OR and NOT. */
  nested: boolean
  /** How fine it begins and ends by itself. */
  schedule: "moment" | "day"
  locations: boolean
  /** Whether an order of precedence among promotions can be said. */
  rank: boolean
  /** Whether it can keep promotions from adding up. */
  exclusive: boolean
  /** Promotions without a code that it has at the same time. */
  automaticMost?: number
  /** Whether "buy and get" may give something less than free. */
  partlyFree: boolean
}

/** By platform. Read in November 2026; each row names where. */
export const abilities: Readonly<Record<string, Abilities>> = {
  // Admin GraphQL 2026-10: DiscountAutomaticBasic, DiscountAutomaticBxgy, DiscountCodeFreeShipping, combinesWith, appliesOncePerCustomer.
  // 25 active automatic discounts: https://help.shopify.com/en/manual/discounts/discount-methods/automatic-discounts
  shopify: {
    benefits: ["percentage off", "amount off", "buy and get", "free shipping"],
    codes: true,
    groups: true,
    leastTotal: true,
    leastQuantity: true,
    oncePerCustomer: true,
    nested: false,
    schedule: "moment",
    locations: false,
    rank: false,
    exclusive: true,
    automaticMost: 25,
    partlyFree: true,
  },
  // Cart price rules: from_date and to_date are days; buy_x_get_y gives the second free; sort_order is the rank.
  // https://developer.adobe.com/commerce/webapi/rest/ (SalesRuleRepository)
  adobe: {
    benefits: ["percentage off", "amount off", "buy and get", "free shipping"],
    codes: true,
    groups: true,
    leastTotal: true,
    leastQuantity: true,
    oncePerCustomer: true,
    nested: true,
    schedule: "day",
    locations: false,
    rank: true,
    exclusive: true,
    partlyFree: false,
  },
  // Promotions V3: rules with and, or, not; the order of promotions is set in the control panel only.
  // https://developer.bigcommerce.com/docs/rest-management/promotions
  bigcommerce: {
    benefits: ["percentage off", "amount off", "fixed price", "buy and get", "free shipping"],
    codes: true,
    groups: true,
    leastTotal: true,
    leastQuantity: true,
    oncePerCustomer: true,
    nested: true,
    schedule: "moment",
    locations: false,
    rank: false,
    exclusive: true,
    partlyFree: true,
  },
  // CatalogPricingRule: match, apply, exclude products; valid_from_date and valid_from_local_time; customer_group_ids_any;
  // minimum_order_subtotal_money; present_at_location_ids. No codes. schemas/square.
  square: {
    benefits: ["percentage off", "amount off", "fixed price", "buy and get"],
    codes: false,
    groups: true,
    leastTotal: true,
    leastQuantity: true,
    oncePerCustomer: false,
    nested: false,
    schedule: "moment",
    locations: true,
    rank: false,
    exclusive: true,
    partlyFree: true,
  },
  // Vendure 3: default conditions and actions; promotions always add up.
  // https://docs.vendure.io/guides/core-concepts/promotions/
  vendure: {
    benefits: ["percentage off", "amount off", "buy and get", "free shipping"],
    codes: true,
    groups: true,
    leastTotal: true,
    leastQuantity: true,
    oncePerCustomer: true,
    nested: false,
    schedule: "moment",
    locations: false,
    rank: false,
    exclusive: false,
    partlyFree: false,
  },
}
