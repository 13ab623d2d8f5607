import { acts } from "./acts.ts"
import { channels } from "./channels.ts"
import { figures } from "./figures.ts"
import { around } from "./around.ts"
import { modes } from "./modes.ts"
import { catalogue } from "./catalogue.ts"
import { store } from "./store.ts"
import { promises } from "./promises.ts"
import { systems } from "./systems.ts"
import { work } from "./work.ts"

/** Every text of the console. Words of states, causes and actions are the API's own. */
export const en = {
  ...around,
  ...acts,
  ...work,
  ...systems,
  ...store,
  ...catalogue,
  ...promises,
  ...modes,
  ...channels,
  ...figures,
} as const
