/** A socket by the `WebSocket` that the platform has itself, which browsers and Node do. */
import type { SocketPort } from './ports.ts'

/** Rejects when the agency closes or cannot be reached. */
export function platformSocket(url: string): Promise<SocketPort> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url)
    socket.binaryType = 'arraybuffer'
    const port: SocketPort = {
      send: (data) => socket.send(data),
      close: () => socket.close(),
      onmessage: null,
      onclose: null,
    }
    socket.onmessage = ({ data }) => port.onmessage?.(new Uint8Array(data as ArrayBuffer))
    socket.onclose = () => {
      port.onclose?.()
      reject(new Error('the agency closed the connection, or cannot be reached'))
    }
    socket.onopen = () => resolve(port)
  })
}
