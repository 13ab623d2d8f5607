import type { QueryClient } from "@tanstack/react-query"
import { listenToStream, type Heard, type Hint } from "./source.ts"
import { isTouched } from "./touched.ts"

/** What is shown is read again at most this often, however much changes. */
const gatherMs = 1500

let isOpen = false

/** Whether the stream tells of changes, so that reading in between may be rare. */
export const isLive = (): boolean => isOpen

/** Reads what is visible again when the stream of a person says that it may have changed. Returns the way to stop. */
export function beLive(client: QueryClient, person: string): () => void {
  let gathered: Hint[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  const refetch = () => {
    timer = undefined
    // Nobody looks at a hidden page: it reads what it missed when it is seen again.
    if (document.visibilityState === "hidden") return
    const hints = gathered
    gathered = []
    void client.invalidateQueries({ predicate: ({ queryKey }) => isTouched(addressOf(queryKey), hints) })
  }
  const later = () => void (timer ??= setTimeout(refetch, gatherMs))
  const hear = (heard: Heard) => {
    if (heard.kind === "state") {
      isOpen = heard.isOpen
      return
    }
    gathered = merged(gathered, heard.hints)
    later()
  }
  const seen = () => {
    if (document.visibilityState === "visible" && gathered.length > 0) later()
  }
  document.addEventListener("visibilitychange", seen)
  const worker = sharedWorker(person)
  const stop = worker ? listenByWorker(worker, hear) : listenToStream(hear)
  return () => {
    document.removeEventListener("visibilitychange", seen)
    clearTimeout(timer)
    isOpen = false
    stop()
  }
}

/**
 * The worker that all tabs of a person share; another person who signs in meanwhile has one of their own, as limits differ. Undefined
 * where the browser has none, or allows none to pages whose cookies it restricts.
 */
function sharedWorker(person: string): SharedWorker | undefined {
  try {
    return new SharedWorker(new URL("./stream-worker.ts", import.meta.url), {
      type: "module",
      name: `crossdock stream of ${person}`,
    })
  } catch {
    return undefined
  }
}

function listenByWorker(worker: SharedWorker, hear: (heard: Heard) => void): () => void {
  worker.port.onmessage = ({ data }) => hear(data as Heard)
  const leave = () => worker.port.postMessage("leave")
  // A page that the browser keeps for going back listens on when it is shown again.
  const hide = ({ persisted }: PageTransitionEvent) => persisted || leave()
  addEventListener("pagehide", hide)
  return () => {
    removeEventListener("pagehide", hide)
    leave()
  }
}

const idsMax = 500

/** One hint a topic. Too many ids are as good as none. */
function merged(before: readonly Hint[], more: readonly Hint[]): Hint[] {
  const topics = new Map<string, Hint>()
  for (const { topic, ids, count } of [...before, ...more]) {
    const known = topics.get(topic)
    if (!known) topics.set(topic, { topic, ids, count })
    else {
      const isAny = known.ids.length === 0 || ids.length === 0
      const all = isAny ? [] : [...new Set([...known.ids, ...ids])]
      topics.set(topic, { topic, ids: all.length > idsMax ? [] : all, count: known.count + count })
    }
  }
  return [...topics.values()]
}

/** The address behind a query, of whichever shape its key is. */
function addressOf([path, parameters]: readonly unknown[]): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries((parameters ?? {}) as Record<string, unknown>))
    if (typeof value === "string") query.set(name, value)
  return query.size === 0 ? String(path) : `${String(path)}?${query}`
}
