/** Files of a message: shown by name and size, saved by the browser, chosen to be sent. This page opens none of them (ATTACH-8). */
import type { AttachmentSource, AttachmentView, EdgeAgent, Progress } from '@keystead/agent/edge'
import { action, field, h, time } from '../dom.ts'

const MIB = 1024 * 1024

function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  return bytes < MIB ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / MIB).toFixed(1)} MiB`
}

/** What is shown of each; one that is to be had has a button. */
export function attachedList(agent: EdgeAgent, files: readonly AttachmentView[]): HTMLElement {
  return h('ul', { class: 'files' }, ...files.map((file) => row(agent, file)))
}

function row(agent: EdgeAgent, { id, name, bytes, state, expires }: AttachmentView): HTMLElement {
  const size = bytes === undefined ? 'size unknown' : sizeOf(bytes)
  const until = expires === undefined ? '' : `, until ${time(expires)}`
  const words = {
    here: size,
    linked: `${size}${until}`,
    over: `${size}; not to be had any more`,
    unreadable: `${size}; in no form that this wallet opens`,
  }
  const how = h('span', { class: 'soft', role: 'status' }, words[state])
  const save = async (): Promise<void> => {
    const onProgress = (progress: Progress): void => {
      how.textContent = far(progress)
    }
    try {
      const opened = await agent.openAttachment(id, { onProgress })
      const pieces: BlobPart[] = []
      for await (const piece of opened.content) pieces.push(piece)
      give(name, pieces)
    } finally {
      how.textContent = words[state]
    }
  }
  const offered = state === 'here' || state === 'linked'
  return h('li', {}, offered ? action(`Save ${name}`, save) : h('span', {}, name), ' ', how)
}

const far = ({ done, total }: Progress): string => `${sizeOf(done)} of ${sizeOf(total)}`

/** To be saved and not shown: whatever its sender says it is, here it is bytes, or it would be a page of this origin. */
function give(name: string, pieces: readonly BlobPart[]): void {
  const url = URL.createObjectURL(new Blob([...pieces], { type: 'application/octet-stream' }))
  const link = h('a', { href: url, download: name })
  link.click()
  // The browser has taken hold of it when the click is over; a minute is more than it needs.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

/** Files to be sent with a text. */
export function filePicker(): { row: DocumentFragment; input: HTMLInputElement; chosen: () => AttachmentSource[] } {
  const { row, input } = field('Files, up to 64 MiB each', { type: 'file', multiple: true })
  const chosen = (): AttachmentSource[] =>
    [...(input.files ?? [])].map((file) => ({
      name: file.name,
      ...(file.type === '' ? {} : { mediaType: file.type }),
      bytes: file.size,
      stream: () => file.stream(),
    }))
  return { row, input, chosen }
}

/** How far a file is, in words. */
export const broughtSoFar = (progress: Progress): string => `${progress.name}: ${far(progress)}`
