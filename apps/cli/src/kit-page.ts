/** The kit as a page to print: the text for people, and its machine line as a QR code. Black on white, nothing fetched. */
import { type Kit, kitLine, parseKit, renderKit } from '@keystead/recovery'
import { encodeQR } from 'qr'

const STYLE = `
  body { font: 12pt/1.4 system-ui, sans-serif; margin: 15mm; color: #000; background: #fff }
  pre { font: 10pt/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
  svg { width: 75mm; height: 75mm; float: right; margin: 0 0 5mm 5mm }
`

/** As text, or for a file that ends in .html as a page. */
export function kitFile(kit: Kit, file: string): string {
  if (!file.endsWith('.html')) return renderKit(kit)
  const text = renderKit(kit).replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)
  const code = encodeQR(kitLine(kit), 'svg', { ecc: 'medium', border: 2 })
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Keystead recovery kit</title><style>${STYLE}</style></head>
<body>${code}<pre>${text}</pre></body></html>
`
}

/** Reads either back, and what a scanner or a person made of the print. Throws `BAD_KIT`. */
export function readKit(content: string): Kit {
  const line = /^\s*<!doctype html>/i.test(content) ? /keystead-kit:1:[A-Za-z0-9_-]+/.exec(content)?.[0] : undefined
  return parseKit(line ?? content)
}
