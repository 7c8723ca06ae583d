// Channels and supergroups, each with a sequence of updates of its own.

import assert from 'node:assert/strict'
import { contact, heard, signedIn } from './datacenter.js'

/** A supergroup: made, joined, written in by both, its history the same for all. */
export async function supergroup(dc) {
  const [anna, carl] = [await signedIn(dc, '9996610201'), await signedIn(dc, '9996610202')]
  const [hearAnna, hearCarl] = [anna, carl].map((it) => heard(it.onNewMessage, (m) => !m.isService && !m.isOutgoing))
  const friend = await contact(anna, '9996610202')
  const many = await anna.createSupergroup({ title: 'Many', description: 'about' })
  await anna.addChatMembers(many.id, [friend], {})
  const first = await anna.sendText(many.id, 'to everybody')
  const message = await hearCarl()
  assert.equal(message.text, 'to everybody')
  assert.equal(message.chat.id, many.id)
  assert.equal(message.id, first.id)
  await carl.replyText(message, 'to you')
  const answer = await hearAnna()
  assert.equal(answer.text, 'to you')
  assert.equal(answer.replyToMessage.id, first.id)
  assert.equal((await carl.getChatMembers(many.id)).length, 2)
  const texts = (await carl.getHistory(many.id, { limit: 2 })).map((it) => it.text)
  assert.deepEqual(texts, ['to you', 'to everybody'])
}

/** A channel: only its owner posts; what was missed in it is fetched from it. */
export async function channel(dc) {
  const [anna, carl] = [await signedIn(dc, '9996610203'), await signedIn(dc, '9996610204')]
  const hear = heard(carl.onNewMessage, (message) => !message.isService)
  const [me, friend] = [await anna.getMe(), await carl.getMe()]
  const news = await anna.createChannel({ title: 'News', description: 'about' })
  await dc.ask('POST', `/channels/${news.raw.id}/members`, { account: friend.id })
  const post = await anna.sendText(news.id, 'first')
  assert.ok(post.isChannelPost)
  const message = await hear()
  assert.equal(message.text, 'first')
  assert.equal(message.chat.title, 'News')
  await assert.rejects(carl.sendText(news.id, 'may I?'), { text: 'CHAT_ADMIN_REQUIRED' })

  const write = (text) => dc.ask('POST', `/accounts/${me.id}/messages`, { to: news.id, text })
  await dc.ask('POST', '/datacenters/1/cut')
  await write('meanwhile')
  await carl.getMe()
  await write('after')
  assert.deepEqual([(await hear()).text, (await hear()).text], ['meanwhile', 'after'])
  const asked = `/journal?method=updates.getChannelDifference&account=${friend.id}`
  assert.ok((await dc.ask('GET', asked)).entries.length > 0, 'the gap was filled without being asked for')
}

export const scenes = [supergroup, channel]
