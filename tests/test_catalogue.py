"""Whatever a person can read is there in both languages."""

import re

from linkstar import catalogue

CHINESE = re.compile(r"[\u4e00-\u9fff]")
HOLE = re.compile(r"%\(\w+\)s")


def test_every_sentence_has_its_chinese() -> None:
    assert catalogue.missing() == []


def test_a_translation_keeps_the_holes_of_its_sentence() -> None:
    for message in catalogue.written():
        if isinstance(message.id, str) and message.id:
            assert sorted(HOLE.findall(message.id)) == sorted(HOLE.findall(str(message.string))), message.id


def test_the_sentences_in_code_and_templates_are_english() -> None:
    said = (message.id for message in catalogue.spoken() if message.id)
    assert [words for words in said if CHINESE.search(str(words))] == []


def test_templates_hold_no_chinese_of_their_own() -> None:
    """Except a language's own name, which is the same in every language."""
    folder = catalogue.CHECKOUT / "templates"
    found = {
        str(path.relative_to(folder)): CHINESE.findall(path.read_text().replace("中文", ""))
        for path in folder.rglob("*.html")
    }
    assert {name: letters for name, letters in found.items() if letters} == {}
