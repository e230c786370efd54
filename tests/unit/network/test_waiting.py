"""Asking again until there is an answer."""

import threading

import pytest

from network import waiting
from network.errors import StartError
from network.waiting import NotYet, Waiter, answered, each
from node_client import AdminError


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL", 0.0)


def test_question_is_asked_until_it_has_an_answer() -> None:
    answers = iter([NotYet("no"), AdminError("node", 0, "refused"), ""])

    def question() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert Waiter().until("there is one", answered(question)) == ""


def test_errors_are_answers_unless_said_otherwise() -> None:
    def question() -> None:
        raise AdminError("node", 403, "forbidden")

    with pytest.raises(AdminError):
        Waiter().until("there is one", question)


def test_last_reason_is_told_when_time_is_up() -> None:
    def question() -> None:
        raise NotYet("peer0.city is asleep")

    with pytest.raises(StartError, match="in vain until it wakes: peer0.city is asleep") as caught:
        Waiter(patience=0.0).until("it wakes", question)
    assert "logs" in caught.value.next_step


def test_all_questions_share_the_time() -> None:
    def question() -> None:
        raise NotYet

    waiter = Waiter(patience=0.0)
    for what in ("one", "other"):
        with pytest.raises(StartError, match=f"until {what}$"):
            waiter.until(what, question)


def test_progress_gives_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now[0])
    waiter = Waiter(patience=10.0)

    def question() -> float:
        now[0] += 6.0
        if now[0] <= 24.0:
            waiter.progressed()
        if now[0] >= target:
            return now[0]
        raise NotYet

    target = 30.0
    assert waiter.until("it is there", question) == target
    target = 60.0
    with pytest.raises(StartError):
        waiter.until("it is there", question)
    assert now[0] == 36.0


def test_waiting_ends_when_it_is_senseless() -> None:
    asked = []

    def question() -> None:
        asked.append(1)
        raise NotYet

    def check() -> None:
        if len(asked) == 3:
            raise StartError("a node has ended")

    with pytest.raises(StartError, match="a node has ended"):
        Waiter(check).until("it serves", question)


def test_the_same_for_every_item_at_once_and_in_order() -> None:
    barrier = threading.Barrier(3, timeout=60)

    def work(number: int) -> int:
        barrier.wait()
        return -number

    assert each([1, 2, 3], work) == [-1, -2, -3]
    assert each([], work) == []


def test_failure_of_one_is_raised() -> None:
    def work(number: int) -> None:
        if number == 2:
            raise StartError("two")

    with pytest.raises(StartError, match="two"):
        each([1, 2, 3], work)
