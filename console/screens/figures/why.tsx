import type { Flow, Why } from "../../api/figure-answers.ts"
import { apiPath } from "../../api/client.ts"
import { useApi } from "../../api/use-api.ts"
import { countText } from "../../format/quantity.ts"
import { Choice, Filters } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { StateIcon } from "../../parts/icon.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { State } from "../../parts/values.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { counted } from "../../texts/counted.ts"
import { en } from "../../texts/en.ts"
import { OrdersByHour } from "./orders-by-hour.tsx"

const t = en.figures
const hoursDefault = "3"
const hourMs = 3_600_000

const whole = (value: number) => countText(Math.round(value))
const flowText = ({ now, expected, is }: Flow) =>
  is === "not enough data" ? whole(now) : t.flow(whole(now), whole(expected))
const shownOf = ({ is }: Flow) =>
  ({ role: is === "low" ? "risk" : is === "not enough data" ? "waiting" : "done", word: is }) as const

type Channel = Why["channels"][number]
const columns: readonly Column<Channel>[] = [
  { head: t.channel, cell: ({ channel }) => channel, onCard: "title" },
  { head: t.placed, cell: ({ placed }) => flowText(placed), isNumber: true },
  { head: t.left, cell: ({ left }) => flowText(left), isNumber: true },
  { head: en.exceptions.state, cell: ({ placed }) => <State shown={shownOf(placed)} />, isWide: true, onCard: "aside" },
]

/** "Why is revenue down?": causes ranked by how much each explains, and where to look next. */
export function WhyScreen() {
  const { hours = hoursDefault } = useFilters()
  const go = useGo()
  // To the minute, so that the address stays the same while nothing else changes.
  const minute = Math.floor(Date.now() / 60_000) * 60_000
  const from = new Date(minute - Number(hours) * hourMs).toISOString()
  const reading = useApi<Why>(apiPath("/v1/why", { from }))
  return (
    <Page title={t.why} reading={reading}>
      <Filters>
        <Choice
          name={t.span}
          value={hours}
          choices={Object.entries(t.spans)}
          isAlwaysSet
          onChange={(value) => go(paths.why({ hours: value === hoursDefault ? undefined : value }))}
        />
      </Filters>
      <Loaded reading={reading} lines={10}>
        {(why) => <Answer why={why} />}
      </Loaded>
    </Page>
  )
}

function Answer({ why }: { why: Why }) {
  const { verdict, missing, stuck, weeks, suspects } = why
  const role = verdict === "down" ? "risk" : verdict === "as usual" ? "done" : "waiting"
  const isKnown = verdict !== "not enough data"
  return (
    <>
      <div className={`headline ${role}`}>
        <StateIcon role={role} />
        <div>
          <p className="headline-title">{t.verdicts[verdict]}</p>
          <p>
            {isKnown
              ? t.counted(whole(missing), whole(stuck), weeks)
              : t.unknown(counted(weeks, "earlier week is", "earlier weeks are"))}
          </p>
        </div>
      </div>
      <Section title={isKnown ? t.causes : t.wrong}>
        {suspects.length === 0 ? (
          <p className="dim">{t.noCause}</p>
        ) : (
          <ol className="suspects">
            {suspects.map((one) => (
              <Suspect key={one.cause} suspect={one} isWeighed={isKnown} />
            ))}
          </ol>
        )}
      </Section>
      <Section title={t.ordersByHour}>
        <OrdersByHour hours={why.hours} />
      </Section>
      <Section title={t.channels}>
        {why.channels.length === 0 ? (
          <p className="dim">{t.noOrders}</p>
        ) : (
          <List name={t.channels} rows={why.channels} columns={columns} keyOf={({ channel }) => channel} />
        )}
      </Section>
    </>
  )
}

/** Nothing is said of how much a cause explains where nobody knows what is missing. */
function Suspect({ suspect, isWeighed }: { suspect: Why["suspects"][number]; isWeighed: boolean }) {
  const { cause, orders, share, evidence, look } = suspect
  return (
    <li>
      <h3>
        {cause}{" "}
        {isWeighed && (
          <span className="dim">{t.explains(counted(Math.round(orders), "order", "orders"), whole(share * 100))}</span>
        )}
      </h3>
      <ul>
        {evidence.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {look.length > 0 && (
        <p>
          {t.lookAt}{" "}
          {look.slice(0, 5).map(({ at, id = "" }) => (
            <LookLink key={`${at} ${id}`} at={at} id={id} />
          ))}
        </p>
      )}
    </li>
  )
}

function LookLink({ at, id }: { at: string; id: string }) {
  if (at === "connection") return <Link to={paths.connection(id)}>{id}</Link>
  if (at === "group") return <Link to={paths.group(id)}>{t.lookGroup}</Link>
  if (at === "orders") return <Link to={paths.orders({ state: id })}>{t.lookReleased}</Link>
  return <Link to={paths.orders({ channel: id })}>{id}</Link>
}
