import { listenToStream, type Heard } from "./source.ts"

/** The port of a tab, as far as it is used here: the types of workers and of pages do not go together. */
interface Port {
  onmessage: ((event: { data: unknown }) => void) | null
  postMessage: (heard: Heard) => void
}
const scope = globalThis as unknown as { onconnect: (event: { ports: Port[] }) => void }

// One stream for all tabs of a browser: HTTP/1.1 allows six connections for all of them together.
const ports = new Set<Port>()
let stop: (() => void) | undefined
let isOpen = false

function tellAll(heard: Heard): void {
  if (heard.kind === "state") isOpen = heard.isOpen
  for (const port of ports) port.postMessage(heard)
}

scope.onconnect = ({ ports: [port] }) => {
  if (!port) return
  ports.add(port)
  port.postMessage({ kind: "state", isOpen })
  stop ??= listenToStream(tellAll)
  // A tab says nothing else than that it goes.
  port.onmessage = () => {
    ports.delete(port)
    if (ports.size > 0) return
    stop?.()
    stop = undefined
    isOpen = false
  }
}
