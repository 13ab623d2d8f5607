import { letGo, waitingFor } from "../durable/drains.ts"
import { readWaitingByConnection } from "../durable/waiting.ts"
import { modeRoutes } from "../gateway/routes/operations/modes.ts"
import { Modes } from "../operations/modes/modes.ts"
import { ModesPolicyBlock } from "../operations/modes/policies.ts"
import { runbookOf } from "../operations/modes/runbooks.ts"
import type { Reading } from "../operations/modes/standing.ts"
import { repeated } from "../base/time.ts"
import { isStorageAway } from "../base/sql.ts"
import { defineArea, type AreaParts, type Service } from "./define-area.ts"

const everyMs = 10_000

function modesOf({ sql, clock, connections, eventLog }: AreaParts, modes: ModesPolicyBlock): Modes {
  return new Modes({
    sql,
    clock,
    modes,
    append: (event) => eventLog.append(event),
    async letGo(connection, most) {
      for (const one of await waitingFor(sql, connection, most)) await letGo(sql, one, connection)
    },
    setPaused: (connection, pause) => connections.setPaused(connection, pause),
    async readings() {
      const [presences, waiting] = await Promise.all([connections.presences(), readWaitingByConnection(sql)])
      return new Map(
        presences.map(({ connection, isAway, forMs }): [string, Reading] => [
          connection,
          {
            awayForMs: isAway ? forMs : undefined,
            answersForMs: isAway ? undefined : forMs,
            waiting: waiting.get(connection) ?? 0,
          },
        ]),
      )
    },
  })
}

/** Looks at all modes every few seconds. */
function watching(parts: AreaParts, policies: ModesPolicyBlock): Service {
  const { log, readers } = parts
  const modes = modesOf(parts, policies)
  const reader = readers.add({
    name: "modes",
    what: "The watch over the modes",
    meanwhile: "no mode is entered or left by itself, and nobody is told",
    everyMs,
  })
  return repeated(() => reader.pass(() => modes.look()), {
    everyMs,
    onError: (thrown) => isStorageAway(thrown) || log.warn({ err: thrown }, "the modes could not be looked at"),
  })
}

/** What is done while a system is away or slow. */
export const modes = defineArea({
  name: "modes",
  policies: {
    schema: ModesPolicyBlock,
    whenLeftOut: "defaults",
    problems(block: ModesPolicyBlock, { connections }) {
      const names = block.map(({ name }) => name)
      return block.flatMap(({ name, connection }, n) => [
        ...(Object.hasOwn(connections, connection)
          ? []
          : [
              {
                pointer: `/${n}/connection`,
                message: `is no connection; there are ${Object.keys(connections).join(", ")}`,
              },
            ]),
        ...(names.indexOf(name) === n ? [] : [{ pointer: `/${n}/name`, message: `is the name of another mode, too` }]),
      ])
    },
  },
  services: (parts, policies: ModesPolicyBlock = []) => (policies.length === 0 ? [] : [watching(parts, policies)]),
  routes: (parts, policies: ModesPolicyBlock = []) =>
    modeRoutes({
      modes: modesOf(parts, policies),
      runbook: (name, reader) => runbookOf(policies, { name, reader }),
    }),
})
