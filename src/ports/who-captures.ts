/**
 * Who captures the payments of a channel's orders. Crossdock, when goods leave, by its routes; the channel by itself, when it shows
 * them as shipped; or nobody yet: nobody has decided, so every authorised payment is told.
 */
export const whoCaptures = ["crossdock", "channel", "nobody yet"] as const
/** One of them. */
export type WhoCaptures = (typeof whoCaptures)[number]
