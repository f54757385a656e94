/** Whether this machine can start a Secret Service for a test: D-Bus and GNOME Keyring, each in a session of its own. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const onPath = (name: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name)))

export const canKeepKeys = (): boolean => onPath('dbus-run-session') && onPath('gnome-keyring-daemon')
