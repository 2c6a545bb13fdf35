"""Problems: bad ones are refused; prices and values of parts are those of the whole."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hier
from hier.problem import Groups, Problem

PROBLEMS = st.from_type(Problem)

GOOD = Problem(
    weights=np.array([1.0, 2.0]),
    cover=Groups.of([[0], [1], [0, 1]]),
    fidelity=np.ones(4, np.float32),
    size=np.array([3, 4, 5]),
    apart=np.array([1, 1, 1]),
    left=np.array([-1, 0, 1]),
    under=Groups.of([[], [0], [0]]),
    heading_price=np.array([2]),
    heading=np.array([0, -1, -1]),
)


def some_of(problem, draw):
    return draw(st.lists(st.integers(0, len(problem) - 1), unique=True))


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("weights", [1.0, np.nan], "weight 1 of the problem is nan"),
        ("weights", [np.inf, 1.0], "weight 0 of the problem is inf"),
        ("weights", [1.0, -0.5], "weight 1 of the problem is -0.5"),
        ("size", [3, -4, 5], "size 1 of the problem is -4"),
        ("apart", [1, 1, -1], "apart 2 of the problem is -1"),
        ("heading_price", [-2], "heading_price 0 of the problem is -2"),
        ("fidelity", [1, 1, 1.5, 1], "fidelity 2 of the problem is 1.5"),
        ("fidelity", [1, -0.25, 1, 1], "fidelity 1 of the problem is -0.25"),
        ("fidelity", [1, 1, 1, np.nan], "fidelity 3 of the problem is nan"),
        ("left", [-1, 0, 3], "left 2 of the problem is 3"),
        ("left", [-2, 0, 1], "left 0 of the problem is -2"),
        ("heading", [1, -1, -1], "heading 0 of the problem is 1"),
        ("heading", [0, -3, -1], "heading 1 of the problem is -3"),
    ],
)
def test_a_number_out_of_range_is_refused_by_name_and_place(name, values, message):
    kind = getattr(GOOD, name).dtype
    with pytest.raises(hier.InputError, match=message):
        replace(GOOD, **{name: np.array(values, kind)})


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("cover", [[0], [1], [0, 2]], "target 3 of the problem is 2"),
        ("cover", [[0], [-1], [0, 1]], "target 1 of the problem is -1"),
        ("under", [[], [0], [1]], "heading 1 of the problem is 1"),
    ],
)
def test_a_group_that_names_what_is_not_there_is_refused(name, rows, message):
    with pytest.raises(hier.InputError, match=message):
        replace(GOOD, **{name: Groups.of(rows)})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("size", np.array([3, 4])),
        ("apart", np.array([1, 1, 1, 1])),
        ("left", np.array([-1, 0])),
        ("heading", np.array([0, -1])),
        ("fidelity", np.ones(3, np.float32)),
        ("cover", Groups.of([[0], [1, 0, 1]])),
        ("under", Groups.of([[], [0]])),
    ],
)
def test_arrays_of_different_length_are_refused(name, values):
    with pytest.raises(hier.InputError, match="differ in length; give each candidate one"):
        replace(GOOD, **{name: values})


@pytest.mark.parametrize(
    "left",
    [[-1, 1, -1], [-1, 0, 0], [1, 0, -1], [2, 0, 1]],
    ids=["itself", "the same", "each other", "in a ring"],
)
def test_candidates_that_cannot_stand_in_one_text_are_refused(left):
    with pytest.raises(hier.InputError, match=r"follow"):
        replace(GOOD, left=np.array(left))


def test_a_price_is_tokens_marks_of_runs_and_headings_once():
    assert GOOD.price([]) == 0
    assert GOOD.price([0]) == 3 + 1
    assert GOOD.price([1]) == 4 + 1 + 2
    assert GOOD.price([0, 1]) == 3 + 1 + 4, "one run, and the heading is shown itself"
    assert GOOD.price([0, 2]) == 3 + 1 + 5 + 1
    assert GOOD.price([1, 2]) == 4 + 1 + 2 + 5, "the heading once"
    assert GOOD.price([1, 1, 2, 2]) == GOOD.price([1, 2])


def test_a_value_is_that_of_the_best_cover_of_each_target():
    problem = replace(GOOD, fidelity=np.array([0.5, 1, 0.25, 0.75], np.float32))
    assert problem.value([]) == 0
    assert problem.value([0, 2]) == 0.5 * 1 + 0.75 * 2
    assert problem.value([0, 1, 2]) == 0.5 * 1 + 1 * 2
    assert problem.gains(problem.weights).tolist() == [0.5, 2.0, 1.75]


@given(PROBLEMS, st.data())
def test_the_order_of_a_choice_changes_nothing(problem, data):
    chosen = some_of(problem, data.draw)
    other = data.draw(st.permutations(chosen))
    assert problem.price(chosen) == problem.price(other)
    assert problem.value(chosen) == problem.value(other)


@given(PROBLEMS, st.data())
def test_a_price_counts_every_run_and_every_heading_once(problem, data):
    shown = set(some_of(problem, data.draw))
    runs = [i for i in shown if problem.left[i] not in shown]
    titled = {int(problem.heading[i]) for i in shown}
    headings = {above for i in shown for above in problem.under[i]} - titled
    assert problem.price(shown) == (
        sum(int(problem.size[i]) for i in shown)
        + sum(int(problem.apart[i]) for i in runs)
        + sum(int(problem.heading_price[above]) for above in headings)
    )


@given(PROBLEMS, st.data())
def test_more_never_covers_less_and_adds_less_to_more(problem, data):
    few = some_of(problem, data.draw)
    many = few + some_of(problem, data.draw)
    one = data.draw(st.integers(0, len(problem) - 1))
    assert problem.value(many) >= problem.value(few)
    added = problem.value([*few, one]) - problem.value(few)
    assert problem.value([*many, one]) - problem.value(many) <= added + 1e-5


@given(PROBLEMS, st.data())
def test_what_is_beyond_a_choice_is_worth_what_it_adds(problem, data):
    chosen, more = some_of(problem, data.draw), some_of(problem, data.draw)
    added = problem.value([*chosen, *more]) - problem.value(chosen)
    assert problem.beyond(chosen).value(more) == pytest.approx(added, abs=1e-4)
    assert problem.beyond(chosen).price(more) == problem.price(more)


@given(PROBLEMS, st.data())
def test_what_is_given_costs_at_most_what_it_adds(problem, data):
    chosen, more = some_of(problem, data.draw), some_of(problem, data.draw)
    added = problem.price({*chosen, *more}) - problem.price(chosen)
    assert problem.given(chosen).price(more) <= added
    assert problem.given(chosen).value(more) == problem.beyond(chosen).value(more)


def test_a_heading_whose_line_is_given_may_cost_nothing_itself():
    problem = replace(GOOD, size=np.array([2, 4, 5]), left=np.full(3, -1))
    assert problem.price([0, 1]) - problem.price([1]) == 1
    assert problem.given([1]).price([0]) <= 1


def test_what_stands_before_what_is_given_spares_its_mark():
    problem = replace(GOOD, under=Groups.of([[]] * 3), heading=np.full(3, -1))
    assert problem.price([0, 1, 2]) - problem.price([2]) == 3 + 4
    assert problem.given([2]).price([0, 1]) <= 3 + 4


@given(PROBLEMS, st.data())
def test_gains_are_the_values_of_candidates_alone(problem, data):
    chosen = some_of(problem, data.draw)
    gains = problem.gains(problem.weights, problem.covered(chosen))
    for i, gain in enumerate(gains):
        assert gain == pytest.approx(problem.value([*chosen, i]) - problem.value(chosen), abs=1e-4)


@given(PROBLEMS)
def test_neighbours_and_headings_are_known_from_both_sides(problem):
    for i in range(len(problem)):
        size, apart, left, right, heading = problem.row(i)
        assert (size, apart, left) == (problem.size[i], problem.apart[i], problem.left[i])
        assert left < 0 or problem.right[left] == i
        assert right < 0 or problem.left[right] == i
        assert heading < 0 or problem.titles[heading] == i
        assert all(i in problem.below[above] for above in problem.under[i])
    assert sum(map(len, problem.below.lists)) == len(problem.under.members)


def test_groups_know_their_rows():
    groups = Groups.of([[4, 5], [], [6]])
    assert (groups[0], groups[1], groups[2]) == ([4, 5], [], [6])
    assert groups.rows.tolist() == [0, 0, 2]
    assert Groups.of([]).lists == []
