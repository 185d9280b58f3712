"""The report of your own data: what it says is what was measured, and names of tasks and labels cannot break it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binomtest

from mtcs.bundles.cross_validation import Validation
from mtcs.bundles.metrics import fold_scores, left_out_scores
from mtcs.reports.analysis.own import interval, own_task
from mtcs.reports.own import confusion_table
from mtcs.reports.template import template


def said(truth: list[int], predicted: list[int], labels: tuple[str, ...] = ("ok", "worn"), **more) -> Validation:
    """Of predictions with a decision of 1 for each, in two folds."""
    decisions = 2.0 * (np.array(predicted)[:, None] == np.arange(len(labels))) - 1
    n = len(truth)
    fields = {"decisions": decisions, "probabilities": softmax(decisions, axis=1), "fold": np.arange(n) % 2, **more}
    return Validation(labels=np.array(labels), truth=np.array(truth), predicted=np.array(predicted), **fields)


def line(text: object) -> str:
    return " ".join(str(text).split())


@pytest.fixture(scope="module")
def page(own_page: Path) -> str:
    return own_page.read_text()


def test_the_page_has_every_part(page: str) -> None:
    for title in (
        *("Which labels are alike", "What learning together was worth", "How more labels would help"),
        *("How far to trust a probability", "How it was made", "Wrong", "right only together"),
    ):
        assert title in page
    assert page.count('<svg class="series"') > 3
    assert re.search(r"of pumps are right \d+(\.\d)?\s% of the time \(\d+ to \d+\), against \d+", line(page))


def test_names_are_text(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert '<span class="heat"' in page


def test_series_have_the_names_of_their_file(page: str) -> None:
    titles = re.findall(r"</svg><b>(.*?)</b>", page)
    assert titles
    assert {title.rstrip("0123456789") for title in titles} <= {"recording &lt;", "series "}


def test_values_that_stand_for_missing_ones_are_not_drawn(page: str) -> None:
    ranges = [tuple(map(float, one)) for one in re.findall(r"values from (\S+) to (\S+?)\"", page)]
    assert ranges
    assert all(-20 < low < high < 20 for low, high in ranges)


def test_nothing_of_the_paper_is_on_it(page: str) -> None:
    assert "paper" not in page.lower().replace("--paper", "")


def test_numbers_are_those_of_the_predictions() -> None:
    truth, predicted = [0] * 6 + [1] * 4, [0] * 5 + [1] + [1] * 3 + [0]
    task = own_task("pumps", said(truth, predicted))
    assert task.accuracy == 0.8
    assert (task.majority, task.always) == (0.6, "ok")
    np.testing.assert_array_equal(task.confusion, [[5, 1], [1, 3]])
    assert task.by_label["recall"].tolist() == [5 / 6, 3 / 4]
    assert task.by_label["precision"].tolist() == [5 / 6, 3 / 4]
    assert {case.row for case in task.wrong} == {5, 9}
    assert task.together is None
    cells = [re.sub("<.*?>", "", str(cell)) for row in confusion_table(task).to_numpy() for cell in row]
    assert cells == ["5", "1", "1", "3"]


def test_the_page_and_the_console_have_the_same_scores_of_unequal_folds() -> None:
    one = said([0, 1, 0, 1, 0, 0, 1, 1], [0, 0, 0, 1, 0, 0, 1, 0], fold=np.array([0] * 2 + [1] * 6))
    page, console = own_task("pumps", one), left_out_scores({"pumps": one})["pumps"]
    assert console["accuracy"] == page.accuracy == 0.75
    assert console["balanced_accuracy"] == page.by_label["recall"].mean()
    assert console["log_loss"] == page.calibration["log loss"]
    assert console["calibration_error"] == page.calibration["calibration error"]
    assert fold_scores({"pumps": one})["accuracy"].tolist() == [1 / 2, 5 / 6], "whose mean is another number"


def test_learning_together_is_compared_series_by_series() -> None:
    truth = [0] * 10
    task = own_task("pumps", said([*truth, 1], [0] * 9 + [1, 1], alone=np.array([0] * 6 + [1] * 4 + [1])))
    assert task.together is not None
    assert (task.together.gained, task.together.lost) == (3, 0)
    assert task.together.p == binomtest(3, 3).pvalue
    assert task.together.alone == 7 / 11


def test_learning_together_is_compared_group_by_group_where_there_are_groups() -> None:
    truth, alone = [0] * 12, np.array([0] * 6 + [1] * 6)  # the joint models gain six series, all of two groups
    task = own_task("pumps", said([*truth, 1], [*truth, 1], alone=np.append(alone, 1), group=np.arange(13) // 3))
    assert task.together is not None
    assert (task.together.gained, task.together.lost) == (6, 0)
    assert task.together.p == 0.5  # of two groups, both ahead; six series would have 0.03


def test_the_interval_is_wilsons_and_groups_widen_it() -> None:
    right, groups = np.array([True] * 80 + [False] * 20), np.repeat(np.arange(10), 10)
    assert interval(right) == pytest.approx(binomtest(80, 100).proportion_ci(method="wilson"), abs=1e-6)
    low, high = interval(right, groups)
    assert low < 0.6 and high > 0.9
    assert interval(right, np.arange(100)) == pytest.approx(interval(right))


def test_groups_that_are_all_right_are_not_thrown_away() -> None:
    right, groups = np.ones(200, dtype=bool), np.repeat(np.arange(5), 40)
    low, high = interval(right, groups)
    assert interval(np.ones(5, dtype=bool))[0] < low < interval(right)[0] and high == 1
    right[0] = False
    assert interval(right, groups)[0] == pytest.approx(low, abs=0.01)


@pytest.mark.parametrize("alike", [0.05, 0.3, 0.6])
@pytest.mark.parametrize(("groups", "size"), [(4, 50), (8, 30), (20, 20)])
@pytest.mark.parametrize("accuracy", [0.85, 0.95])
def test_nine_of_ten_intervals_of_groups_or_more_hold_the_accuracy(
    accuracy: float, groups: int, size: int, alike: float
) -> None:
    """alike: how far series of one group are right together, the correlation between two of them."""
    rng, of = np.random.default_rng(0), np.repeat(np.arange(groups), size)
    draws, precision = 400, 1 / alike - 1
    if precision:
        shares = rng.beta(accuracy * precision, (1 - accuracy) * precision, (draws, groups))
    else:
        shares = rng.random((draws, groups)) < accuracy
    right = rng.random((draws, len(of))) < shares[:, of]
    intervals = [interval(one, of) for one in right]
    assert np.mean([low <= accuracy <= high for low, high in intervals]) > 0.9


def test_too_few_series_are_named() -> None:
    words = template("own_words.html.jinja").module  # pyright: ignore
    few = own_task("pumps", said([0, 0, 0, 1, 1], [0, 0, 0, 1, 0]))
    assert "not shown to be better than always saying “ok”" in line(words.doubt(few))
    of_two = own_task("pumps", said([0, 0, 0, 1, 1], [0, 0, 0, 1, 0], group=np.array([0, 0, 0, 1, 1])))
    assert line(words.doubt(of_two)) == (
        "With 5 series of 2 groups this is not shown to be better than always saying “ok”: label more, of other "
        "groups, or look whether the labels can be told from the series at all."
    )
    wide = own_task("pumps", said([0, 1] * 200, [0, 1] * 200, group=np.repeat(np.arange(4), 100)))
    assert line(words.doubt(wide)) == (
        "400 series of 4 groups leave a wide range; more labelled ones, of other groups, would narrow it."
    )
    many = own_task("pumps", said([0, 1] * 200, [0, 1] * 200))
    assert line(words.doubt(many)) == ""
    assert line(words.verdict(many)) == (
        "Labels of new recordings of pumps are right 100 % of the time (99 to 100), "
        "against 50 % for always saying “ok”."
    )
    assert "from 80 % (pumps) to 100 % (pumps)" in line(words.summary([few, many]))


@pytest.mark.parametrize(("threshold", "often"), [(2.0, "twice"), (1.5, "1.5 times"), (3.0, "3 times")])
def test_how_much_alike_labels_must_be_is_what_the_model_was_trained_with(threshold: float, often: str) -> None:
    words = template("own_words.html.jinja").module  # pyright: ignore
    assert line(words.none_alike(threshold)).endswith(f"more than {often} as often as on average.")


def test_labels_without_predictions_or_probabilities() -> None:
    task = own_task("pumps", said([0, 0, 1, 1], [0, 0, 0, 0], decisions=None, probabilities=None))
    assert np.isnan(task.by_label["precision"].iloc[1])
    assert task.calibration == {}
    assert task.unsure == ()
    labels = tuple(map(str, range(30)))
    many = own_task("pumps", said([*range(30)] * 2, [*range(30), *range(29), 0], labels))
    assert confusion_table(many).reset_index().to_numpy().tolist() == [["29", "0", 1]]
