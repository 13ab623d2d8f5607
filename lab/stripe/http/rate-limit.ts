/** A bucket that refills steadily and holds one second's worth; without a rate nothing is ever too fast. */
export function createRateLimit(requestsPerSecond: number | undefined): () => boolean {
  if (requestsPerSecond === undefined) return () => false
  let tokens = requestsPerSecond
  let filledAtMs = performance.now()
  return () => {
    const nowMs = performance.now()
    tokens = Math.min(requestsPerSecond, tokens + ((nowMs - filledAtMs) / 1_000) * requestsPerSecond)
    filledAtMs = nowMs
    if (tokens < 1) return true
    tokens -= 1
    return false
  }
}
