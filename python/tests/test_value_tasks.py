"""Tasks of values as they are declared: methods, options, names, and how they travel."""

from __future__ import annotations

import copy
import inspect
import multiprocessing
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from millpond import Pool, Retry, TaskTimeoutError, Value
from millpond import testing as millpond_testing

pool = Pool(2)


@pool.task
def add(left: int, right: int = 1) -> int:
    """Add two numbers."""
    return left + right


class Account:
    def __init__(self, balance: int) -> None:
        self.balance = balance

    @pool.task
    def after(self, *amounts: int) -> int:
        return self.balance + sum(amounts)

    @pool.task(name="twice as much")
    def twice(self) -> int:
        return 2 * self.balance

    @staticmethod
    @pool.task
    def fee(amount: int) -> int:
        return amount // 10

    @pool.task
    @staticmethod
    def inner_fee(amount: int) -> int:
        return amount // 5

    @pool.task
    @classmethod
    def called(cls, greeting: str) -> str:
        return f"{greeting} {cls.__name__}"

    count = pool.task(len)


def test_a_method_has_its_instance() -> None:
    account = Account(10)
    assert account.after(1, 2).get() == 13
    assert account.after(account.twice(), pool.value(abs, -3)).get() == 33
    assert Account.after(account, 1).get() == 11
    assert account.twice().name == "twice as much"
    assert account.twice.name == "twice as much"
    assert account.fee(50).get() == Account.fee(50).get() == 5
    assert account.inner_fee(50).get() == Account.inner_fee(50).get() == 10
    assert account.called("hello").get() == Account.called("hello").get() == "hello Account"
    # What Python does not bind stays as it is.
    assert account.count("abc").get() == 3


def test_the_instance_is_passed_as_it_is() -> None:
    class Pipeline:
        def __init__(self, number: int) -> None:
            self.number = pool.value(abs, number)

        @pool.task
        def itself(self) -> Pipeline:
            return self

    pipeline = Pipeline(-3)
    assert pipeline.itself().get() is pipeline
    assert not pipeline.number.done


def test_a_task_looks_like_its_function() -> None:
    assert (add.__name__, add.__doc__, add.__module__) == ("add", "Add two numbers.", __name__)
    assert list(inspect.signature(add).parameters) == ["left", "right"]
    assert list(inspect.signature(Account(1).after).parameters) == ["amounts"]
    assert add.function(2, 3) == 5
    assert Account(4).after.function(1) == 5


def test_retries_call_again() -> None:
    calls: list[int] = []

    @pool.task(retries=Retry(2, wait=0.001))
    def third_time(number: int) -> int:
        calls.append(number)
        if len(calls) < 3:
            raise ValueError(number)
        return number

    assert third_time(5).get() == 5
    assert calls == [5, 5, 5]
    calls.clear()
    failing = pool.task(third_time.function, retries=1)(6)
    with pytest.raises(ValueError, match="6"):
        failing.get()
    assert calls == [6, 6]


def test_a_handler_gives_the_value() -> None:
    @pool.task(on_error=lambda error, number, *, scale: (type(error), number, scale), retries=1)
    def divide(number: int, *, scale: int) -> Any:
        return scale / number

    assert divide(2, scale=4).get() == 2
    assert divide(0, scale=4).get() == (ZeroDivisionError, 0, 4)

    @pool.task(on_error=lambda error: 1)
    def leave() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave().get()


def test_a_call_that_took_too_long_is_an_error() -> None:
    def body(trial: Any) -> Any:
        def sleep(seconds: float) -> float:
            millpond_testing.sleep(seconds)
            return seconds

        task = trial.pool.task(sleep, timeout=0.5)
        with pytest.raises(TaskTimeoutError, match=r"^a call of task `sleep` took longer than its timeout of `0.5`"):
            task(1).get()
        return task(0).get(), trial.pool.task(sleep, timeout=0.5, on_error=lambda *_: "late")(1).get()

    with Pool.simulated(1) as simulated:

        class Trial:
            pool = simulated

        assert body(Trial) == (0, "late")


def test_options_of_a_task_are_the_functions_keywords_in_a_value() -> None:
    def show(**keywords: Any) -> dict[str, Any]:
        return keywords

    keywords = {"retries": 3, "on_error": "skip", "timeout": "soon", "name": "x", "function": 1, "self": 2}
    assert pool.value(show, **keywords).get() == keywords


@pytest.mark.parametrize(
    ("option", "kind", "message"),
    [
        ({"on_error": "skip"}, ValueError, r'on_error must be "raise" or a function of the error and the item'),
        ({"retries": -1}, ValueError, "retries"),
        ({"timeout": "soon"}, TypeError, "timeout"),
    ],
)
def test_options_that_mean_nothing_are_refused(option: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        pool.task(abs, **option)


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


def test_decorated_functions_travel_to_processes(processes: ProcessPoolExecutor) -> None:
    with Pool(2, executor=processes) as elsewhere:
        # What their names lead to are the tasks, not the functions.
        assert elsewhere.value(add.function, 2, 3).get() == 5
        assert elsewhere.source([1, 2]).map(add.function).read_all() == [2, 3]
        assert elsewhere.value(Account.after.function, Account(1), 2).get() == 3
        assert elsewhere.source([10]).flat_map(hidden_twice.__wrapped__).read_all() == [10, 10]
        assert processes.submit(_call, add, 4).result() == 5
        assert processes.submit(_call, Account(3).after, 4).result() == 7


def _call(task: Any, argument: int) -> Any:
    value = task(argument)
    assert isinstance(value, Value)
    return value.get()


class _Decorated:
    def __init__(self, function: Any) -> None:
        self.__wrapped__ = function


@_Decorated
def hidden_twice(number: int) -> list[int]:
    return [number, number]


def test_a_task_is_pickled_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(add)) is add
    assert copy.copy(add) is copy.deepcopy(add) is add
    account = pickle.loads(pickle.dumps(Account(3).after))
    assert account(1).get() == 4
    with pytest.raises(TypeError, match="no name that leads to it"):
        pickle.dumps(pool.task(len))
