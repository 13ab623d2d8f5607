type Handler = (request: never) => Promise<unknown>

/** Handles the benchmark's requests, chosen by the `do` of the message, one at a time, until the benchmark ends. */
export function answerParent(handlers: Record<string, Handler>): void {
  process.on("message", (request: { do: string }) => {
    const handler = handlers[request.do]
    const work = handler ? handler(request as never) : Promise.reject(new Error(`no answer to "${request.do}"`))
    work.then(
      (answer) => process.send?.({ answer }),
      (thrown: unknown) =>
        process.send?.({ error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) }),
    )
  })
  for (const event of ["disconnect", "SIGTERM", "SIGINT"]) process.on(event, () => process.exit(0))
}
