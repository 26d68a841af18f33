"""How many calls are served at a time: of a client, of an address, and in all."""

from contextlib import ExitStack

import pytest

from echogan.ui.enhance.admission import OF_ADDRESS, OF_ALL, OF_CLIENT, Admission, TooManyCalls


def test_a_client_has_one_that_runs_and_two_that_wait():
    admission = Admission()
    with ExitStack() as calls:
        for _ in range(OF_CLIENT):
            calls.enter_context(admission.call("greedy", "10.0.0.1"))
        with pytest.raises(TooManyCalls, match="Wait for one to end"), admission.call("greedy", "10.0.0.1"):
            pass
        with admission.call("other", "10.0.0.1"):
            pass
    with admission.call("greedy", "10.0.0.1"):
        pass


def test_an_address_with_many_clients_leaves_room_for_others():
    admission = Admission()
    with ExitStack() as calls:
        for number in range(OF_ADDRESS):
            calls.enter_context(admission.call(f"client {number}", "10.0.0.1"))
        with pytest.raises(TooManyCalls), admission.call("one more", "10.0.0.1"):
            pass
        with admission.call("somebody", "10.0.0.2"):
            pass


def test_all_together_are_bounded():
    admission = Admission()
    with ExitStack() as calls:
        for number in range(OF_ALL):
            calls.enter_context(admission.call(f"client {number}", f"10.0.0.{number}"))
        with pytest.raises(TooManyCalls, match="Try again later"), admission.call("late", "10.0.1.1"):
            pass
