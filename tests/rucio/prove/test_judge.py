"""What a probe's report means."""

from __future__ import annotations

from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from secretsync.rucio.check import Severity
from secretsync.rucio.prove import Proof, RucioEnvironment, RucioUnusable, Verdict
from secretsync.rucio.prove.judge import HUNG, judge
from tests.rucio.check.build import policy

RUCIO = RucioEnvironment("41.5.1", Path("/opt/rucio/bin/python"))
MISSING = {"error": "ModuleNotFoundError", "message": "No module named 'metacat'", "file": "permission.py", "line": 3}


def report(**changes: Any) -> dict[str, Any]:
    """A sound package's report, with other facts."""
    own = {part: {"module": f"pol.{part}", "file": f"/policy/pol/{part}.py"} for part in ("permission", "schema")}
    return {
        "step": "files",
        "done": True,
        "python": "3.9.18",
        "rucio": "41.5.1",
        "logged": [],
        "in_force": own,
        "reasons": {},
        "algorithms": {"registration": [], "error": [], "returned": {}, "lost": []},
        "default_algorithms": {},
        "schema_error": [],
        "answers": [{"account": "root", "action": "add_rse", "rucio": True, "package": True}],
        "folders": ["/policy/pol"],
        "files": {file.path: file.digest for file in policy().files},
        **changes,
    }


def judged(ended: int = 0, **changes: Any) -> Proof:
    return judge(policy(), report(**changes), ended, vo="", rucio=RUCIO)


def generic(part: str) -> dict[str, dict[str, str]]:
    rooms = {"permission": "rucio.core.permission.generic", "schema": "rucio.common.schema.generic"}
    return {**report()["in_force"], part: {"module": rooms[part], "file": "/site-packages/generic.py"}}


def test_a_package_with_its_own_modules_in_force_loads() -> None:
    assert judged().verdict is Verdict.LOADS
    assert judged().findings == ()


def test_generic_permissions_instead_of_the_packages_are_an_error_that_names_the_cause_and_its_line() -> None:
    (finding,) = judged(in_force=generic("permission"), reasons={"permission": [MISSING]}).findings
    assert (finding.severity, finding.path, finding.line) == (Severity.ERROR, "permission.py", 3)
    assert "rucio.core.permission.generic" in finding.effect
    assert "without a log line" in finding.effect
    assert "metacat" in finding.effect


def test_the_warning_that_rucio_logs_is_told() -> None:
    line = "policy: Unable to load permission module pol.permission from policy package, falling back to generic"
    (finding,) = judged(in_force=generic("permission"), reasons={"permission": [MISSING]}, logged=[line]).findings
    assert "logs one WARNING" in finding.effect


def test_a_package_that_has_no_schema_of_its_own_is_a_warning() -> None:
    bundle = policy({"schema.py": None})
    files = {file.path: file.digest for file in bundle.files}
    proof = judge(bundle, report(in_force=generic("schema"), files=files), 0, vo="", rucio=RUCIO)
    assert [finding.severity for finding in proof.findings] == [Severity.WARNING]


def test_an_error_while_rucio_imports_the_package_is_fatal_and_its_first_cause_is_told() -> None:
    seen = {"error": "PolicyPackageNotFound", "message": "pol not found", "file": "", "line": 0}
    proof = judged(step="load", done=False, died=[seen, MISSING])
    assert proof.verdict is Verdict.DIES
    assert "PolicyPackageNotFound: pol not found, because of ModuleNotFoundError" in proof.findings[0].effect


@pytest.mark.parametrize(
    ("ended", "died", "verdict"),
    [
        (0, "SystemExit", Verdict.EXITS),
        (7, "", Verdict.EXITS),
        (0, "", Verdict.EXITS),
        (HUNG, "", Verdict.HANGS),
        (-SIGKILL, "", Verdict.CRASHES),
        (0, "MemoryError", Verdict.CRASHES),
        (0, "RecursionError", Verdict.DIES),
    ],
)
def test_each_way_of_not_getting_to_the_end_is_told_apart(ended: int, died: str, verdict: Verdict) -> None:
    chain = [{"error": died, "message": "", "file": "", "line": 0}] if died else []
    proof = judged(ended, step="load", done=False, died=chain)
    assert proof.verdict is verdict
    assert "imports the package" in proof.findings[0].effect or verdict is Verdict.DIES


def test_a_file_that_the_process_sees_with_other_content_means_that_another_copy_is_in_force() -> None:
    files = {**report()["files"], "permission.py": "0" * 64}
    proof = judged(files=files, folders=["/site-packages/pol"])
    assert proof.verdict is Verdict.OTHER_CODE
    assert "/site-packages/pol" in proof.findings[0].effect


def test_algorithms_whose_registration_raises_take_down_whatever_uses_them() -> None:
    chain = [{"error": "InvalidPolicyPackageAlgorithmType", "message": "surl", "file": "", "line": 0}]
    proof = judged(algorithms={"registration": chain, "error": [], "returned": {}, "lost": []})
    assert proof.verdict is Verdict.DIES_AT_FIRST_USE


def test_an_error_in_get_algorithms_that_rucio_swallows_loses_them() -> None:
    proof = judged(algorithms={"registration": [], "error": [MISSING], "returned": {}, "lost": []})
    assert proof.verdict is Verdict.ALGORITHMS_LOST
    assert "swallows" in proof.findings[0].effect


def test_a_default_algorithm_without_effect_is_named() -> None:
    proof = judged(default_algorithms={"lfn2pfn": [MISSING], "scope": []})
    assert [finding.about for finding in proof.findings] == ["lfn2pfn"]
    assert proof.verdict is Verdict.ALGORITHMS_LOST


def test_a_has_permission_that_cannot_be_called_is_generic_permissions_in_disguise() -> None:
    wrong = "TypeError: has_permission() got an unexpected keyword argument 'session'"
    answers = [{"account": "root", "action": "add_rse", "rucio": True, "package": wrong}]
    assert judged(answers=answers).verdict is Verdict.GENERIC


def test_a_has_permission_that_leaves_the_answer_to_rucio_lacks_nothing() -> None:
    answers = [{"account": "root", "action": "add_rse", "rucio": True, "package": None}]
    assert judged(answers=answers).verdict is Verdict.LOADS


def test_what_rucios_own_permissions_stumble_over_too_is_the_examples_fault() -> None:
    missing = "KeyError: 'account'"
    answers = [
        {"account": "root", "action": "add_rse", "rucio": True, "package": True, "generic": True},
        {"account": "root", "action": "add_account", "rucio": missing, "package": missing, "generic": missing},
    ]
    assert judged(answers=answers).verdict is Verdict.LOADS
    answers[1]["generic"] = True
    assert judged(answers=answers).verdict is Verdict.DIES_AT_FIRST_USE


def test_an_argument_of_other_questions_that_one_account_alone_comes_to_is_a_warning() -> None:
    lost = "KeyError: 'rse_id'"
    limit = {"action": "delete_global_account_limit", "given": ["account"], "generic": True}
    answers: list[dict[str, object]] = [
        {"account": "root", "action": "add_rse", "given": ["rse_id"], "rucio": True, "package": True, "generic": True},
        {"account": "root", **limit, "rucio": True, "package": True},
        {"account": "nobody", **limit, "rucio": lost, "package": lost},
    ]
    proof = judged(answers=answers)
    assert (proof.verdict, [one.severity for one in proof.findings]) == (Verdict.LOADS, [Severity.WARNING])
    answers[1] = {**answers[1], "rucio": lost, "package": lost}
    assert judged(answers=answers).verdict is Verdict.DIES_AT_FIRST_USE
    misspelt = "KeyError: 'rse_ids'"
    answers[1:] = [{"account": "root", **limit, "rucio": True, "package": True}]
    answers += [{"account": "nobody", **limit, "rucio": misspelt, "package": misspelt}]
    assert judged(answers=answers).verdict is Verdict.DIES_AT_FIRST_USE


def test_a_row_that_the_database_does_not_take_is_a_warning() -> None:
    why = {"error": "TypeError", "message": "'vo' is an invalid keyword argument for RSE", "file": "", "line": 0}
    proof = judged(unmade={"RSE": [why]})
    assert proof.verdict is Verdict.LOADS
    (finding,) = proof.findings
    assert (finding.severity, finding.about) == (Severity.WARNING, "database/RSE")


def test_what_an_empty_database_does_not_have_is_the_examples_fault() -> None:
    lost = "RuleNotFound: No replication rule found"
    answers = [{"account": "root", "action": "del_rule", "rucio": lost, "package": lost, "generic": True}]
    assert judged(answers=answers).verdict is Verdict.LOADS


def test_a_type_error_in_one_action_means_that_generic_decides_it() -> None:
    wrong = "TypeError: has_account_attribute() missing 1 required positional argument: 'session'"
    answers = [
        {"account": "root", "action": "add_rse", "rucio": True, "package": True, "generic": True},
        {"account": "root", "action": "del_rse", "rucio": True, "package": wrong, "generic": True},
    ]
    (finding,) = judged(answers=answers).findings
    assert "'del_rse' by its generic permissions, without a log line" in finding.effect


def test_an_action_that_the_table_lacks_is_generics_and_no_fault() -> None:
    lacking = "TypeError: 'NoneType' object is not callable"
    answers = [{"account": "root", "action": "add_rse", "rucio": True, "package": lacking, "generic": True}]
    assert judged(answers=answers).verdict is Verdict.LOADS


def test_what_has_no_allowed_fails_at_the_gateway() -> None:
    wrong = "AttributeError: 'tuple' object has no attribute 'allowed'"
    answers = [{"account": "root", "action": "add_rse", "rucio": wrong, "package": wrong, "generic": True}]
    assert judged(answers=answers).verdict is Verdict.DIES_AT_FIRST_USE


def test_each_schema_that_cannot_be_used_is_named() -> None:
    chain = [{"error": "SchemaError", "message": "'sting' is not valid", "file": "", "line": 0}]
    (finding,) = judged(schema_errors={"name": chain}).findings
    assert (finding.path, finding.about) == ("schema.py", "name")
    assert judged(schemas="list", schema_errors={}).verdict is Verdict.GENERIC


def test_an_algorithm_that_does_not_take_what_rucio_gives_it_dies_at_first_use() -> None:
    found = {"registration": [], "error": [], "returned": {}, "lost": [], "takes": {"lfn2pfn": {"pol": [1, 1]}}}
    assert judged(algorithms=found).verdict is Verdict.DIES_AT_FIRST_USE
    found["takes"] = {"lfn2pfn": {"pol": [5, 5], "other": None}}
    assert judged(algorithms=found).verdict is Verdict.LOADS


def test_another_python_than_the_images_is_a_warning() -> None:
    (finding,) = judged(python="3.11.7").findings
    assert (finding.severity, "3.9" in finding.effect) == (Severity.WARNING, True)
    assert judged(python="3.11.7").verdict is Verdict.LOADS


def test_a_package_named_like_a_module_of_rucio_is_told_as_that() -> None:
    died = [{"error": "ImportError", "message": "cannot import name 'orm'", "file": "", "line": 0}]
    proof = judge(policy(module="sqlalchemy"), {"step": "rucio", "died": died, "python": "3.9"}, 0, vo="", rucio=RUCIO)
    assert proof.verdict is Verdict.DIES
    assert "needs a module sqlalchemy of its own" in proof.findings[0].effect


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.DIES_AT_FIRST_USE),
        ({"step": "load", "done": False, "died": [MISSING]}, Verdict.DIES),
    ],
)
def test_a_package_with_the_name_of_a_module_that_rucio_needs_is_told_as_that(
    changes: dict[str, Any], verdict: Verdict
) -> None:
    proof = judge(policy(module="requests"), report(**changes), 0, vo="", rucio=RUCIO)
    assert proof.verdict is verdict
    assert proof.findings[0].effect.startswith("Rucio needs a module requests of its own, and this package takes its ")
    assert proof.findings[0].remedy == "Give the package another name"


def test_a_name_that_does_not_exist_is_a_fault_even_in_one_policy_function() -> None:
    wrong = "NameError: name 'parse_expresion' is not defined"
    answers = [
        {"account": "root", "action": "add_rse", "rucio": True, "package": True},
        {"account": "root", "action": "del_rse", "rucio": wrong, "package": wrong},
    ]
    assert judged(answers=answers).verdict is Verdict.DIES_AT_FIRST_USE


def test_the_worst_of_several_faults_is_the_verdict() -> None:
    proof = judged(in_force=generic("permission"), default_algorithms={"lfn2pfn": [MISSING]})
    assert len(proof.faults) == 2
    assert proof.verdict is Verdict.GENERIC


def test_a_rucio_that_does_not_get_as_far_as_the_package_proves_nothing() -> None:
    none = {"error": "ModuleNotFoundError", "message": "No module named 'rucio'", "file": "", "line": 0}
    with pytest.raises(RucioUnusable, match=r"No module named 'rucio'.*--rucio-python"):
        judge(policy(), {"step": "rucio", "died": [none]}, 0, vo="", rucio=RUCIO)


def test_a_process_that_left_no_report_proves_nothing() -> None:
    with pytest.raises(RucioUnusable, match="exit code 1"):
        judge(policy(), {}, 1, vo="", rucio=RUCIO)


@pytest.mark.parametrize(("kind", "verdict"), [("NoneType", Verdict.GENERIC), ("function", Verdict.LOADS)])
def test_a_has_permission_that_is_no_function_leaves_all_to_generic(kind: str, verdict: Verdict) -> None:
    assert judged(has_permission=kind).verdict is verdict


def test_schemas_that_fail_for_one_reason_are_one_fault() -> None:
    chain = [{"error": "TypeError", "message": "argument of type 'function' is not iterable", "file": "", "line": 0}]
    (finding,) = judged(schema_errors={"account": chain, "name": chain, "rse": chain, "rule": chain}).findings
    assert "'account', 'name', 'rse' and 1 more ends with TypeError" in finding.effect
