import type { Change, HintTopic } from "./changes.ts"

/** What a listener is told of a topic: which things, and how many. Without ids it may be any. */
export interface Hint {
  topic: HintTopic
  ids: string[]
  count: number
}

/** More than these are not worth naming: whoever shows the list reads it anew. */
const idsMax = 100

/** What one listener has not been told yet: of its topics and channels, each thing once. */
export class Pending {
  readonly #topics: ReadonlySet<string> | undefined
  #byTopic = new Map<HintTopic, { ids: Set<string>; isAny: boolean }>()

  /** `topics` undefined: all. */
  constructor(topics?: readonly string[]) {
    this.#topics = topics && new Set(topics)
  }

  /** `channels` undefined: the listener may see all. */
  add(changes: readonly Change[], channels: readonly string[] | undefined): void {
    for (const change of changes) {
      if (this.#topics?.has(change.topic) === false || !isFor(change, channels)) continue
      const known = this.#byTopic.get(change.topic) ?? { ids: new Set(), isAny: false }
      if (change.id === undefined || known.ids.size >= idsMax) known.isAny = true
      else known.ids.add(change.id)
      this.#byTopic.set(change.topic, known)
    }
  }

  /** All of it, once. */
  take(): Hint[] {
    const hints = [...this.#byTopic].map(([topic, { ids, isAny }]) => ({
      topic,
      ids: isAny ? [] : [...ids],
      count: ids.size,
    }))
    this.#byTopic = new Map()
    return hints
  }
}

/** A thing of no single channel is for those who may see all; that much of a topic has changed is no secret. */
function isFor({ id, channels: its }: Change, channels: readonly string[] | undefined): boolean {
  if (channels === undefined || id === undefined) return true
  return its !== undefined && its.length > 0 && its.every((channel) => channels.includes(channel))
}
