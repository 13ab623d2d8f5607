import { aboutOf, mentionsOf, type EventData, type EventName, type NewEvent } from "../canonical/events.ts"
import { parseRef, type Ref } from "../canonical/refs.ts"
import type { FollowUps } from "../eventlog/event-log.ts"
import type { AnyWorkflow } from "./define-workflow.ts"

/**
 * Returns the workflows that an event starts and those it is a signal for: the instance of each object of a workflow's kind
 * that the event is about or mentions. A decision on an exception reaches only the workflow that raised it.
 */
export function workflowFollowUps(workflows: readonly AnyWorkflow[]): (event: NewEvent) => FollowUps {
  const byType = new Map<EventName, { workflow: AnyWorkflow; starts: boolean; hears: boolean }[]>()
  for (const workflow of workflows)
    for (const type of new Set<EventName>([workflow.startsOn, ...workflow.hears])) {
      const entry = { workflow, starts: workflow.startsOn === type, hears: workflow.hears.includes(type) }
      byType.set(type, [...(byType.get(type) ?? []), entry])
    }
  return (event) => {
    const follow: FollowUps = { starts: [], signals: [] }
    // The engine itself hears it, whatever the workflow hears.
    if (event.type === "workflow.retried" || event.type === "effect.linked") {
      const { workflow, about } = event.data as EventData<"workflow.retried" | "effect.linked">
      if (workflows.some(({ name }) => name === workflow)) follow.signals.push({ workflow, about })
      return follow
    }
    const listeners = byType.get(event.type) ?? []
    const named = listeners.length > 0 ? [...new Set([aboutOf(event), ...mentionsOf(event)])] : []
    for (const { workflow, starts, hears } of listeners) {
      if (event.type === "exception.decided" && !isForWorkflow(event as NewEvent<"exception.decided">, workflow))
        continue
      for (const about of ofKind(named, workflow.about)) {
        const { name } = workflow
        if (starts) follow.starts.push({ workflow: name, about, promisedAt: workflow.promisedAt(event.data) })
        if (hears) follow.signals.push({ workflow: name, about })
      }
    }
    return follow
  }
}

function isForWorkflow({ data }: { data: EventData<"exception.decided"> }, { name }: AnyWorkflow): boolean {
  return data.workflow === name
}

function ofKind(named: readonly Ref[], kind: string): Ref[] {
  return named.filter((one) => parseRef(one)?.kind === kind)
}
