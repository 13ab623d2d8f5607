import type { Window } from "./judge.ts"

/** A finished outcome, as it is judged. */
export interface Finished {
  scope: readonly string[]
  isMissed: boolean
  finishedMs: number
  minor: number | null
  currency: string | null
}

/** The last outcomes of one scope, with the money of the missed ones. */
export interface MoneyWindow extends Window {
  scope: string[]
  /** By currency. */
  money: Map<string, number>
  badSinceMs: number | undefined
}

/**
 * The last outcomes of every scope, of each width from the narrowest to everything: at most `size` of each. `outcomes` are given the
 * latest first.
 */
export function windowsOf(outcomes: readonly Finished[], size: number): MoneyWindow[] {
  const windows = new Map<string, MoneyWindow>()
  for (const { scope, isMissed, finishedMs, minor, currency } of outcomes)
    for (let cut = 0; cut <= scope.length; cut += 1) {
      const key = `${cut}\n${scope.slice(cut).join("\n")}`
      let window = windows.get(key)
      if (!window) {
        window = { scope: scope.slice(cut), n: 0, bad: 0, money: new Map(), badSinceMs: undefined }
        windows.set(key, window)
      }
      if (window.n === size) continue
      window.n += 1
      if (!isMissed) continue
      window.bad += 1
      window.badSinceMs = Math.min(finishedMs, window.badSinceMs ?? finishedMs)
      if (currency !== null && minor !== null) window.money.set(currency, (window.money.get(currency) ?? 0) + minor)
    }
  return [...windows.values()]
}
