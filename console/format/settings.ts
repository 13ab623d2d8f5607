import { useSyncExternalStore } from "react"

/** In which zone times are shown. */
export type ZoneChoice = "store" | "mine" | "utc"

interface Settings {
  zone: ZoneChoice
  /** Whether single letters are shortcuts (WCAG 2.1.4 asks for a way to switch them off). */
  hasSingleKeys: boolean
}

const name = "crossdock.console"
const initial: Settings = { zone: "store", hasSingleKeys: true }
const listeners = new Set<() => void>()
let current = read()

function read(): Settings {
  try {
    return { ...initial, ...(JSON.parse(localStorage.getItem(name) ?? "{}") as Partial<Settings>) }
  } catch {
    return initial
  }
}

/** Changes what this browser remembers. */
export function changeSettings(change: Partial<Settings>): void {
  current = { ...current, ...change }
  try {
    localStorage.setItem(name, JSON.stringify(current))
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  for (const listener of listeners) listener()
}

export function useSettings(): Settings {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => current,
  )
}
