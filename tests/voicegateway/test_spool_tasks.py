"""Order of uploads of live recordings."""

from uuid import UUID

from voicegateway.process.spool_tasks import UploadOrder


def recordings(*numbers):
    return [(UUID(int=number), f"recording {number}") for number in numbers]


def take(order, count):
    return [order.next()[0].int for _ in range(count)]


def test_order_takes_one_recording_after_another():
    order = UploadOrder()
    order.update(recordings(1, 2, 3))

    assert take(order, 7) == [1, 2, 3, 1, 2, 3, 1]


def test_order_adds_new_recordings_at_the_end_and_drops_ended_ones():
    order = UploadOrder()
    order.update(recordings(1, 2, 3))
    before = take(order, 1)

    count = order.update(recordings(4, 3, 1))

    assert (count, before) == (3, [1])
    assert take(order, 4) == [3, 1, 4, 3]


def test_order_without_recordings_returns_none():
    order = UploadOrder()

    assert (order.update([]), order.next()) == (0, None)
