import type { ReactNode } from "react"
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components"
import { en } from "../texts/en.ts"
import { Failed } from "./failed.tsx"
import { Icon } from "./icon.tsx"
import { useAct } from "./use-act.ts"

/** A dialog over the page. Escape and the cross close it; the focus goes back to where it was. */
export function Dialog({
  title,
  onClose,
  children,
  isWide = false,
}: {
  title: string
  onClose: () => void
  children: ReactNode
  isWide?: boolean
}) {
  return (
    <ModalOverlay className="dialog-veil" isOpen isDismissable onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Modal className={isWide ? "dialog wide" : "dialog"}>
        <AriaDialog>
          <div className="dialog-head">
            <Heading slot="title">{title}</Heading>
            <button type="button" className="button quiet square" aria-label={en.dialog.close} onClick={onClose}>
              <Icon name="close" />
            </button>
          </div>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  )
}

interface ConfirmProps {
  title: string
  does: string
  confirm: string
  /** What the person fills in before. */
  children?: ReactNode
  isReady?: boolean
  onConfirm: () => Promise<unknown>
  /** Instead of closing, when there is something to show. */
  onDone?: () => void
  onClose: () => void
}

/** Says what an act does before it is done. It stays open when the act fails, with what was filled in. */
export function ConfirmDialog({
  title,
  does,
  confirm,
  children,
  isReady = true,
  onConfirm,
  onClose,
  onDone = onClose,
}: ConfirmProps) {
  const { isBusy, error, run } = useAct()
  // What is under way cannot be taken back, and its failure must be seen.
  const close = () => !isBusy && onClose()
  return (
    <Dialog title={title} onClose={close}>
      <form
        className="confirm"
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady) void run(onConfirm).then((isDone) => isDone && onDone())
        }}
      >
        <p>{does}</p>
        {children}
        {error && <Failed error={error} isAct />}
        <div className="confirm-foot">
          <button type="button" className="button" onClick={close} aria-disabled={isBusy}>
            {en.dialog.cancel}
          </button>
          <button type="submit" className="button primary" aria-disabled={!isReady || isBusy}>
            {confirm}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

/** A reason, which the audit keeps. */
export function ReasonField({
  value,
  onChange,
  hint,
}: {
  value: string
  onChange: (value: string) => void
  hint: string
}) {
  return (
    <label className="field">
      <span>{en.exceptions.reason}</span>
      <textarea rows={2} maxLength={500} value={value} onChange={({ target }) => onChange(target.value)} />
      <span className="dim">{hint}</span>
    </label>
  )
}
