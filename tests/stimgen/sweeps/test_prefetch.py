import threading

import pytest

from stimgen.sweeps.prefetch import prefetch


def test_results_come_in_order_and_few_are_held() -> None:
    started = 0
    lock = threading.Lock()

    def work(item: int) -> int:
        nonlocal started
        with lock:
            started += 1
        return item * item

    results = prefetch(work, range(100), ahead=5, workers=3)
    assert [next(results) for _ in range(10)] == [i * i for i in range(10)]
    assert started <= 10 + 5 + 1
    assert list(results) == [i * i for i in range(10, 100)]


def test_faults_reach_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(prefetch(lambda i: 1 // i, [1, 0]))
