import { useRef, useState } from "react"
import { change } from "../../api/client.ts"
import type { Alert, AlertNotice } from "../../api/promise-answers.ts"
import { useRight } from "../../api/session.ts"
import { queryClient, useApi } from "../../api/use-api.ts"
import { alertState } from "../../format/promise.ts"
import { CopyButton } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { ConfirmDialog } from "../../parts/dialog.tsx"
import { Link } from "../../parts/link.tsx"
import { Facts, Loaded, Page, Section, useIsStale } from "../../parts/page.tsx"
import { Amounts, State, When } from "../../parts/values.tsx"
import { usePart } from "../../routes/navigation.ts"
import { en } from "../../texts/en.ts"
import { Runbook } from "../promises/runbook.tsx"
import { SilenceDialog } from "./silence-dialog.tsx"

const t = en.alerts

/** One alert: what is wrong, who was told, what became of each notice. */
export function AlertScreen() {
  const id = usePart("id")
  const reading = useApi<Alert>(`/v1/alerts/${encodeURIComponent(id)}`)
  const isStale = useIsStale(reading)
  return (
    <Page
      title={t.one}
      aside={reading.data && <State shown={alertState(reading.data)} isBig />}
      reading={reading}
      acts={<CopyButton text={location.href} name={en.list.copyLink} />}
    >
      <Loaded reading={reading} lines={8}>
        {(alert) => (
          <>
            <p className="lead">{alert.title}</p>
            <div className="alert-detail">
              {alert.detail.map((line) => (
                <p key={line}>{line}</p>
              ))}
            </div>
            <AlertFacts alert={alert} />
            {alert.state === "open" && <Acts alert={alert} isStale={isStale} />}
            <Notices notices={alert.notices ?? []} />
          </>
        )}
      </Loaded>
    </Page>
  )
}

function AlertFacts({ alert }: { alert: Alert }) {
  const { count, counted, money, owner, severity, since, resolvedAt, held, acknowledged, ifNobodyActs, runbook } = alert
  return (
    <Facts
      facts={[
        [t.figures, `${count} ${counted}`],
        [en.exceptions.atRisk, <Amounts key="money" amounts={money} />],
        [t.since, <When key="since" at={since} hasZone />],
        ...(resolvedAt === undefined ? [] : ([[t.ended, <When key="ended" at={resolvedAt} hasZone />]] as const)),
        [en.exceptions.owner, owner],
        [t.severity, t.severities[severity]],
        ...(held === undefined ? [] : ([[t.held, held]] as const)),
        ...(acknowledged
          ? ([[t.withWhom(acknowledged.by), <When key="known" at={acknowledged.until} />]] as const)
          : []),
        [en.exceptions.ifNobodyActs, ifNobodyActs],
        ...(runbook === undefined ? [] : ([[en.promises.runbook, <Runbook key="runbook" place={runbook} />]] as const)),
      ]}
    />
  )
}

function Acts({ alert, isStale }: { alert: Alert; isStale: boolean }) {
  const right = useRight("acknowledge and silence alerts")
  const [open, setOpen] = useState<"acknowledge" | "silence">()
  const isOff = !right.isAllowed || isStale
  const { subject, path } = alert
  return (
    <div className="group-acts">
      <Link to={path} className="button">
        {t.cause}
      </Link>
      <button type="button" className="button" disabled={isOff} onClick={() => setOpen("acknowledge")}>
        {t.acknowledge}
      </button>
      <button type="button" className="button" disabled={isOff} onClick={() => setOpen("silence")}>
        {t.silence}
      </button>
      {isOff && <span className="why-off">{isStale ? en.stale.actsOff : (right.reason ?? en.limits)}</span>}
      {open === "acknowledge" && <Acknowledge id={alert.id} onClose={() => setOpen(undefined)} />}
      {open === "silence" && (
        <SilenceDialog
          matches={Object.keys(subject).length > 0 ? subject : { key: alert.key }}
          onClose={() => setOpen(undefined)}
        />
      )}
    </div>
  )
}

const hours = [1, 4, 8, 24]

function Acknowledge({ id, onClose }: { id: string; onClose: () => void }) {
  const [length, setLength] = useState("1")
  const key = useRef(crypto.randomUUID())
  const send = async () => {
    const body = { forMinutes: Number(length) * 60 }
    await change("POST", `/v1/alerts/${encodeURIComponent(id)}/acknowledgement`, { body, key: key.current })
    await queryClient.invalidateQueries()
  }
  return (
    <ConfirmDialog
      title={t.acknowledge}
      does={t.acknowledgeDoes}
      confirm={t.acknowledge}
      onConfirm={send}
      onClose={onClose}
    >
      <label className="field">
        <span>{t.minutes}</span>
        <select value={length} onChange={({ target }) => setLength(target.value)}>
          {hours.map((count) => (
            <option key={count} value={count}>
              {t.hours(count)}
            </option>
          ))}
        </select>
      </label>
    </ConfirmDialog>
  )
}

const noticeRoles: Readonly<Record<string, "done" | "waiting" | "stopped">> = {
  sent: "done",
  waiting: "waiting",
  "given up": "stopped",
}
const noticeColumns: readonly Column<AlertNotice>[] = [
  { head: t.notice, cell: ({ kind }) => kind, onCard: "title" },
  { head: t.to, cell: ({ receiver }) => receiver },
  {
    head: en.exceptions.state,
    cell: ({ state }) => <State shown={{ role: noticeRoles[state] ?? "waiting", word: state }} />,
    onCard: "aside",
  },
  { head: t.sent, cell: ({ sentAt }) => <When at={sentAt} /> },
  { head: t.what, cell: ({ error = "" }) => <span className="dim">{error}</span>, isWide: true, onCard: "text" },
]

function Notices({ notices }: { notices: readonly AlertNotice[] }) {
  return (
    <Section title={t.notices}>
      {notices.length === 0 ? (
        <p className="dim">{t.noNotices}</p>
      ) : (
        <List name={t.notices} rows={notices} columns={noticeColumns} keyOf={({ id }) => id} />
      )}
    </Section>
  )
}
