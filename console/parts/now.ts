import { useSyncExternalStore } from "react"

const stepMs = 5000
let nowMs = Date.now()
let timer: ReturnType<typeof setInterval> | undefined
const listeners = new Set<() => void>()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    nowMs = Date.now()
    for (const one of listeners) one()
  }, stepMs)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** The time now, which moves on every five seconds for all ages on the page at once. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => nowMs)
}
