"""`course doctor`: a line for each need, and what to do where one is not met."""

import re


def test_doctor_has_a_line_per_need_and_exits_0_where_nothing_fails(type_command):
    done = type_command("doctor")
    assert done.returncode == 0
    assert all(re.match(r"\[(ok|warn)\] +\w+: ", line) for line in done.stdout.splitlines())
    assert "Fashion-MNIST 12,000 + 2,000" in done.stdout


def test_doctor_says_what_to_do_and_exits_1_where_a_need_is_not_met(type_command):
    done = type_command("doctor", COURSE_DEVICE="tpu")
    assert done.returncode == 1
    assert "[fail] device: unknown device 'tpu': set COURSE_DEVICE" in done.stdout
