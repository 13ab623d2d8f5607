import type { Packing } from "./kept.ts"
import { KeptList, KeptMap } from "./kept.ts"
import type { Random } from "../random.ts"
import { randomStream } from "../random.ts"
import type { LabState } from "./state.ts"

/** What a simulator needs to go on where the former one stopped. */
export type Keeping = {
  /** The number of the lab's start; 1 when nothing is kept. */
  readonly run: number
  /** Records of one kind that the next start will find again, if the lab keeps its state. */
  keep<K extends string | number, V>(kind: string, packing?: Packing<V>): KeptMap<K, V>
  keepList<V>(kind: string): KeptList<V>
  /** Resolves when every change so far is kept. Answers and webhooks wait for it by themselves. */
  saved(): Promise<void>
  /** A stream of decisions. In a lab that goes on from kept state it differs from start to start: ids must not repeat. */
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
