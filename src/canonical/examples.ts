import { eventTypes, type EventData, type EventName } from "./events.ts"

export { exampleOrder } from "./events/example-order.ts"

/** A valid example of every event, as its documentation shows it. */
export const eventExamples = Object.fromEntries(
  Object.entries(eventTypes).map(([name, { example }]) => [name, example]),
  // Object.fromEntries forgets which example belongs to which name.
) as { readonly [Name in EventName]: EventData<Name> }
