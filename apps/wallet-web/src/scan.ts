/** A field that a camera may fill. The picture is read in this page and goes nowhere; without a camera one pastes. */
import { KeysteadError } from '@keystead/core'
import { decodeQR } from 'qr/decode.js'
import { action, area, field, h } from './dom.ts'

/** Pixels of the longer side in which a code is looked for, and how often: what a phone does beside showing its camera. */
const SIDE = 800
const LOOK_MS = 200

export function scanField(
  label: string,
  properties: Parameters<typeof field>[1] = {},
): { row: DocumentFragment; input: HTMLInputElement } {
  return scannable(field(label, properties))
}

/** The same for several lines. */
export function scanArea(label: string): { row: DocumentFragment; input: HTMLTextAreaElement } {
  return scannable(area(label, { autocapitalize: 'none', spellcheck: 'false' }))
}

function scannable<I extends HTMLInputElement | HTMLTextAreaElement>(filled: {
  row: DocumentFragment
  input: I
}): { row: DocumentFragment; input: I } {
  const { row, input } = filled
  const place = h('div', { class: 'scan' })
  const scan = action('Scan it with the camera', async () => {
    const text = await read(place)
    if (text === undefined) return
    input.value = text
    input.focus()
  })
  row.append(scan, place)
  return filled
}

/** What the first code says that comes before the camera; undefined when the person stops, or goes elsewhere. */
async function read(place: HTMLElement): Promise<string | undefined> {
  const video = h('video', { playsinline: true, 'aria-label': 'What the camera sees' })
  video.muted = true
  let stream: MediaStream
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
  } catch (cause) {
    throw new KeysteadError('NO_CAMERA', 'The camera cannot be used here: copy the link and paste it.', { cause })
  }
  let stopped = false
  const stop = action('Stop the camera', async () => {
    stopped = true
  })
  place.replaceChildren(video, stop)
  try {
    video.srcObject = stream
    await video.play()
    while (!stopped && video.isConnected) {
      const text = look(video)
      if (text !== undefined) return text
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    return undefined
  } finally {
    for (const track of stream.getTracks()) track.stop()
    place.replaceChildren()
  }
}

const canvas = document.createElement('canvas')

function look(video: HTMLVideoElement): string | undefined {
  const { videoWidth, videoHeight } = video
  const scale = Math.min(1, SIDE / Math.max(videoWidth, videoHeight))
  const [width, height] = [Math.floor(videoWidth * scale), Math.floor(videoHeight * scale)]
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context || width === 0 || height === 0) return undefined
  canvas.width = width
  canvas.height = height
  context.drawImage(video, 0, 0, width, height)
  try {
    return decodeQR(context.getImageData(0, 0, width, height))
  } catch {
    return undefined
  }
}
