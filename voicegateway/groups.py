from uuid import UUID

from channels.layers import get_channel_layer


def call_group(session_id: UUID) -> str:
    """The channel layer's group of a call. It carries hints; the database is the truth."""
    return f"call.{session_id}"


async def hint_of_the_end(session_id: UUID) -> None:
    """Wait until somebody says that the session was ended on another page."""
    layer = get_channel_layer()
    channel, group = await layer.new_channel(), call_group(session_id)
    await layer.group_add(group, channel)
    try:
        await layer.receive(channel)
    finally:
        await layer.group_discard(group, channel)
