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
  const made = h('form', {}, ...rows, submit)
  made.addEventListener('submit', (event) => {
    event.preventDefault()
    void busy(submit, made, work)
  })
  return made
}

/** A button that is busy while it works, and says what went wrong beneath itself. */
export function action(text: string, work: () => Promise<unknown>, kind = 'plain'): HTMLElement {
  const button = h('button', { type: 'button', class: kind }, text)
  const place = h('span', {}, button)
  button.addEventListener('click', () => void busy(button, place, work))
  return place
}

async function busy(button: HTMLButtonElement, place: HTMLElement, work: () => Promise<unknown>): Promise<void> {
  place.querySelector('.error')?.remove()
  button.disabled = true
  try {
    await work()
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string }
    const text = message ?? 'something went wrong'
    place.append(h('p', { class: 'error', role: 'alert' }, text, ' ', h('code', {}, code ?? 'INTERNAL_ERROR')))
  } finally {
    button.disabled = false
  }
}

export const time = (seconds: number): string => new Date(seconds * 1000).toLocaleString()
export const shorten = (text: string): string => (text.length < 40 ? text : `${text.slice(0, 24)}…${text.slice(-8)}`)
