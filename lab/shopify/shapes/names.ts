/** Ways in which the same order is written in reality; real.md has where each was seen. None of them changes how the order ends. */
export const shapes = [
  "new-fields",
  "new-words",
  "nulls",
  "numbers",
  "times-in-utc",
  "old-version",
  "app-values",
  "tip-line",
  "fees",
  "no-country",
  "no-customer",
  "no-product",
  "failed-attempt",
  "company",
  "tags",
] as const

/** Shapes with a part that cannot be read. They are never chosen by chance, because the part waits for a person: name them. */
export const unreadable = ["strange-refund", "strange-fulfilment", "unstated-fee"] as const
export type Shape = (typeof shapes | typeof unreadable)[number]
