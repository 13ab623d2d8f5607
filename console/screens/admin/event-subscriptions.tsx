import { useState } from "react"
import { change, ApiError } from "../../api/client.ts"
import type { Page as Items } from "../../api/answers.ts"
import type { EventSubscription } from "../../api/system-answers.ts"
import { useRight } from "../../api/session.ts"
import { queryClient, useApi } from "../../api/use-api.ts"
import { countText } from "../../format/quantity.ts"
import { List, type Column } from "../../list/list.tsx"
import { Failed } from "../../parts/failed.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { useAct } from "../../parts/use-act.ts"
import { State, When } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"

const t = en.eventSubscriptions

/** Other teams' systems that events are sent to. */
export function EventSubscriptions() {
  const reading = useApi<Items<EventSubscription>>("/v1/subscriptions", { isSteady: true })
  const right = useRight("send events to other systems")
  const [said, setSaid] = useState<string>()
  const { error, run } = useAct()
  const act = async (id: string, name: "pause" | "resume") => {
    setSaid(undefined)
    await change("POST", `/v1/subscriptions/${id}/${name}`)
    await queryClient.invalidateQueries()
  }
  const test = async (id: string) => {
    setSaid(undefined)
    const result = await change<{ isTaken: boolean; error?: string }>("POST", `/v1/subscriptions/${id}/test`)
    setSaid(result.isTaken ? t.taken(id) : t.notTaken(id, result.error ?? ""))
  }
  const columns: readonly Column<EventSubscription>[] = [
    { head: t.subscription, cell: ({ id, description }) => <span title={description}>{id}</span>, onCard: "title" },
    { head: t.to, cell: ({ url }) => new URL(url).host },
    { head: t.types, cell: ({ types }) => (types.length === 0 ? t.all : types.join(", ")) },
    { head: t.sent, cell: ({ sent }) => countText(sent), isNumber: true },
    {
      head: t.lastSent,
      cell: ({ lastSentAt }) => (lastSentAt === undefined ? t.never : <When at={lastSentAt} isShort />),
    },
    { head: t.refused, cell: ({ waitingKeys }) => countText(waitingKeys), isNumber: true },
    { head: en.exceptions.state, cell: (one) => <State shown={stateOf(one)} /> },
    { head: t.why, cell: ({ why, lastError }) => why ?? lastError ?? "", isWide: true, onCard: "text" },
    {
      head: t.acts,
      cell: ({ id, state }) => {
        const next = state === "active" ? "pause" : "resume"
        return (
          <>
            <ActButton name={t[next]} right={right} onClick={() => void run(() => act(id, next))} />
            <ActButton name={t.test} right={right} onClick={() => void run(() => test(id))} />
          </>
        )
      },
      onCard: "aside",
    },
  ]
  // An estate without the policy has no such routes.
  if (reading.error instanceof ApiError && reading.error.status === 404) return null
  return (
    <Section title={t.title}>
      {error && <Failed error={error} isAct />}
      {said !== undefined && <p role="status">{said}</p>}
      <Loaded reading={reading} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">{t.none}</p>
          ) : (
            <List name={t.title} rows={items} columns={columns} keyOf={({ id }) => id} />
          )
        }
      </Loaded>
    </Section>
  )
}

function ActButton({ name, right, onClick }: { name: string; right: { isAllowed: boolean }; onClick: () => void }) {
  return (
    <button type="button" className="button quiet" disabled={!right.isAllowed} onClick={onClick}>
      {name}
    </button>
  )
}

function stateOf({ state, failingSince }: EventSubscription) {
  if (state === "active" && failingSince === undefined) return { role: "done", word: t.active } as const
  if (state === "paused") return { role: "waiting", word: t.paused } as const
  return { role: "stopped", word: state === "active" ? t.fails : t.stopped } as const
}
