import { useState } from "react"
import { change } from "../../api/client.ts"
import type { Episode, Mode, ModeWithEpisodes } from "../../api/mode-answers.ts"
import { useRight } from "../../api/session.ts"
import { queryClient, useApi } from "../../api/use-api.ts"
import { modeState } from "./state.ts"
import { unwrapped } from "./unwrapped.ts"
import { countText } from "../../format/quantity.ts"
import { lengthText } from "../../format/time.ts"
import { List, type Column } from "../../list/list.tsx"
import { ConfirmDialog, ReasonField } from "../../parts/dialog.tsx"
import { Link } from "../../parts/link.tsx"
import { Facts, Loaded, Page, Section, useIsStale } from "../../parts/page.tsx"
import { Amounts, State, When } from "../../parts/values.tsx"
import { usePart } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.modes
const pathOf = (name: string) => `/v1/modes/${encodeURIComponent(name)}`

/** One mode: what goes on and what waits, what people do, and what came of it before. */
export function ModeScreen() {
  const name = usePart("name")
  const reading = useApi<ModeWithEpisodes>(pathOf(name))
  const isStale = useIsStale(reading)
  const mode = reading.data
  return (
    <Page
      title={name}
      aside={mode && <State shown={modeState(mode)} isBig />}
      reading={reading}
      acts={mode && <Turn mode={mode} isStale={isStale} />}
    >
      <Loaded reading={reading} lines={8}>
        {(one) => (
          <>
            <ModeFacts mode={one} />
            {one.runbooks.map((reader) => (
              <Runbook key={reader} name={name} reader={reader} />
            ))}
            <Section title={t.episodes}>
              {one.episodes.length === 0 ? (
                <p className="dim">{t.neverEntered}</p>
              ) : (
                <List
                  name={t.episodes}
                  rows={one.episodes}
                  columns={columns}
                  keyOf={({ episode }) => String(episode)}
                />
              )}
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  )
}

function ModeFacts({ mode }: { mode: Mode }) {
  const { connection, because, by, since, waiting, accepts, defers, buyersAreTold = {}, perMinute, drainsForMs } = mode
  const pace = perMinute === undefined ? t.asTaken : t.perMinute(perMinute)
  return (
    <Facts
      facts={[
        [
          t.system,
          <Link key="system" to={paths.connection(connection)}>
            {connection}
          </Link>,
        ],
        ...(because === undefined
          ? []
          : ([
              [t.since, <When key="since" at={since} hasZone />],
              [t.because, `${because} (${by ?? ""})`],
            ] as const)),
        [t.goesOn, accepts.join("; ")],
        [t.waits, `${defers.join("; ")}. ${t.now(waiting)}.`],
        [t.pace, drainsForMs === undefined ? pace : `${pace}, ${t.done(lengthText(drainsForMs))}`],
        ...Object.entries(buyersAreTold).map(([language, text]) => [`${t.buyers} (${language})`, text] as const),
        [t.owner, mode.owner],
      ]}
    />
  )
}

const columns: readonly Column<Episode>[] = [
  { head: t.when, cell: ({ awaySince }) => <When at={awaySince} />, onCard: "title" },
  {
    head: t.lasted,
    cell: ({ report }) => (report ? lengthText(report.lastedMs) : <span className="dim">{t.goesOnNow}</span>),
    onCard: "aside",
  },
  { head: t.mostWaiting, cell: ({ mostWaiting }) => countText(mostWaiting), isNumber: true },
  { head: t.orders, cell: ({ report }) => report && countText(report.orders.accepted), isNumber: true },
  { head: t.worth, cell: ({ report }) => report && <Amounts amounts={[...report.orders.money]} />, isNumber: true },
  { head: t.unaccounted, cell: ({ report }) => report && countText(report.orders.unaccounted), isNumber: true },
  {
    head: t.because,
    cell: ({ report, because }) => (report ? t.ordersBecame(report.orders) : because),
    isWide: true,
    onCard: "text",
  },
]

function Runbook({ name, reader }: { name: string; reader: string }) {
  const reading = useApi<{ text?: string; url?: string }>(`${pathOf(name)}/runbooks/${encodeURIComponent(reader)}`)
  return (
    <Section title={`${t.runbooks}: ${t.readers[reader] ?? reader}`}>
      <Loaded reading={reading} lines={6}>
        {({ text, url }) =>
          url === undefined ? (
            <pre className="runbook">{unwrapped(text ?? "")}</pre>
          ) : (
            <p>
              {t.elsewhere}{" "}
              <a href={url} rel="noreferrer">
                {url}
              </a>
            </p>
          )
        }
      </Loaded>
    </Section>
  )
}

/** A mode that a person entered is left by a person. One that Crossdock entered ends by itself, unless a person takes it over. */
function Turn({ mode, isStale }: { mode: Mode; isStale: boolean }) {
  const { name, state } = mode
  const right = useRight("enter and leave modes")
  const [asked, setAsked] = useState<"enter" | "leave">()
  const isOff = !right.isAllowed || isStale
  const verb = state === "entered" && mode.byPerson ? "leave" : "enter"
  if (state === "draining") return null
  return (
    <>
      {isOff && <span className="why-off">{isStale ? en.stale.actsOff : (right.reason ?? en.limits)}</span>}
      <button type="button" className="button" disabled={isOff} onClick={() => setAsked(verb)}>
        {t[verb]}
      </button>
      {asked && <ConfirmTurn mode={mode} verb={asked} key={name} onClose={() => setAsked(undefined)} />}
    </>
  )
}

function ConfirmTurn({ mode, verb, onClose }: { mode: Mode; verb: "enter" | "leave"; onClose: () => void }) {
  const { name, connection } = mode
  const [reason, setReason] = useState("")
  const [title, does] =
    verb === "enter" ? [t.enterTitle(name), t.enterDoes(connection)] : [t.leaveTitle(name), t.leaveDoes(connection)]
  const act = async () => {
    await change("POST", `${pathOf(name)}/${verb}`, { body: { reason: reason.trim() } })
    await queryClient.invalidateQueries()
  }
  return (
    <ConfirmDialog
      title={title}
      does={does}
      confirm={t[verb]}
      isReady={reason.trim() !== ""}
      onConfirm={act}
      onClose={onClose}
    >
      <ReasonField value={reason} onChange={setReason} hint={t.reasonHint} />
    </ConfirmDialog>
  )
}
