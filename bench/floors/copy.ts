import type postgres from "postgres"

const pieceSize = 64 * 1024

/** Sends COPY's text and waits until the server has taken it. */
export function sendCopy(
  writable: Awaited<ReturnType<postgres.PendingQuery<never[]>["writable"]>>,
  text: string | Buffer,
): Promise<void> {
  return new Promise((resolve, reject) => {
    writable.once("error", reject)
    writable.once("finish", () => resolve())
    const buffer = Buffer.from(text)
    let at = 0
    const write = () => {
      while (at < buffer.length)
        if (!writable.write(buffer.subarray(at, (at += pieceSize)))) return void writable.once("drain", write)
      writable.end()
    }
    write()
  })
}
