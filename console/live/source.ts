/** What the stream tells of a topic: which things changed; without ids it may be any. */
export interface Hint {
  topic: string
  ids: string[]
  count: number
}

export type Heard = { kind: "state"; isOpen: boolean } | { kind: "hints"; hints: Hint[] }

const path = "/v1/stream"
/**
 * The browser opens the stream again by itself when it was cut or the gateway ended it, also over a restart. It gives up after a refusal:
 * the session has ended, or there are too many streams.
 */
const againMs = 10_000

/** Listens to the gateway's stream until it is told to stop. */
export function listenToStream(tell: (heard: Heard) => void): () => void {
  let source: EventSource | undefined
  let again: ReturnType<typeof setTimeout> | undefined
  const open = () => {
    source = new EventSource(path)
    source.addEventListener("ready", () => tell({ kind: "state", isOpen: true }))
    source.addEventListener("hints", ({ data }) => {
      const { hints } = JSON.parse(String(data)) as { hints: Hint[] }
      tell({ kind: "hints", hints })
    })
    source.addEventListener("error", () => {
      tell({ kind: "state", isOpen: false })
      if (source?.readyState !== EventSource.CLOSED) return
      clearTimeout(again)
      again = setTimeout(open, againMs)
    })
  }
  open()
  return () => {
    clearTimeout(again)
    source?.close()
  }
}
