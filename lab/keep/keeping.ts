import type { Packing } from "./kept.ts"
import { KeptList, KeptMap } from "./kept.ts"
import type { Random } from "../random.ts"
import { randomStream } from "../random.ts"
import type { LabState } from "./state.ts"

/** Lets a simulator continue from its previous state. */
export type Keeping = {
  /** The number of the lab's start; 1 when nothing is kept. */
  readonly run: number
  /** Records of one kind that the next start restores, if the lab keeps its state. */
  keep<K extends string | number, V>(kind: string, packing?: Packing<V>): KeptMap<K, V>
  keepList<V>(kind: string): KeptList<V>
  /** Resolves when every change so far is stored. Responses and webhooks wait for it automatically. */
  saved(): Promise<void>
  /**
   * A stream of random decisions. In a lab that continues from kept state it differs from start to start, because ids
   * must not repeat.
   */
  random(purpose: string): Random
}

export function keepingOf(options: { name: string; seed: number; state?: LabState }): Keeping {
  const { name, seed, state } = options
  const run = state?.run ?? 1
  return {
    run,
    keep: (kind, packing) => new KeptMap(state?.drawer(name, kind), packing),
    keepList: (kind) => new KeptList(state?.drawer(name, kind)),
    saved: () => state?.saved() ?? Promise.resolve(),
    random: (purpose) => randomStream(seed, `${name}/${purpose}${run === 1 ? "" : `/${run}`}`),
  }
}
