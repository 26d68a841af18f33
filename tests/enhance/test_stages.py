"""Stages in threads: every item in order, each stage at work while the others are, few items on their way."""

import threading

import pytest

from echogan.enhance.stages import run_stages


def test_every_item_passes_all_stages_in_order():
    seen: dict[str, list[int]] = {"first": [], "second": []}

    def first(item: int) -> int:
        seen["first"].append(item)
        return 10 * item

    run_stages(range(7), first, seen["second"].append)
    assert seen == {"first": list(range(7)), "second": [10 * item for item in range(7)]}


def test_stages_work_at_the_same_time():
    """Each stage waits for the other one, on the next item: alone they would wait for ever."""
    meet = threading.Barrier(2, timeout=20)

    def first(item: int) -> int:
        if item > 0:
            meet.wait()
        return item

    def second(item: int) -> None:
        if item < 5:
            meet.wait()

    run_stages(range(6), first, second)


def test_no_more_items_are_made_than_there_are_stages_for():
    made, done, most = 0, 0, 0

    def items():
        nonlocal made, most
        for item in range(20):
            made += 1
            most = max(most, made - done)
            yield item

    def last(item: int) -> None:
        nonlocal done
        done += 1

    run_stages(items(), lambda item: item, last)
    assert done == 20
    assert most <= 3


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_what_fails_anywhere_is_raised(failing: int):
    def items():
        yield from range(3)
        if failing == 0:
            raise KeyError("items")

    def stage(number: int, item: int) -> int:
        if number == failing and item == 1:
            raise KeyError(number)
        return item

    with pytest.raises(KeyError):
        run_stages(items(), lambda item: stage(1, item), lambda item: stage(2, item))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("stage")]
