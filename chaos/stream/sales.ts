import { asUsual, type OrderKind } from "./kind.ts"

/** Sales that are no order of the web shop, or are not paid at once. */
export const sales: readonly OrderKind[] = [
  { kind: "draft of the staff", weight: 3, wish: { odd: ["draft", "po-number"], payment: "paid" }, right: asUsual },
  { kind: "gift card sold", weight: 2, wish: { odd: ["gift-card-product"] }, right: asUsual },
  { kind: "gift card on paper", weight: 2, wish: { odd: ["paper-gift-card"] }, right: asUsual },
  { kind: "paid with a gift card", weight: 3, wish: { odd: ["gift-card-tender"] }, right: asUsual },
]
