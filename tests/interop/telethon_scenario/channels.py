"""Channels and supergroups, each with a sequence of updates of its own."""

from datacenter import contact, heard_by, signed_in
from telethon import functions

MARK = -1_000_000_000_000


async def supergroup(dc):
    """A supergroup: made, joined, written in by both, its history the same for all."""
    anna, carl = await signed_in(dc, "9996610101"), await signed_in(dc, "9996610102")
    hear_anna, hear_carl = heard_by(anna), heard_by(carl)
    friend = await contact(anna, "9996610102")
    made = await anna(functions.channels.CreateChannelRequest("Many", "about", megagroup=True))
    many = made.chats[0]
    await anna(functions.channels.InviteToChannelRequest(many, [friend]))
    first = await anna.send_message(many, "to everybody")
    event = await hear_carl("to everybody")
    assert event.chat_id == MARK - many.id and event.message.id == first.id
    await event.reply("to you")
    answer = await hear_anna("to you")
    assert answer.message.reply_to.reply_to_msg_id == first.id
    members = await carl.get_participants(await event.get_input_chat())
    assert len(members) == 2, members
    texts = [m.raw_text for m in await carl.get_messages(await event.get_input_chat(), limit=2)]
    assert texts == ["to you", "to everybody"], texts
    await anna.disconnect()
    await carl.disconnect()


async def channel(dc):
    """A channel: only its owner posts; what was missed in it is fetched from it."""
    anna, carl = await signed_in(dc, "9996610103"), await signed_in(dc, "9996610104")
    hear = heard_by(carl)
    me, friend = await anna.get_me(), await carl.get_me()
    made = await anna(functions.channels.CreateChannelRequest("News", "about", broadcast=True))
    news = made.chats[0]
    dc.ask("POST", f"/channels/{news.id}/members", {"account": friend.id})
    post = await anna.send_message(news, "first")
    assert post.post
    event = await hear("first")
    assert event.message.post and event.chat.title == "News"
    try:
        await event.respond("may I?")
        raise AssertionError("a reader posted")
    except Exception as error:
        assert "write" in str(error) or "admin" in str(error).lower(), error

    write = lambda text: dc.ask(
        "POST", f"/accounts/{me.id}/messages", {"to": MARK - news.id, "text": text}
    )
    dc.ask("POST", "/datacenters/1/cut")
    write("meanwhile")
    await carl.get_me()
    write("after")
    await hear("meanwhile")
    await hear("after")
    asked = dc.ask("GET", f"/journal?method=updates.getChannelDifference&account={friend.id}")
    assert asked["entries"], "the gap was filled without being asked for"
    await anna.disconnect()
    await carl.disconnect()


SCENES = [supergroup, channel]
