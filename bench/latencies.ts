/** Latencies from microseconds to minutes, counted in buckets 2 % wide, so that millions need little memory. */
export class Latencies {
  readonly #counts = new Map<number, number>()
  #total = 0

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, 0.001)) / widthLog)
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1)
    this.#total += 1
  }

  /** Upper bound of the bucket that contains this share. */
  quantileMs(share: number): number {
    let left = this.#total * share
    for (const bucket of [...this.#counts.keys()].sort((a, b) => a - b)) {
      left -= this.#counts.get(bucket) ?? 0
      if (left <= 0) return Number(Math.exp(bucket * widthLog).toPrecision(3))
    }
    return Number.NaN
  }

  summary(): { p50Ms: number; p99Ms: number } {
    return { p50Ms: this.quantileMs(0.5), p99Ms: this.quantileMs(0.99) }
  }
}

const widthLog = Math.log(1.02)
