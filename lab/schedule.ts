/** A span of milliseconds to draw from, both ends included. */
export type Range = { min: number; max: number }

/** Things a vendor does by itself after a while; all of them stop at once. */
export type Schedule = { after(delayMs: number, act: () => void): void; clear(): void; pending(): number }

export function createSchedule(): Schedule {
  const timers = new Set<NodeJS.Timeout>()
  return {
    after: (delayMs, act) => {
      const timer = setTimeout(() => {
        timers.delete(timer)
        act()
      }, delayMs)
      timers.add(timer)
    },
    clear: () => {
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
    },
    pending: () => timers.size,
  }
}
