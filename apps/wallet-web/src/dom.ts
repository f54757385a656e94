/** Elements out of words: text is always text, never markup. */
type Child = Node | string | undefined | false
type Handler = (event: Event) => void
type Properties = Readonly<Record<string, string | boolean | Handler | undefined>>

/** Attributes by name; a function is a listener of the event of that name, `true` an attribute without a value. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name, value)
    else if (value === true) element.setAttribute(name, '')
    else if (typeof value === 'string') element.setAttribute(name, value)
  }
  element.append(...children.filter((child) => child !== undefined && child !== false))
  return element
}

export function card(title: string, ...children: readonly Child[]): HTMLElement {
  return h('section', { class: 'card' }, h('h2', {}, title), ...children)
}

let fields = 0

/** A labelled input. */
export function field(label: string, properties: Properties = {}): { row: DocumentFragment; input: HTMLInputElement } {
  const id = `field-${++fields}`
  const input = h('input', { id, autocomplete: 'off', ...properties })
  const row = document.createDocumentFragment()
  row.append(h('label', { for: id }, label), input)
  return { row, input }
}

/** A labelled field of several lines. */
export function area(
  label: string,
  properties: Properties = {},
): { row: DocumentFragment; input: HTMLTextAreaElement } {
  const id = `field-${++fields}`
  const input = h('textarea', { id, rows: '3', autocomplete: 'off', ...properties })
  const row = document.createDocumentFragment()
  row.append(h('label', { for: id }, label), input)
  return { row, input }
}

/** A labelled choice; `offer` sets what can be chosen and keeps the choice. */
export function choice(label: string): {
  row: DocumentFragment
  select: HTMLSelectElement
  offer: (options: readonly { value: string; text: string }[]) => void
} {
  const id = `field-${++fields}`
  const select = h('select', { id, required: true })
  const row = document.createDocumentFragment()
  row.append(h('label', { for: id }, label), select)
  let offered = ''
  return {
    row,
    select,
    offer: (options) => {
      const key = JSON.stringify(options)
      if (key === offered) return
      offered = key
      const chosen = select.value
      select.replaceChildren(
        h('option', { value: '' }, '—'),
        ...options.map(({ value, text }) => h('option', { value }, text)),
      )
      if (options.some(({ value }) => value === chosen)) select.value = chosen
    },
  }
}

/** A form that is busy while it works, and says what went wrong beneath itself. */
export function form(button: string, rows: readonly Node[], work: () => Promise<unknown>): HTMLFormElement {
  const submit = h('button', { type: 'submit' }, button)
  const made = h('form', {}, ...rows, submit, progress())
  made.addEventListener('submit', (event) => {
    event.preventDefault()
    void busy(submit, made, work)
  })
  return made
}

/**
 * A button that is busy while it works, and says what went wrong beneath itself. `about`: what it acts upon, for those who hear the
 * button without what stands around it.
 */
export function action(text: string, work: () => Promise<unknown>, kind = 'plain', about?: string): HTMLElement {
  const button = h('button', { type: 'button', class: kind }, text, unseen(about))
  const place = h('span', {}, button, progress())
  button.addEventListener('click', () => void busy(button, place, work))
  return place
}

const unseen = (about: string | undefined): Child => about !== undefined && h('span', { class: 'unseen' }, ` ${about}`)

/** Where it is said that something takes its time. It is there before, so that screen readers hear it. */
const progress = (): HTMLElement => h('span', { class: 'soft progress', role: 'status' })

/** Work that begins by itself, and can be tried again when it could not be done. */
export function attempt(text: string, work: () => Promise<unknown>): HTMLElement {
  const button = h('button', { type: 'button' }, 'Try again')
  const place = h('div', {}, h('p', { role: 'status' }, text), button, progress())
  const run = async (): Promise<void> => {
    button.hidden = true
    await busy(button, place, work)
    button.hidden = false
  }
  button.addEventListener('click', () => void run())
  void run()
  return place
}

/** An action that says first what it does, in words, and is done only when it is asked for again. */
export function confirmed(
  text: string,
  words: string,
  yes: string,
  work: () => Promise<unknown>,
  about?: string,
): HTMLElement {
  const place = h('span', {})
  const ask = (): void => {
    const no = h('button', { type: 'button', class: 'plain' }, 'No')
    no.addEventListener('click', close)
    place.replaceChildren(
      h(
        'div',
        { class: 'warning', role: 'group', 'aria-label': text },
        h('p', { role: 'alert' }, words),
        action(
          yes,
          async () => {
            await work()
            close()
          },
          'danger',
        ),
        ' ',
        no,
      ),
    )
    no.focus()
  }
  const close = (): void => {
    place.replaceChildren(button)
    if (button.isConnected) button.focus()
  }
  const button = h('button', { type: 'button', class: 'plain', click: ask }, text, unseen(about))
  place.append(button)
  return place
}

type LinkKind = '_oob' | '_help' | '_link'

/** The link that this page was opened with, if it is of this kind. */
export function openedLink(kind: LinkKind): string | undefined {
  const { href, hash, searchParams } = new URL(location.href)
  return hash.startsWith(`#${kind}=`) || searchParams.has(kind) ? href : undefined
}

/** Puts a link that was opened into a form, once, now or with a later refresh: it acts by itself never. */
export function takesLink(kind: LinkKind, input: HTMLInputElement): () => void {
  let taken: string | undefined
  const take = (): void => {
    const opened = openedLink(kind)
    if (opened === undefined || opened === taken) return
    taken = opened
    input.value = opened
  }
  take()
  return take
}

/** What went wrong, in words and by its code. */
export function problem(error: unknown): HTMLElement {
  const { code, message } = error as { code?: string; message?: string }
  const text = message ?? 'something went wrong'
  return h('p', { class: 'error', role: 'alert' }, text, ' ', h('code', {}, code ?? 'INTERNAL_ERROR'))
}

/** How long something takes before that is said. */
const PATIENCE_MS = 800

/** The button keeps the focus: one that is disabled would lose it, and whoever uses a keyboard their place. */
async function busy(button: HTMLButtonElement, place: HTMLElement, work: () => Promise<unknown>): Promise<void> {
  if (button.ariaDisabled === 'true') return
  place.querySelector(':scope > .error')?.remove()
  button.ariaDisabled = 'true'
  const said = place.querySelector(':scope > .progress')
  const patience = setTimeout(() => said?.replaceChildren(' One moment …'), PATIENCE_MS)
  try {
    await work()
  } catch (error) {
    place.append(problem(error))
  } finally {
    clearTimeout(patience)
    said?.replaceChildren()
    button.ariaDisabled = null
  }
}

/** Shows something else in a place. Whoever was in there finds themselves at its beginning, and not at that of the page. */
export function swap(place: HTMLElement, ...children: readonly Node[]): void {
  const within = place.contains(document.activeElement)
  place.replaceChildren(...children)
  if (within) goTo(place)
}

/** Puts the focus where something begins: at its heading, if it has one. */
export function goTo(place: HTMLElement): void {
  const start = place.querySelector<HTMLElement>('h1, h2, h3') ?? place
  start.tabIndex = -1
  start.focus({ preventScroll: true })
}

/** "1234 5678", for people to read and type. */
export const spoken = (code: string): string => `${code.slice(0, 4)} ${code.slice(4)}`
/** "3 days", "1 hour", "72 seconds": in the largest unit that fits. */
export function duration(seconds: number): string {
  const units = [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ] as const
  const [size, unit] = units.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, 'second']
  const count = seconds / size
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

export const time = (seconds: number): string => new Date(seconds * 1000).toLocaleString()
export const shorten = (text: string): string => (text.length < 40 ? text : `${text.slice(0, 24)}…${text.slice(-8)}`)
