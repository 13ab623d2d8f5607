import { useState } from "react"
import type { Operation } from "../../api/work-answers.ts"
import { change } from "../../api/client.ts"
import { useMe, useRight, type Right } from "../../api/session.ts"
import { queryClient } from "../../api/use-api.ts"
import { Failed } from "../../parts/failed.tsx"
import { useAct } from "../../parts/use-act.ts"
import { en } from "../../texts/en.ts"

const t = en.operations
type Verb = "run" | "approval" | "pause" | "stop"

const verbs: Readonly<Record<Operation["state"], readonly Verb[]>> = {
  previewed: ["run", "stop"],
  "waiting for approval": ["approval", "stop"],
  running: ["pause", "stop"],
  paused: ["run", "stop"],
  stopped: [],
  done: [],
}

/** What may be done with an operation in its state. To run or approve it names the preview that is on the screen. */
export function OperationActs({ operation, isStale }: { operation: Operation; isStale: boolean }) {
  const { isBusy, error, run } = useAct()
  const [running, approving] = [useRight("decide exceptions"), useRight("approve operations")]
  const isOwn = useMe().data?.id === operation.requestedBy
  const send = async (verb: Verb) => {
    const isSeen = verb === "run" || verb === "approval"
    const path = `/v1/operations/${encodeURIComponent(operation.id)}/${verb}`
    await change("POST", path, isSeen ? { body: { hash: operation.hash } } : {}).finally(() =>
      queryClient.invalidateQueries(),
    )
  }
  const rightOf = (verb: Verb): Right => {
    if (verb !== "approval") return running
    const { approval } = operation
    if (approval && !approval.allowed) return { isAllowed: false, reason: approval.reason ?? t.notOwn }
    return isOwn && approving.isAllowed ? { isAllowed: false, reason: t.notOwn } : approving
  }
  const reasons = new Set(verbs[operation.state].flatMap((verb) => rightOf(verb).reason ?? []))
  return (
    <>
      <div className="group-acts">
        {verbs[operation.state].map((verb) => (
          <button
            key={verb}
            type="button"
            className={verb === "run" || verb === "approval" ? "button primary" : "button"}
            disabled={isStale || !rightOf(verb).isAllowed}
            aria-disabled={isBusy}
            // "Pause" comes where "Run" was: the second click of a double click is not meant for it.
            onClick={({ detail }) => detail < 2 && void run(() => send(verb))}
          >
            {t.verbs[verb]}
          </button>
        ))}
        {isStale ? <span className="why-off">{en.stale.actsOff}</span> : null}
        {[...reasons].map((reason) => (
          <span key={reason} className="why-off">
            {reason}
          </span>
        ))}
      </div>
      {operation.approval && <p>{en.plan.waitsFor(operation.approval.waitsFor)}</p>}
      {isUnderWay(operation) && <Pace operation={operation} isOff={isStale || !running.isAllowed} />}
      {error && <Failed error={error} isAct />}
    </>
  )
}

const isUnderWay = ({ state }: Operation) => state !== "done" && state !== "stopped"

/** Its pace can be changed, also while it runs. */
function Pace({ operation, isOff }: { operation: Operation; isOff: boolean }) {
  const { isBusy, error, run } = useAct()
  const [text, setText] = useState("")
  const perSecond = Number(text)
  const isReady = text !== "" && perSecond >= 1 && perSecond <= 500
  const send = async () => {
    await change("POST", `/v1/operations/${encodeURIComponent(operation.id)}/pace`, { body: { perSecond } })
    setText("")
    await queryClient.invalidateQueries()
  }
  return (
    <form
      className="group-acts"
      onSubmit={(event) => {
        event.preventDefault()
        if (isReady) void run(send)
      }}
    >
      <label className="choice">
        <span>{en.plan.pace}</span>
        <input
          type="text"
          inputMode="numeric"
          size={5}
          placeholder={String(operation.perSecond)}
          value={text}
          onChange={({ target }) => setText(target.value.replaceAll(/\D/g, ""))}
        />
      </label>
      <button type="submit" className="button" disabled={isOff} aria-disabled={isBusy || !isReady}>
        {en.plan.changePace}
      </button>
      {error && <Failed error={error} isAct />}
    </form>
  )
}
