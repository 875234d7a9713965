"""Which passwords are taken, and which are not."""

import time

import pytest

from linkstar.models.password import faults
from tests.world import PASSWORD

PERSON = ["ops@example.com", "林晓雨"]


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "blue kettle walks",
        "春眠不觉晓处处闻啼鸟夜来风雨声",
        "八块五花肉配两瓶老陈醋",
        "Tr0ub4dor&3-horse",
        "8Fj2-kQ9x1mN",
        "🍊🍊 under the bridge 🍊",
        "lin-walks-to-the-harbour",
        "x7!" * 3 + "correct horse battery staple " * 5,
    ],
)
def test_what_nobody_guesses_is_taken(password):
    assert faults(password, of=PERSON) == []


@pytest.mark.parametrize(
    "password",
    [
        "1234567890",
        "password12",
        "Password123!",
        "p@ssw0rd123",
        "qwertyuiop",
        "1qaz2wsx3edc",
        "woaini1314",
        "5201314520",
        "a123456789",
        "iloveyou123",
        "letmein12345",
        "aaaaaaaaaaaaaaaa",
        "88888888888",
        "20201010202",
        "admin123456",
        "Linkstar2026!",
        "联星联星联星联星联星",
    ],
)
def test_what_stands_in_the_lists_is_not(password):
    assert faults(password, of=PERSON) == ["common"]


@pytest.mark.parametrize(
    "password", ["ops@example.com", "OPS@example.com1", "example.com", "林晓雨林晓雨林晓雨林晓雨", "林晓雨 ops 2026"]
)
def test_the_address_and_the_name_are_not(password):
    assert faults(password, of=PERSON) == ["yours"]


@pytest.mark.parametrize(
    ("password", "said"),
    [("", ["short"]), ("春眠不觉晓", ["short"]), ("k" * 9, ["short"]), ("blue kettle walks " * 12, ["long"])],
)
def test_short_and_long_are_not(password, said):
    assert faults(password, of=PERSON) == said


@pytest.mark.parametrize("password", ["4@8({[</369&#!1/|0$57+%2" * 8, "@4" * 100, "aB1!" * 50, "é" * 200, "2019" * 50])
def test_none_takes_long_to_judge(password):
    faults(password, of=PERSON)  # the lists are read once
    began = time.process_time()
    faults(password, of=PERSON)
    assert time.process_time() - began < 1
