// What people do with each other.

import assert from 'node:assert/strict'
import { md } from '@mtcute/node'
import { ANNA, CARL, contact, heard, signedIn } from './datacenter.js'

/** Sending, receiving, history, entities, editing, deleting, reading. */
export async function messages(dc) {
  const [anna, carl] = [await signedIn(dc, '9996610041'), await signedIn(dc, '9996610042')]
  const hear = heard(carl.onNewMessage, (message) => !message.isOutgoing)
  const friend = await contact(anna, '9996610042')

  const sent = await anna.sendText(friend, md`some **bold** words`)
  const message = await hear()
  assert.equal(message.text, 'some bold words')
  assert.equal(message.entities[0].kind, 'bold')
  const long = 'long '.repeat(800).trim()
  await anna.sendText(friend, long)
  assert.equal((await hear()).text, long)

  await carl.replyText(message, 'an answer')
  await carl.readHistory(message.chat.id)
  const history = await anna.getHistory(friend, { limit: 10 })
  assert.deepEqual(history.map((it) => it.text), ['an answer', long, 'some bold words'])
  assert.equal(history[0].replyToMessage.id, sent.id)
  assert.equal(history.total, 3)
  const found = await anna.searchMessages({ chatId: friend, query: 'BOLD' })
  assert.deepEqual(found.map((it) => it.id), [sent.id])
  const dialogs = []
  for await (const dialog of anna.iterDialogs({ limit: 20 })) dialogs.push(dialog.peer.id)
  assert.ok(dialogs.includes(friend), dialogs)

  const changed = heard(carl.onEditMessage)
  const gone = heard(carl.onDeleteMessage)
  await anna.editMessage({ chatId: friend, message: sent.id, text: 'other words' })
  assert.equal((await changed()).text, 'other words')
  await anna.deleteMessagesById(friend, [sent.id], { revoke: true })
  assert.deepEqual((await gone()).messageIds, [message.id])

  const note = await anna.sendText('me', 'a note')
  assert.equal((await anna.getHistory('me', { limit: 1 }))[0].id, note.id)
}

/** A basic group. */
export async function group(dc) {
  const [anna, carl] = [await signedIn(dc, ANNA), await signedIn(dc, CARL)]
  const hear = heard(carl.onNewMessage, (message) => message.text === 'in the group')
  const friend = await contact(anna, CARL)
  const { chat } = await anna.createGroup({ title: 'Two', users: [friend] })
  await anna.sendText(chat, 'in the group')
  assert.equal((await hear()).chat.id, chat.id)
  const members = await carl.getChatMembers(chat.id)
  assert.equal(members.length, 2)
  await anna.setChatTitle(chat.id, 'Still two')
  assert.equal((await carl.getChat(chat.id)).title, 'Still two')
}

export const scenes = [messages, group]
