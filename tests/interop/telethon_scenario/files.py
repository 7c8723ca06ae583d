"""Files: in parts, out in stretches, from where they live."""

import os

from datacenter import contact, heard_by, signed_in


async def files(dc):
    """A small and a large file, sent, received by somebody at home there and somebody who is not."""
    anna, carl = await signed_in(dc, "9996610111"), await signed_in(dc, "9996610112")
    bert = await signed_in(dc, "9996620113", at=2)
    hear_carl, hear_bert = heard_by(carl), heard_by(bert)
    near = await contact(anna, "9996610112")
    far = await contact(anna, "9996620113")
    # Beyond 10 MB files go by another method.
    for size, method in [(70_001, "saveFilePart"), (10 * 1024 * 1024 + 5, "saveBigFilePart")]:
        content = os.urandom(size)
        text = f"{size} bytes"
        sent = await anna.send_file(near, content, caption=text, force_document=True)
        assert sent.file.size == size
        near_event = await hear_carl(text)
        assert near_event.message.file.size == size
        if size < 100_000:  # a large one is fetched once, below: this client's AES is Python's
            assert await near_event.message.download_media(bytes) == content
        assert dc.ask("GET", f"/journal?method=upload.{method}&limit=1")["entries"]

        await anna.send_file(far, sent.media, caption=text)
        event = await hear_bert(text)
        assert event.message.document.dc_id == 1 and bert.session.dc_id == 2
        assert await event.message.download_media(bytes) == content
    for client in (anna, bert, carl):
        await client.disconnect()


SCENES = [files]
