import type { Exception, ExceptionGroup } from "../../api/answers.ts"
import type { RuledGroup } from "../../api/work-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { becauseText, groupState } from "../../format/group.ts"
import { countText } from "../../format/quantity.ts"
import { CopyButton, ListFoot, NewRows } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { useList } from "../../list/use-list.ts"
import { Link } from "../../parts/link.tsx"
import { useNow } from "../../parts/now.ts"
import { Facts, Loaded, Page, Section, useIsStale } from "../../parts/page.tsx"
import { Amount, Amounts, Exactly, State, When } from "../../parts/values.tsx"
import { usePart } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { GroupAlert } from "../alerts/of-group.tsx"
import { GroupActs } from "./acts.tsx"
import { GroupRules } from "./rules.tsx"

const t = en.groups

/** One cause: what it costs and when, what its cases share, what people did with it, and its cases. */
export function GroupScreen() {
  const id = usePart("id")
  const reading = useApi<RuledGroup>(`/v1/exception-groups/${encodeURIComponent(id)}`)
  const isStale = useIsStale(reading)
  const nowMs = useNow()
  const group = reading.data
  return (
    <Page
      title={group ? group.cause.charAt(0).toUpperCase() + group.cause.slice(1) : en.exceptions.title}
      aside={group && <State shown={groupState(group, nowMs)} isBig />}
      reading={reading}
      acts={<CopyButton text={location.href} name={en.list.copyLink} />}
    >
      <Loaded reading={reading} lines={10}>
        {(found) => (
          <>
            <p className="lead">{found.summary}</p>
            <GroupAlert group={id} />
            <GroupFacts group={found} />
            <GroupActs group={found} isStale={isStale} />
            <div className="halves">
              <Members id={id} />
              <div>
                <GroupRules group={found} />
                <History group={found} />
              </div>
            </div>
          </>
        )}
      </Loaded>
    </Page>
  )
}

function GroupFacts({ group }: { group: ExceptionGroup }) {
  const { atRisk, open, orders, dueAt, dueWhat, firstAt, lastAt, owner, assignee, score, because, acknowledged } = group
  const { ifNobodyActs, snoozedUntil } = group
  const shared = becauseText(because)
  return (
    <Facts
      facts={[
        [en.exceptions.atRisk, <Amounts key="risk" amounts={atRisk} />],
        [t.cases, countText(open)],
        [t.orders, countText(orders)],
        ...(dueAt === undefined
          ? []
          : ([
              [
                t.clock,
                <span key="due">
                  <When at={dueAt} hasZone /> {dueWhat !== undefined && <span className="dim">{dueWhat}</span>}
                </span>,
              ],
            ] as const)),
        [en.exceptions.ifNobodyActs, ifNobodyActs],
        [en.exceptions.owner, owner],
        [t.assignee, assignee ?? <span className="dim">{t.nobody}</span>],
        ...(acknowledged
          ? ([[t.acknowledgedBy(acknowledged.by), <When key="known" at={acknowledged.until} />]] as const)
          : []),
        ...(snoozedUntil === undefined ? [] : ([[t.states.snoozed, <When key="later" at={snoozedUntil} />]] as const)),
        [t.first, <When key="first" at={firstAt} />],
        [t.last, <When key="last" at={lastAt} />],
        ...(shared === ""
          ? []
          : ([
              [
                t.groupedBecause,
                <span key="because" className="code">
                  {shared}
                </span>,
              ],
            ] as const)),
        [t.score, `${countText(score.total)} = ${t.scoreText(score.money, score.urgency, score.orders)}`],
      ]}
    />
  )
}

const caseKey = ({ id }: Exception) => id
const memberColumns: readonly Column<Exception>[] = [
  {
    head: en.exceptions.what,
    cell: ({ id, summary }) => (
      <Link to={paths.exception(id)} title={summary}>
        {summary}
      </Link>
    ),
    isWide: true,
    onCard: "title",
  },
  { head: en.exceptions.atRisk, cell: ({ atRisk }) => <Amount money={atRisk} />, isNumber: true },
  { head: en.exceptions.since, cell: ({ openedAt }) => <When at={openedAt} isShort /> },
]

function Members({ id }: { id: string }) {
  const list = useList<Exception>("/v1/exceptions", { group: id, state: "open" }, { keyOf: caseKey })
  return (
    <Section title={t.members} aside={<NewRows count={list.newCount} onShow={list.showNew} />}>
      <Loaded reading={list.reading} lines={6}>
        {() => (
          <>
            <List
              name={t.members}
              rows={list.rows}
              columns={memberColumns}
              keyOf={caseKey}
              goneKeys={list.goneKeys}
              hasKeys
            />
            <ListFoot list={list} />
          </>
        )}
      </Loaded>
    </Section>
  )
}

function History({ group: { history = [] } }: { group: ExceptionGroup }) {
  return (
    <Section title={t.history}>
      {history.length === 0 ? (
        <p className="dim">{t.noHistory}</p>
      ) : (
        <ol className="history">
          {history.map(({ at, by, act, text }) => (
            <li key={`${at} ${act}`}>
              <span>
                <strong>{by}</strong> {act}
              </span>
              <span className="dim">
                <Exactly at={at} />
              </span>
              {text !== "" && <p>{text}</p>}
            </li>
          ))}
        </ol>
      )}
    </Section>
  )
}
