import { jsonBody, startSimulator, type Simulator } from "../../../lab/simulator.ts"

export interface AcmeMessage {
  messageId: string
  reference: string
  to: string
  text: string
}

/** Acme Text as its documentation has it: a message is sent once per reference; numbers begin with +. */
export function startAcmeText(seed: number): Promise<Simulator> {
  const sent = new Map<string, AcmeMessage>()
  return startSimulator({
    name: "acme-text",
    seed,
    routes: (app, { begin }) => {
      app.post("/messages", async (request, reply) => {
        const call = await begin(request, { operation: "sendMessage" })
        const { reference, to, text } = jsonBody(request) as Omit<AcmeMessage, "messageId">
        if (!to.startsWith("+")) return reply.code(422).send({ error: `${to} is no number` })
        const known = sent.get(reference)
        const message = known ?? { messageId: `m-${sent.size + 1}`, reference, to, text }
        call.commit(() => sent.set(reference, message))
        return reply.code(known ? 200 : 201).send(message)
      })
      app.get<{ Querystring: { reference: string } }>("/messages", async (request) => {
        await begin(request, { operation: "findMessages" })
        const found = sent.get(request.query.reference)
        return { messages: found ? [found] : [] }
      })
      return { books: () => ({ messages: [...sent.values()] }), reset: () => sent.clear() }
    },
  })
}
