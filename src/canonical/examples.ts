import { eventTypes, type EventData, type EventName } from "./events.ts"

export { exampleOrder } from "./events/example-order.ts"

/** A valid example of every event, as its documentation shows it. */
export const eventExamples = Object.fromEntries(
  Object.entries(eventTypes).map(([name, { example }]) => [name, example]),
  // Object.fromEntries loses the type that links a name to its example.
) as { readonly [Name in EventName]: EventData<Name> }
