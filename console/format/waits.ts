/** What a workflow waits for, in a few words. */
export interface Wait {
  kind: string
  name: string
  until?: string
}

/** The first of these that is among the news waited for says what it is. */
const news: readonly (readonly [string, string])[] = [
  ["shipment.confirmed or shipment.milestone", "the parcel to arrive"],
  ["shipment.confirmed or shipment.short", "the warehouse to ship"],
  ["order.hold-changed", "the shop to release its hold"],
  ["order.tender-changed", "payment"],
  ["stock.arrived", "stock to come in, or a person"],
]

/** "the warehouse to ship", "sap to answer", "a person to decide". */
export function waitText({ kind, name }: Wait): string {
  if (kind === "connection") return `${name} to answer`
  if (name === "exception.decided" || kind === "decision") return "a person to decide"
  if (kind !== "signal") return name
  const fitting = news.find(([event]) => name.includes(event))
  return fitting?.[1] ?? name.replaceAll(/[.-]/g, " ").split(" or ").slice(0, 2).join(" or ")
}

/** A step or an event in words: "capture payment#SH-21f…" is "capture payment", "order.placed" is "order placed". */
export function hopText(what: string): string {
  const text = what.split("#")[0] ?? what
  return /^[a-z-]+\.[a-z-]+$/.test(text) ? text.replaceAll(/[.-]/g, " ") : text
}
