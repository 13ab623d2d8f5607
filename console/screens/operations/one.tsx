import type { Operation, OperationMember } from "../../api/work-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { operationName, operationState } from "../../format/operation.ts"
import { countText } from "../../format/quantity.ts"
import { outcomeState } from "../../format/roles.ts"
import { CopyButton, ListFoot } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { useList } from "../../list/use-list.ts"
import { Link } from "../../parts/link.tsx"
import { Facts, Loaded, Page, Section, useIsStale } from "../../parts/page.tsx"
import { Amounts, Exactly, State, When } from "../../parts/values.tsx"
import { usePart } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { OperationActs } from "./acts.tsx"

const t = en.operations
const memberShape = { keyOf: ({ member }: OperationMember) => member, afterOf: ({ n }: OperationMember) => n }
const noFilter = {}

/** One operation: what it would do or has done, to what, for how much, and who asked and approved. */
export function OperationScreen() {
  const path = `/v1/operations/${encodeURIComponent(usePart("id"))}`
  const reading = useApi<Operation>(path)
  const members = useList<OperationMember>(`${path}/members`, noFilter, memberShape)
  const isStale = useIsStale(reading)
  const one = reading.data
  return (
    <Page
      title={one ? operationName(one) : t.title}
      aside={one && <State shown={operationState(one.state)} isBig />}
      reading={reading}
      acts={<CopyButton text={location.href} name={en.list.copyLink} />}
    >
      <Loaded reading={reading} lines={10}>
        {(operation) => (
          <>
            <p className="lead">{operation.reason}</p>
            {operation.says.length > 0 && (
              <ul className="says">
                {operation.says.map((sentence) => (
                  <li key={sentence}>{sentence}</li>
                ))}
              </ul>
            )}
            <Differences operation={operation} />
            <OperationFacts operation={operation} />
            <OperationActs operation={operation} isStale={isStale} />
            <div className="halves">
              <Section title={t.members(operation.total)}>
                <Loaded reading={members.reading} lines={6}>
                  {() => (
                    <>
                      <List
                        name={t.title}
                        rows={members.rows}
                        columns={memberColumns}
                        keyOf={memberShape.keyOf}
                        hasKeys
                      />
                      <ListFoot list={members} />
                    </>
                  )}
                </Loaded>
              </Section>
              {operation.refused.length > 0 && (
                <Section title={t.refused(operation.refused.length)}>
                  <List name={t.title} rows={operation.refused} columns={refusedColumns} keyOf={({ id }) => id} />
                </Section>
              )}
            </div>
          </>
        )}
      </Loaded>
    </Page>
  )
}

const memberColumns: readonly Column<OperationMember>[] = [
  {
    head: en.exceptions.what,
    cell: ({ member, about, reason }) => (
      <Link to={pathOf(member)} title={about}>
        {reason === null ? about : `${about} (${reason})`}
      </Link>
    ),
    isWide: true,
    onCard: "title",
  },
  {
    head: en.flows.outcome,
    cell: ({ outcome }) => (outcome === null ? "–" : <State shown={outcomeState(outcome)} />),
    onCard: "aside",
  },
]

const refusedColumns: readonly Column<Operation["refused"][number]>[] = [
  { head: t.object, cell: ({ id }) => <Link to={pathOf(id)}>{id}</Link>, onCard: "title" },
  { head: t.why, cell: ({ why }) => <span title={why}>{why}</span>, isWide: true, onCard: "text" },
]

function OperationFacts({ operation }: { operation: Operation }) {
  const { total, done, skipped, failed, atRisk, requestedBy, requestedAt, approvedBy, needsApproval } = operation
  const { endsAt, endedAt, endedWhy, expiresAt, state, spec } = operation
  return (
    <>
      {(state === "running" || state === "paused") && (
        <progress max={total} value={done + skipped + failed} aria-label={t.progress} />
      )}
      <Facts
        facts={[
          [t.total, countText(total)],
          [t.done, countText(done)],
          [t.skipped, countText(skipped)],
          [t.failed, countText(failed)],
          [en.exceptions.atRisk, <Amounts key="risk" amounts={atRisk} />],
          [
            t.by,
            <span key="by">
              {requestedBy}{" "}
              <span className="dim">
                <Exactly at={requestedAt} />
              </span>
            </span>,
          ],
          ...(needsApproval === undefined ? [] : ([[t.needsApproval, needsApproval]] as const)),
          ...(approvedBy === undefined ? [] : ([[t.approvedBy, approvedBy]] as const)),
          ...(state === "previewed" ? ([[t.expires, <When key="expires" at={expiresAt} />]] as const) : []),
          ...(state === "previewed" || state === "waiting for approval" || state === "paused"
            ? ([[en.plan.lasts, en.plan.seconds(operation.lastsSeconds)]] as const)
            : []),
          ...(endsAt === undefined ? [] : ([[t.endsAt, <When key="ends" at={endsAt} />]] as const)),
          ...(endedAt === undefined ? [] : ([[t.ended, <When key="ended" at={endedAt} />]] as const)),
          ...(endedWhy === undefined ? [] : ([[t.endedWhy, endedWhy]] as const)),
          ...(spec.group === undefined
            ? []
            : ([
                [
                  t.group,
                  <Link key="group" to={paths.group(spec.group)}>
                    {t.groupOpen}
                  </Link>,
                ],
              ] as const)),
        ]}
      />
    </>
  )
}

/** A member is a case, an order, or any other object. */
function pathOf(member: string): string {
  if (member.startsWith("ord_") && !member.includes(":")) return paths.order(member)
  return member.includes("/") ? paths.object(member) : paths.exception(member)
}

/** What stands where, and what shall stand there. */
function Differences({ operation: { difference = [] } }: { operation: Operation }) {
  if (difference.length === 0) return null
  return (
    <Section title={en.plan.difference}>
      <Facts
        facts={difference.flatMap(({ at, before, after }) => [
          [en.plan.where, <code key="at">{at}</code>] as const,
          [en.plan.before, <code key="before">{before ?? en.plan.goneBefore}</code>] as const,
          [en.plan.after, <code key="after">{after}</code>] as const,
        ])}
      />
    </Section>
  )
}
