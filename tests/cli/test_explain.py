"""`npu-adapt explain` as a process: one article, the list, and what it does not know."""

from __future__ import annotations


def test_an_article_is_printed_in_the_language_asked_for(cli) -> None:
    done = cli("explain", "hf32", "--lang", "zh")
    assert done.code == 0 and "昇腾" in done.stdout and done.stderr == ""


def test_the_list_names_every_topic_and_fits_the_width(cli) -> None:
    done = cli("explain")
    assert done.code == 0 and "Warnings of a benchmark" in done.stdout and "noise-floor" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_an_unknown_id_is_a_usage_error_with_the_nearest_one(cli) -> None:
    done = cli("explain", "few-sample")
    assert done.code == 2 and "few-samples" in done.stderr and done.stdout == ""
