/** A link as a QR code that a phone reads from a screen; black on white in every theme. */
import { encodeQR } from 'qr'
import { action, h } from './dom.ts'

export function qr(text: string, alt: string, ecc: 'low' | 'medium' = 'low'): HTMLElement {
  const image = h('img', { class: 'qr', alt })
  image.src = `data:image/svg+xml,${encodeURIComponent(encodeQR(text, 'svg', { ecc, border: 2 }))}`
  return image
}

/** A link to give away: as a QR code, to copy, and in full. */
export function link(url: string, alt: string): HTMLElement {
  const copied = h('span', { class: 'soft', role: 'status' })
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(url)
    copied.textContent = ' Copied.'
  }
  return h(
    'div',
    {},
    qr(url, alt),
    action('Copy the link', copy),
    copied,
    h('details', {}, h('summary', {}, 'The link in full'), h('code', { 'data-testid': 'link' }, url)),
  )
}
