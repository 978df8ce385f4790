"""Which files `make test` runs once more."""

import json

from scripts.failed_files import failed_files


def test_a_file_is_named_once_however_many_of_its_tests_failed() -> None:
    record = json.dumps({"tests/b.py::test_2[x::y]": True, "tests/a.py::test_1": True, "tests/b.py::test_1": True})
    assert failed_files(record) == ["tests/a.py", "tests/b.py"]


def test_a_run_that_recorded_no_failed_test_names_no_file() -> None:
    assert failed_files("{}") == []
