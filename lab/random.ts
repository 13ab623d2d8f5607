/** A seeded stream of decisions: the same seed and purpose always give the same sequence. */
export type Random = {
  /** In [0, 1). */
  next(): number
  /** A whole number from min to max, both included. */
  integer(min: number, max: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
  /** A 32-bit number, for ids. */
  bits(): number
}

/**
 * One stream per purpose, so that a change in how one thing is decided (or the order in which concurrent
 * requests arrive at another) leaves every other stream as it was.
 */
export function randomStream(seed: number, purpose: string): Random {
  let state = hashText(`${seed}:${purpose}`)
  const bits = (): number => {
    state = (state + 0x9e3779b9) | 0
    return mix(state)
  }
  const next = (): number => bits() / 2 ** 32
  return {
    bits,
    next,
    integer: (min, max) => min + Math.floor(next() * (max - min + 1)),
    chance: (probability) => probability > 0 && next() < probability,
    pick: <T>(items: readonly T[]): T => {
      const item = items[Math.floor(next() * items.length)]
      if (item === undefined) throw new Error(`nothing to pick from for ${purpose}`)
      return item
    },
  }
}

/** FNV-1a over the text, finished by the same mixer as the streams; for decisions keyed by an identity. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mix(hash)
}

// Constants: "lowbias32" of Chris Wellons' hash-prospector, a 32-bit mixer of measured low bias.
function mix(value: number): number {
  let z = value
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return (z ^ (z >>> 15)) >>> 0
}
