/** Fields that more than one screen has. */
import type { Relationship } from '@keystead/agent/edge'
import { area, h, shorten } from '../dom.ts'

/** Contacts to choose from. Two of one name are told apart by their relationship, as the room of people shows it. */
export function named(contacts: readonly Relationship[]): { value: string; text: string }[] {
  const called = (name: string): number => contacts.filter(({ label }) => label === name).length
  return contacts.map(({ id, label, mine }) => ({
    value: id,
    text: called(label) > 1 ? `${label} (${shorten(mine.state.rel)})` : label,
  }))
}

/** Boxes to tick, all of one question. */
export function checks(options: readonly { value: string; text: string }[], ticked: readonly string[] = []) {
  const boxes = options.map(({ value, text }) => {
    const input = h('input', { type: 'checkbox', checked: ticked.includes(value) })
    return { value, input, row: h('label', { class: 'check' }, input, ` ${text}`) }
  })
  return {
    rows: boxes.map(({ row }) => row),
    read: (): string[] => boxes.flatMap(({ value, input }) => (input.checked ? [value] : [])),
  }
}

/** Addresses, one a line. */
export function addresses(label: string, known: readonly string[]): { row: DocumentFragment; read: () => string[] } {
  const { row, input } = area(label, { autocapitalize: 'none', spellcheck: 'false' })
  input.value = known.join('\n')
  return { row, read: () => input.value.split(/\s+/).filter((line) => line !== '') }
}
