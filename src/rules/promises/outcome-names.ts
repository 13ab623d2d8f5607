/** Every outcome that can be promised. */
export const outcomeNames = [
  "order released",
  "order shipped",
  "order delivered",
  "sale posted",
  "refund closed",
  "shortage ended",
] as const
/** The name of an outcome. */
export type OutcomeName = (typeof outcomeNames)[number]
