import { useState } from "react"
import { change } from "../../api/client.ts"
import { useRight } from "../../api/session.ts"
import type { Connection, Kpis } from "../../api/system-answers.ts"
import { queryClient, useApi } from "../../api/use-api.ts"
import { connectionState, lastHeard } from "../../format/connection.ts"
import { lengthText } from "../../format/time.ts"
import { countText } from "../../format/quantity.ts"
import { List } from "../../list/list.tsx"
import { ConfirmDialog, ReasonField } from "../../parts/dialog.tsx"
import { Link } from "../../parts/link.tsx"
import { Facts, Loaded, Page, Section, useIsStale } from "../../parts/page.tsx"
import { State, When } from "../../parts/values.tsx"
import { usePart } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { Calls } from "../flows/calls.tsx"
import { readerColumns } from "./readers.tsx"

const t = en.connections

/** One system: where it stands, who reads from it, and the switch that stops calling it. */
export function ConnectionScreen() {
  const id = usePart("id")
  const reading = useApi<Connection>(`/v1/connections/${encodeURIComponent(id)}`)
  const kpis = useApi<Kpis>("/v1/kpis")
  const isStale = useIsStale(reading)
  const one = reading.data
  return (
    <Page
      title={id}
      aside={one && <State shown={connectionState(one)} isBig />}
      reading={reading}
      acts={one && <Switch connection={one} isStale={isStale} />}
    >
      <Loaded reading={reading} lines={8}>
        {(connection) => (
          <>
            <ConnectionFacts connection={connection} />
            <Section title={t.readers}>
              <List name={t.readers} rows={connection.readers} columns={readerColumns} keyOf={({ name }) => name} />
            </Section>
            <Section
              title={t.calls}
              aside={<Link to={paths.flows({ connection: id, outcome: "unknown" })}>{t.allEffects}</Link>}
            >
              <Loaded reading={kpis} lines={2}>
                {({ effects }) => <Calls effects={effects.filter(({ connection: its }) => its === id)} />}
              </Loaded>
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  )
}

function ConnectionFacts({ connection }: { connection: Connection }) {
  const { connector, apiVersion, capabilities, connectedAt, isPaused, pausedBy, reason, lastError, retryInMs } =
    connection
  return (
    <Facts
      facts={[
        [t.system, `${connector} ${apiVersion}`],
        [t.heard, <When key="heard" at={lastHeard(connection)} hasZone />],
        [t.since, <When key="since" at={connectedAt} />],
        [t.underWay, String(connection.callsUnderWay)],
        [t.waiting, String(connection.callsWaiting)],
        [t.objectsWaiting, countText(connection.objectsWaiting)],
        ...(connection.drainEndsAt === undefined
          ? []
          : ([[t.drainEnds, <When key="drained" at={connection.drainEndsAt} />]] as const)),
        ...(isPaused ? ([[t.pausedBy(pausedBy ?? ""), reason ?? ""]] as const) : []),
        ...(connection.breaker !== "closed" && lastError !== undefined
          ? ([[t.lastError, `${lastError}${retryInMs > 0 ? ` (${t.retryIn(lengthText(retryInMs))})` : ""}`]] as const)
          : []),
        [t.can, capabilities.map((name) => name.replaceAll(/[A-Z]/g, (one) => ` ${one.toLowerCase()}`)).join(", ")],
      ]}
    />
  )
}

function Switch({ connection: { id, isPaused }, isStale }: { connection: Connection; isStale: boolean }) {
  const right = useRight("pause and resume connections")
  const [asked, setAsked] = useState<"pause" | "resume">()
  const isOff = !right.isAllowed || isStale
  return (
    <>
      {isOff && <span className="why-off">{isStale ? en.stale.actsOff : (right.reason ?? en.limits)}</span>}
      <button
        type="button"
        className={isPaused ? "button primary" : "button"}
        disabled={isOff}
        onClick={() => setAsked(isPaused ? "resume" : "pause")}
      >
        {isPaused ? t.resume : t.pause}
      </button>
      {asked && <ConfirmSwitch id={id} verb={asked} onClose={() => setAsked(undefined)} />}
    </>
  )
}

/** It keeps asking what it was opened for, whoever switches the connection meanwhile. */
function ConfirmSwitch({ id, verb, onClose }: { id: string; verb: "pause" | "resume"; onClose: () => void }) {
  const [reason, setReason] = useState("")
  const [title, does] = verb === "resume" ? [t.resumeTitle(id), t.resumeDoes] : [t.pauseTitle(id), t.pauseDoes]
  const act = async () => {
    await change("POST", `/v1/connections/${encodeURIComponent(id)}/${verb}`, { body: reason === "" ? {} : { reason } })
    await queryClient.invalidateQueries()
  }
  return (
    <ConfirmDialog
      title={title}
      does={does}
      confirm={t[verb]}
      isReady={verb === "resume" || reason.trim() !== ""}
      onConfirm={act}
      onClose={onClose}
    >
      <ReasonField value={reason} onChange={setReason} hint={t.reasonHint} />
    </ConfirmDialog>
  )
}
