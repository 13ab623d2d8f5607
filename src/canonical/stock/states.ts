/** States of goods that lie at a place, or come to it, and cannot be sold. */
export const stockStates = ["in-transit", "damaged", "in-inspection", "blocked"] as const
/** See `stockStates`. */
export type StockState = (typeof stockStates)[number]

/**
 * The name of the goods of a place in a state, as the stock ledger has it. They are a place of their own there: moving them between
 * states is a transfer, and a count of what can be sold leaves them alone.
 */
export function placeInState(locationId: string, state?: StockState): string {
  return state === undefined ? locationId : `${locationId}/${state}`
}

/** The place and the state that a name of the ledger stands for. */
export function stateOfPlace(name: string): { locationId: string; state?: StockState } {
  const cut = name.lastIndexOf("/")
  const state = stockStates.find((one) => one === name.slice(cut + 1))
  return cut > 0 && state ? { locationId: name.slice(0, cut), state } : { locationId: name }
}
