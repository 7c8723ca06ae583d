"""What people do with each other."""

import asyncio

from datacenter import ANNA, CARL, contact, signed_in
from telethon import events, functions, types


async def messages(dc):
    """Sending, receiving, history, entities, editing, deleting, reading, a group."""
    anna, carl = await signed_in(dc, ANNA), await signed_in(dc, CARL)
    heard = asyncio.Queue()

    @carl.on(events.NewMessage(incoming=True))
    async def hear(event):
        await heard.put(event)

    await carl.get_me()
    friend = await contact(anna, CARL)
    sent = await anna.send_message(friend, "some **bold** words", parse_mode="md")
    event = await heard.get()
    assert event.raw_text == "some bold words"
    assert isinstance(event.message.entities[0], types.MessageEntityBold)
    long = "long " * 800
    await anna.send_message(friend, long)
    assert (await heard.get()).raw_text == long.strip()

    await event.reply("an answer")
    await carl.send_read_acknowledge(await event.get_input_chat())
    history = await anna.get_messages(friend, limit=10)
    assert history[0].raw_text == "an answer", [m.raw_text for m in history]
    assert history[0].reply_to.reply_to_msg_id == sent.id
    assert len(history) == 3 and history.total == 3
    found = await anna.get_messages(friend, search="BOLD")
    assert [m.id for m in found] == [sent.id]
    dialogs = await anna.get_dialogs()
    assert any(d.entity.id == friend.id for d in dialogs)

    await anna.edit_message(friend, sent.id, "other words")
    await anna.delete_messages(friend, [sent.id], revoke=True)
    left = await carl.get_messages(await event.get_input_chat(), limit=10)
    assert all(m.raw_text != "other words" for m in left)

    saved = await anna.send_message("me", "a note")
    assert (await anna.get_messages("me", limit=1))[0].id == saved.id

    await anna.disconnect()
    await carl.disconnect()


async def group(dc):
    """A basic group."""
    anna, carl = await signed_in(dc, ANNA), await signed_in(dc, CARL)
    heard = asyncio.Queue()

    @carl.on(events.NewMessage(incoming=True, pattern="in the group"))
    async def hear(event):
        await heard.put(event)

    await carl.get_me()
    friend = await contact(anna, CARL)
    made = await anna(functions.messages.CreateChatRequest([friend], "Two"))
    chat = made.updates.chats[0]
    await anna.send_message(chat, "in the group")
    event = await heard.get()
    assert event.chat_id == -chat.id
    full = await carl(functions.messages.GetFullChatRequest(chat.id))
    assert len(full.users) == 2
    await anna.disconnect()
    await carl.disconnect()


SCENES = [messages, group]
