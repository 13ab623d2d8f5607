import { useState } from "react"
import { change } from "../../api/client.ts"
import { useRight } from "../../api/session.ts"
import type { Consumer, ConsumerKey } from "../../api/system-answers.ts"
import type { Page as Items } from "../../api/answers.ts"
import { queryClient, useApi } from "../../api/use-api.ts"
import { CopyButton } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { ConfirmDialog, Dialog } from "../../parts/dialog.tsx"
import { Failed } from "../../parts/failed.tsx"
import { Facts, Loaded, Page, Section } from "../../parts/page.tsx"
import { useAct } from "../../parts/use-act.ts"
import { State, When } from "../../parts/values.tsx"
import { usePart } from "../../routes/navigation.ts"
import { en } from "../../texts/en.ts"

const t = en.admin

/** One consumer of the API: what it may do, and its keys. A key's secret is shown once, when it is made. */
export function ConsumerScreen() {
  const id = usePart("id")
  const reading = useApi<Items<Consumer>>("/v1/consumers", { isSteady: true })
  const consumer = reading.data?.items.find((one) => one.id === id)
  return (
    <Page title={consumer?.name ?? id}>
      <Loaded reading={reading} lines={4}>
        {() => (consumer ? <About consumer={consumer} /> : <p className="dim">{en.failure.notFoundHint}</p>)}
      </Loaded>
      <Keys consumerId={id} />
    </Page>
  )
}

function About({
  consumer: { id, owner, scopes, channels, stores, ratePerSecond, apiVersion, isActive },
}: {
  consumer: Consumer
}) {
  return (
    <Facts
      facts={[
        [
          t.consumer,
          <span key="id" className="code">
            {id}
          </span>,
        ],
        [t.owner, owner],
        [t.scopes, scopes.join(", ")],
        [t.channels, channels?.join(", ") ?? t.all],
        [t.stores, stores?.join(", ") ?? t.all],
        [t.rate, t.rateText(ratePerSecond)],
        [t.version, apiVersion],
        [
          t.state,
          <State
            key="state"
            shown={isActive ? { role: "done", word: t.active } : { role: "stopped", word: t.inactive }}
          />,
        ],
      ]}
    />
  )
}

function Keys({ consumerId }: { consumerId: string }) {
  const path = `/v1/consumers/${encodeURIComponent(consumerId)}/keys`
  const reading = useApi<Items<ConsumerKey>>(path, { isSteady: true })
  const right = useRight("change consumers")
  const [made, setMade] = useState<string>()
  const [revoked, setRevoked] = useState<string>()
  const { error, run } = useAct()
  const make = async () => {
    const { key } = await change<{ key: string }>("POST", path, { body: {} })
    setMade(key)
    await queryClient.invalidateQueries()
  }
  const columns: readonly Column<ConsumerKey>[] = [
    { head: t.key, cell: ({ id }) => <span className="code">{id}</span>, isWide: true, onCard: "title" },
    { head: t.created, cell: ({ createdAt }) => <When at={createdAt} /> },
    { head: t.used, cell: ({ lastUsedAt }) => (lastUsedAt === undefined ? t.never : <When at={lastUsedAt} />) },
    { head: t.expires, cell: ({ expiresAt }) => (expiresAt === undefined ? t.never : <When at={expiresAt} />) },
    {
      head: t.revoke,
      cell: ({ id }) => (
        <button type="button" className="button quiet" disabled={!right.isAllowed} onClick={() => setRevoked(id)}>
          {t.revoke}
        </button>
      ),
      onCard: "aside",
    },
  ]
  return (
    <Section
      title={t.keys}
      aside={
        <button
          type="button"
          className="button"
          disabled={!right.isAllowed}
          title={right.reason}
          onClick={() => void run(make)}
        >
          {t.newKey}
        </button>
      }
    >
      {!right.isAllowed && <p className="why-off">{right.reason ?? en.limits}</p>}
      {error && <Failed error={error} isAct />}
      <Loaded reading={reading} lines={2}>
        {({ items }) => <List name={t.keys} rows={items} columns={columns} keyOf={({ id }) => id} />}
      </Loaded>
      {made !== undefined && (
        <Dialog title={t.newKeyTitle} onClose={() => setMade(undefined)}>
          <p>{t.newKeyOnce}</p>
          <p className="secret code">{made}</p>
          <CopyButton text={made} name={t.copy} />
        </Dialog>
      )}
      {revoked !== undefined && (
        <ConfirmDialog
          title={t.revokeTitle(revoked)}
          does={t.revokeDoes}
          confirm={t.revoke}
          onClose={() => setRevoked(undefined)}
          onConfirm={async () => {
            await change("DELETE", `${path}/${encodeURIComponent(revoked)}`)
            await queryClient.invalidateQueries()
          }}
        />
      )}
    </Section>
  )
}
