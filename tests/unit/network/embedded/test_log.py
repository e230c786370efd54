"""What the embedded network's log leaves out."""

import logging

from grpc._cython import cygrpc

from network.embedded.__main__ import is_news


def record(error: Exception | None) -> logging.LogRecord:
    raised = (type(error), error, None) if error else None
    return logging.LogRecord("grpc._cython.cygrpc", logging.ERROR, "", 0, "raised by a method", (), raised)


def test_that_a_client_went_away_is_no_news() -> None:
    assert not is_news(record(cygrpc.ExecuteBatchError("Failed")))


def test_other_errors_are_news() -> None:
    assert is_news(record(ValueError("wrong")))
    assert is_news(record(None))
