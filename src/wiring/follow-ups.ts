import type { Area } from "../areas/define-area.ts"
import type { NewEvent } from "../canonical/events.ts"
import { workflowFollowUps } from "../durable/follow-ups.ts"
import type { FollowUps } from "../eventlog/event-log.ts"
import { objectChange } from "../operations/objects.ts"
import { noted } from "../orders/entries.ts"

/** What follows from an event, after what the areas declare. */
export function followUpsOf(areas: readonly Area[]): (event: NewEvent) => FollowUps {
  const workflows = areas.flatMap((area) => area.workflows ?? [])
  const workflowsOf = workflowFollowUps(workflows)
  const ownerOf = (name: string) => workflows.find((workflow) => workflow.name === name)?.owner
  const finalStates = Object.assign({}, ...areas.map((area) => area.finalStates)) as NonNullable<Area["finalStates"]>
  return (event) => {
    const object = objectChange(event, { finalStates, ownerOf })
    return { ...workflowsOf(event), ...(object ? { object } : {}), ...noted(event) }
  }
}
