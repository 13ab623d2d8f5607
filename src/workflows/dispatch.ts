import type { EventData, EventName } from "../canonical/events.ts"
import type { EffectLedger, NewSignal, StartInstance } from "../effects/ledger.ts"
import type { StoredEvent } from "../eventlog/event-log.ts"
import type { Subscriber } from "../eventlog/subscriptions.ts"
import type { AnyWorkflow } from "./define-workflow.ts"
import type { Restate } from "./service.ts"

/**
 * The subscription that turns events into work: starts instances, keeps late facts as signals, and asks Restate to advance
 * all of them in one wave.
 * Repeats change nothing: instances and signals are unique, and an extra advance finds nothing to do.
 * When the database or Restate is away the batch fails as a whole and comes again.
 */
export function dispatchSubscriber(
  workflows: readonly AnyWorkflow[],
  ledger: EffectLedger,
  restate: Restate,
): Subscriber {
  const types = new Set<EventName>(
    workflows.flatMap((workflow) => [workflow.startsOn, ...workflow.signals, ...workflow.interrupts]),
  )
  return {
    name: "dispatch",
    types: [...types],
    batchSizeMax: 500,
    async handle(events) {
      const starts: StartInstance[] = []
      const signals: NewSignal[] = []
      const touched = new Map<string, Set<string>>()
      for (const event of events)
        for (const workflow of workflows) {
          const key = instanceKey(workflow, event)
          if (key === undefined) continue
          if (event.type === workflow.startsOn) starts.push(startOf(workflow, event, key))
          else signals.push(signalOf(workflow, event, key))
          touched.set(workflow.name, (touched.get(workflow.name) ?? new Set()).add(key))
        }
      await ledger.start(starts)
      await ledger.signal(signals)
      await Promise.all([...touched].map(([workflow, keys]) => restate.advance(workflow, [...keys])))
      return []
    },
  }
}

function instanceKey(workflow: AnyWorkflow, event: StoredEvent): string | undefined {
  const isHeard =
    event.type === workflow.startsOn ||
    workflow.signals.includes(event.type) ||
    workflow.interrupts.includes(event.type)
  if (!isHeard) return undefined
  if (event.type === workflow.startsOn) return workflow.key(event.data as never)
  return (event.data as Partial<EventData<"exception.decided">>).orderId
}

function startOf(workflow: AnyWorkflow, event: StoredEvent, key: string): StartInstance {
  return {
    workflow: workflow.name,
    key,
    input: event.data,
    correlation: event.correlation,
    traceparent: event.traceparent ?? null,
    promised_at: workflow.promisedAt(event.data as never),
  }
}

function signalOf(workflow: AnyWorkflow, event: StoredEvent, key: string): NewSignal {
  const { fact, type, data, time, position } = event
  return { workflow: workflow.name, key, fact, name: type, data, at: time, xid: position.xid, seq: position.seq }
}
