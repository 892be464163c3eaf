"""What CI asks of the tests themselves."""

import pytest

SKIPS = """
import pytest

@pytest.mark.skipif(True, reason="no sandbox")
def test_needs_a_sandbox(): ...

def test_skips_itself():
    pytest.skip("no browser")
"""


@pytest.mark.parametrize(("ci", "outcome"), [("true", {"failed": 1, "errors": 1}), ("", {"skipped": 2})])
def test_under_ci_a_skipped_test_is_a_failure(pytester, monkeypatch, request, ci, outcome):
    monkeypatch.setenv("CI", ci)
    pytester.makeconftest(request.config.rootpath.joinpath("tests", "conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile(SKIPS)
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(**outcome)


def test_under_ci_a_file_that_skips_itself_is_an_error(pytester, monkeypatch, request):
    monkeypatch.setenv("CI", "true")
    pytester.makeconftest(request.config.rootpath.joinpath("tests", "conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile("import pytest\npytest.importorskip('no_such_package')\n")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(errors=1)
