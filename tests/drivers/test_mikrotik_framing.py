"""Sentences on the wire: cut wherever a segment ends, words of any length and alphabet, items that matter to nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mikrotik.entries import standing_at
from drivers.mikrotik.framing import Words, cut, encoded, values_of, words_of

word = st.text(min_size=1, max_size=200)
sentence = st.lists(word, min_size=1, max_size=5).map(tuple)


@given(st.lists(sentence, max_size=4), st.data())
def test_sentences_come_out_whole_wherever_a_segment_ends(sentences: list[Words], data: st.DataObject) -> None:
    stream = b"".join(encoded(*words) for words in sentences)
    end = data.draw(st.integers(0, len(stream)))
    first, rest = cut(stream[:end])
    second, left = cut(stream[rest:])
    assert [tuple(words_of(raw)) for _, raw in first + second] == sentences
    assert rest + left == len(stream)


def test_a_tag_is_a_word_and_not_what_looks_like_one_in_a_value() -> None:
    said, _ = cut(encoded("!re", "=comment=x\x07.tag=12", ".tag=7") + encoded("!re", ".tag=8", "=name=ana"))
    assert [tag for tag, _ in said] == [b".tag=7", b".tag=8"]


def test_values_may_hold_equals_signs_and_nothing() -> None:
    assert values_of(["!re", "=comment=a=b", "=empty=", ".tag=1"]) == {"comment": "a=b", "empty": ""}


@pytest.mark.parametrize("odd", ["name=ana", "=name", ".other=1", "x"])
def test_a_word_that_is_no_value_is_refused(odd: str) -> None:
    with pytest.raises(ValueError, match="unexpected word"):
        values_of(["!re", odd])


@pytest.mark.parametrize(
    ("words", "lets"),
    [
        (("=address=10.0.0.1", "=list=x"), True),
        (("=list=x", "=address=10.0.0.11"), False),
        (("=address=10.0.0.1", "=comment=" + "x" * 40), True),
        (("=address=10.0.0.0/24",), True),
        (("=address=10.0.0.5-10.0.0.9",), True),
        (("=list=x",), True),
        (("=comment=y=address=10.0.0.2", "=address=10.0.0.1"), True),
        (("=comment=" + "é" * 90, "=address=10.0.0.2"), False),
    ],
    ids=["his", "another's", "before a word as long as a digit", "a prefix", "a range", "no address at all",
         "behind what looks like one", "behind a long word"],
)  # fmt: skip
def test_items_of_nobody_who_was_asked_for_are_left_packed(words: Words, lets: bool) -> None:
    assert standing_at({"10.0.0.1"})(encoded("!re", *words, ".tag=1")) is lets
