import { useState } from "react"
import { change } from "../../api/client.ts"
import type { Page as Items } from "../../api/answers.ts"
import type { AlertReceiver, Silence } from "../../api/promise-answers.ts"
import { useRight } from "../../api/session.ts"
import { queryClient, useApi } from "../../api/use-api.ts"
import { countText } from "../../format/quantity.ts"
import { List, type Column } from "../../list/list.tsx"
import { Failed } from "../../parts/failed.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { useAct } from "../../parts/use-act.ts"
import { State, When } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"

const t = en.silences

/** What people asked not to be told of. */
export function Silences() {
  const reading = useApi<Items<Silence>>("/v1/silences", { isSteady: true })
  const right = useRight("acknowledge and silence alerts")
  const { error, run } = useAct()
  const end = async (id: string) => {
    await change("POST", `/v1/silences/${encodeURIComponent(id)}/end`)
    await queryClient.invalidateQueries()
  }
  const columns: readonly Column<Silence>[] = [
    {
      head: t.of,
      cell: ({ matches }) =>
        Object.entries(matches)
          .map(([name, value]) => `${name} ${value}`)
          .join(", "),
      onCard: "title",
    },
    { head: t.why, cell: ({ reason }) => reason, isWide: true, onCard: "text" },
    { head: t.by, cell: ({ by }) => by },
    { head: t.until, cell: ({ endsAt, endedAt }) => <When at={endedAt ?? endsAt} isShort /> },
    { head: t.heldBack, cell: ({ heldBack }) => countText(heldBack), isNumber: true },
    {
      head: en.exceptions.state,
      cell: ({ id, state }) =>
        state === "live" ? (
          <button
            type="button"
            className="button quiet"
            disabled={!right.isAllowed}
            onClick={() => void run(() => end(id))}
          >
            {t.end}
          </button>
        ) : (
          <State shown={{ role: "done", word: t.ended }} />
        ),
      onCard: "aside",
    },
  ]
  return (
    <Section title={t.title}>
      {error && <Failed error={error} isAct />}
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

/** Ways to people, and whether they take what is sent. */
export function Receivers() {
  const reading = useApi<Items<AlertReceiver>>("/v1/alert-receivers", { isSteady: true })
  const right = useRight("test alerts")
  const [said, setSaid] = useState<string>()
  const { error, run } = useAct()
  const test = async (receiver: string) => {
    setSaid(undefined)
    const key = crypto.randomUUID()
    const result = await change<{ isTaken: boolean; error?: string }>("POST", "/v1/alerts/test", {
      body: { receiver },
      key,
    })
    setSaid(result.isTaken ? t.taken(receiver) : t.notTaken(receiver, result.error ?? ""))
  }
  const columns: readonly Column<AlertReceiver>[] = [
    { head: t.receiver, cell: ({ name }) => name, onCard: "title" },
    { head: en.alerts.notice, cell: ({ kind }) => kind },
    { head: t.tells, cell: ({ tells }) => tells.join("; "), isWide: true },
    { head: t.waiting, cell: ({ waiting }) => countText(waiting), isNumber: true },
    { head: t.lastSent, cell: ({ sentAt }) => (sentAt === undefined ? t.never : <When at={sentAt} isShort />) },
    { head: en.exceptions.state, cell: (one) => <State shown={receiverState(one)} /> },
    {
      head: t.test,
      cell: ({ name }) => (
        <button
          type="button"
          className="button quiet"
          disabled={!right.isAllowed}
          onClick={() => void run(() => test(name))}
        >
          {t.test}
        </button>
      ),
      onCard: "aside",
    },
  ]
  return (
    <Section title={t.receivers}>
      {error && <Failed error={error} isAct />}
      {said !== undefined && <p role="status">{said}</p>}
      <Loaded reading={reading} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">{t.noReceivers}</p>
          ) : (
            <List name={t.receivers} rows={items} columns={columns} keyOf={({ name }) => name} />
          )
        }
      </Loaded>
    </Section>
  )
}

function receiverState({ failingSince, lastError = "", sentAt }: AlertReceiver) {
  if (failingSince !== undefined) return { role: "stopped", word: t.fails(lastError) } as const
  return sentAt === undefined
    ? ({ role: "waiting", word: t.untried } as const)
    : ({ role: "done", word: t.works } as const)
}
