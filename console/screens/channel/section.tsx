import type { Page as Items } from "../../api/answers.ts"
import type { Channel } from "../../api/channel-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { lengthText } from "../../format/time.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.channels

/** How long changes take to be shown. */
export function freshnessText({ freshness: { p50Ms, p99Ms = 0 } }: Channel): string {
  return p50Ms === undefined ? t.noChange : t.shownWithin(lengthText(p50Ms), lengthText(p99Ms))
}

const statesText = ({ states }: Channel): string =>
  Object.entries(states)
    .map(([state, count]) => t.counted(count, state))
    .join(", ") || t.allRight

const columns: readonly Column<Channel>[] = [
  {
    head: t.channel,
    cell: ({ channel, aspect }) => <Link to={paths.channel(channel, { aspect })}>{channel}</Link>,
    onCard: "title",
  },
  { head: t.aspect, cell: ({ aspect }) => t.aspects[aspect] ?? aspect },
  { head: t.rows, cell: statesText, isWide: true, onCard: "text" },
  { head: t.freshness, cell: freshnessText },
  { head: t.oldest, cell: ({ oldestChangeAt }) => <When at={oldestChangeAt} isShort /> },
  { head: t.connection, cell: ({ connection }) => <Link to={paths.connection(connection)}>{connection}</Link> },
]

/** What channels show, aspect by aspect. */
export function ChannelsSection() {
  const reading = useApi<Items<Channel>>("/v1/channels")
  return (
    <Section title={t.section}>
      <Loaded reading={reading} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">{t.none}</p>
          ) : (
            <List
              name={t.section}
              rows={items}
              columns={columns}
              keyOf={({ channel, aspect }) => `${channel} ${aspect}`}
            />
          )
        }
      </Loaded>
    </Section>
  )
}
