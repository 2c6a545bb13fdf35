"""The allocator: within the budget, more for more, in one order, and by the rules it was given."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hier.allocate import Rules, allocate, order
from hier.problem import Groups, Problem

PROBLEMS = st.from_type(Problem)
BUDGETS = st.integers(0, 60)


def plain(gains, sizes, **more):
    """A problem whose candidates cover one target each, and cost their sizes."""
    n = len(gains)
    parts = {
        "weights": np.array(gains, np.float64),
        "cover": Groups.of([[i] for i in range(n)]),
        "fidelity": np.ones(n, np.float32),
        "size": np.array(sizes),
        "apart": np.zeros(n, np.int64),
        "left": np.full(n, -1),
        "under": Groups.of([[]] * n),
        "heading_price": np.zeros(0, np.int64),
        "heading": np.full(n, -1),
    }
    return Problem(**(parts | more))


def runs(problem, chosen):
    return sum(int(problem.left[i]) not in chosen for i in chosen)


def random_problem(seed):
    """A text of 30 candidates: some in runs, under two levels of headings, some alike."""
    rng = np.random.default_rng(seed)
    n, n_headings = 30, 6
    fidelity = np.where(rng.random((n, n)) < 0.1, 0.8 * rng.random((n, n)), 0)
    np.fill_diagonal(fidelity, 1)
    rows, targets = np.nonzero(fidelity)
    part = np.sort(rng.integers(0, n_headings, n))
    return Problem(
        weights=np.exp(rng.normal(0, 1.5, n)),
        cover=Groups(np.searchsorted(rows, np.arange(n + 1)), targets),
        fidelity=fidelity[rows, targets].astype(np.float32),
        size=rng.integers(3, 40, n),
        apart=np.full(n, 2),
        left=np.where(rng.random(n) < 0.6, np.arange(n) - 1, -1),
        under=Groups.of([[0, p] if p else [0] for p in part.tolist()]),
        heading_price=rng.integers(3, 9, n_headings),
        heading=np.full(n, -1),
    )


@given(PROBLEMS, BUDGETS)
def test_the_choice_fits_and_its_value_and_prices_are_what_they_say(problem, budget):
    for choose in (allocate, order):
        found = choose(problem, budget)
        assert len(set(found.chosen)) == len(found.chosen)
        assert problem.price(found.chosen) <= sum(found.prices) <= budget
        assert problem.value(found.chosen) == pytest.approx(found.value, abs=1e-4)
        for number in range(len(found.chosen)):
            assert problem.price(found.chosen[:number]) <= sum(found.prices[:number])


@given(PROBLEMS, BUDGETS)
def test_nothing_is_left_that_fits_and_adds(problem, budget):
    chosen = allocate(problem, budget).chosen
    ruled_out = {rival for i in chosen for rival in problem.rivals.get(i, ())}
    size = problem.size + problem.apart
    size += np.array([problem.heading_price[row].sum() for row in problem.under.lists], np.int64)
    left_over = budget - sum(allocate(problem, budget).prices)
    for i in set(range(len(problem))) - set(chosen) - ruled_out:
        adds = problem.value([*chosen, i]) - problem.value(chosen)
        assert adds < 1e-4 or size[i] > left_over


@given(PROBLEMS)
def test_more_budget_is_never_worth_less(problem):
    values = [allocate(problem, budget).value for budget in range(45)]
    assert (np.diff(values) >= -1e-9).all()


@pytest.mark.parametrize("seed", range(4))
def test_more_budget_is_never_worth_less_in_a_larger_problem(seed):
    problem = random_problem(seed)
    budgets = [*range(10, 100), *range(100, 700, 7)]
    values = [allocate(problem, budget).value for budget in budgets]
    assert (np.diff(values) >= -1e-9).all()


@given(PROBLEMS, BUDGETS, BUDGETS)
def test_the_order_for_less_begins_the_order_for_more(problem, one, other):
    few, many = (order(problem, budget) for budget in sorted((one, other)))
    assert many.chosen[: len(few.chosen)] == few.chosen
    assert many.within(min(one, other)) == few


@given(PROBLEMS)
def test_the_price_at_the_next_pick_never_rises_within_an_order_of_costs_that_add_up(problem):
    n = len(problem)
    apart, under = np.zeros(n, np.int64), Groups.of([[]] * n)
    found = order(replace(problem, apart=apart, under=under, rivals={}), 100)
    going = [found.cut(picks).going for picks in range(len(found.chosen) + 1)]
    assert all(one >= other - 1e-5 for one, other in pairwise(going))


@given(PROBLEMS, BUDGETS)
def test_what_is_left_out_for_its_price_is_told(problem, budget):
    found = order(problem, budget)
    every = order(problem, 10_000)
    assert every.going == 0
    if len(found.chosen) == len(every.chosen):
        assert found.going == 0
    else:
        following = len(found.chosen)
        assert found.going == pytest.approx(
            every.gains[following] / max(every.prices[following], 1)
        )


@given(PROBLEMS, BUDGETS)
def test_the_same_problem_gives_the_same_choice(problem, budget):
    assert allocate(problem, budget) == allocate(replace(problem), budget)
    assert order(problem, budget) == order(replace(problem), budget)


def test_of_equals_the_first_is_taken():
    problem = plain([2.0] * 5, [4] * 5)
    assert allocate(problem, 12).chosen == (0, 1, 2)
    assert order(problem, 12).chosen == (0, 1, 2)


def test_of_what_an_earlier_choice_made_equal_the_first_is_taken():
    problem = plain(
        [3.0, 3.0], [10, 10, 4], cover=Groups.of([[0], [1], [0, 1]]),
        fidelity=np.array([1, 1, 0.5, 0.5], np.float32), apart=np.zeros(3, np.int64),
        left=np.full(3, -1), under=Groups.of([[]] * 3), heading=np.full(3, -1),
    )  # fmt: skip
    assert order(problem, 14).chosen == (2, 0)


def test_what_is_worth_nothing_is_not_chosen():
    assert allocate(plain([0.0, 1.0, 0.0], [1, 1, 0]), 10).chosen == (1,)


def test_without_candidates_or_budget_nothing_is_chosen():
    nothing = allocate(plain([], []), 10)
    assert (nothing.chosen, nothing.value, nothing.going) == ((), 0.0, 0.0)
    assert allocate(plain([1.0], [2]), 0).chosen == ()


def test_a_large_candidate_is_not_lost_to_a_small_one_of_more_a_token():
    assert allocate(plain([1.1, 10.0], [1, 10]), 10).chosen == (1,)


def test_a_large_candidate_is_found_behind_larger_ones_that_do_not_fit():
    problem = plain([1.1, 1.1, 1.1, 10.0, *[50.0] * 12], [1, 1, 1, 10, *[100] * 12])
    assert allocate(problem, 10).chosen == (3,)


def test_what_is_alike_is_not_shown_twice():
    twins = plain([1.0, 1.0], [1, 1], cover=Groups.of([[0, 1]] * 2), fidelity=np.ones(4))
    assert allocate(twins, 3).chosen == (0,)


def test_a_neighbour_needs_no_mark_and_a_heading_is_paid_once():
    problem = plain(
        [9.0, 1.0, 1.0], [5, 2, 2], apart=np.array([3, 3, 3]), left=np.array([-1, 0, -1]),
        under=Groups.of([[0], [0], []]), heading_price=np.array([4]),
    )  # fmt: skip
    found = allocate(problem, 14)
    assert (found.chosen, found.prices) == ((0, 1), (12, 2))


@given(PROBLEMS, st.lists(st.integers(1, 9), min_size=1, max_size=3), st.data())
def test_irrelevant_candidates_change_no_value(problem, sizes, data):
    n, more = len(problem), len(sizes)
    target = len(problem.weights)
    fidelity = data.draw(
        st.lists(st.sampled_from([0.5, 1.0]), min_size=more, max_size=more), label="fidelity"
    )
    larger = replace(
        problem,
        weights=np.append(problem.weights, 0.0),
        cover=Groups.of([*problem.cover.lists, *[[target]] * more]),
        fidelity=np.append(problem.fidelity, np.array(fidelity, np.float32)),
        size=np.append(problem.size, sizes),
        apart=np.append(problem.apart, np.full(more, problem.apart[0])),
        left=np.append(problem.left, np.full(more, -1)),
        under=Groups.of([*problem.under.lists, *[[]] * more]),
        heading=np.append(problem.heading, np.full(more, -1)),
    )
    for budget in range(0, 45, 4):
        found = allocate(larger, budget)
        assert found.value >= allocate(problem, budget).value
        assert max(found.chosen, default=0) < n


@given(PROBLEMS, BUDGETS, st.data())
def test_what_must_be_chosen_is_chosen_first(problem, budget, data):
    apart = replace(problem, rivals={})
    must = tuple(data.draw(st.lists(st.integers(0, len(problem) - 1), unique=True, max_size=3)))
    for choose in (allocate, order):
        found = choose(apart, budget, Rules(must=must))
        assert found.chosen[: len(must)] == must
        assert apart.price(found.chosen) <= max(budget, apart.price(must))
        assert apart.value(found.chosen) == pytest.approx(found.value, abs=1e-4)


@given(PROBLEMS, st.data())
def test_more_budget_is_never_worth_less_beside_what_must_be_chosen(problem, data):
    must = (data.draw(st.integers(0, len(problem) - 1)),)
    least = problem.price(must)
    values = [
        allocate(problem, budget, Rules(must=must)).value for budget in range(least, least + 40)
    ]
    assert (np.diff(values) >= -1e-9).all()


def test_a_quota_is_spent_before_what_is_worth_more():
    problem = plain([9.0, 9.0, 9.0, 1.0, 1.0, 1.0], [4] * 6)
    members = np.arange(6) >= 3
    found = allocate(problem, 16, Rules(quotas=((members, 6),)))
    assert sorted(found.chosen) == [0, 1, 3, 4]
    assert order(problem, 16, Rules(quotas=((members, 6),))).chosen[:2] == (3, 4)


def test_a_quota_is_met_by_what_must_be_chosen_anyway():
    problem = plain([9.0, 9.0, 1.0, 1.0], [4] * 4)
    rules = Rules(must=(2,), quotas=((np.arange(4) >= 2, 4),))
    assert sorted(allocate(problem, 12, rules).chosen) == [0, 1, 2]


def test_a_quota_is_not_spent_on_neighbours_of_what_it_is_for():
    problem = plain([1.0, 9.0, 1.0], [4, 4, 4], left=np.array([-1, 0, -1]))
    quota = (np.array([True, False, True]), 8)
    assert order(problem, 8, Rules(quotas=(quota,))).chosen == (0, 2)
    assert sorted(allocate(problem, 12, Rules(quotas=(quota,))).chosen) == [0, 1, 2]


@given(PROBLEMS, st.integers(0, 30), st.integers(0, 30), st.data())
def test_quotas_are_spent_as_far_as_their_candidates_fit(problem, budget, tokens, data):
    n = len(problem)
    members = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    problem = replace(problem, rivals={})
    found = allocate(problem, budget, Rules(quotas=((members, tokens),)))
    assert problem.price(found.chosen) <= budget
    spent = sum(int(problem.size[i]) for i in found.chosen if members[i])
    quota = [i for i in found.chosen if members[i]]
    for i in set(np.flatnonzero(members)) - set(found.chosen):
        adds = problem.value([*quota, i]) - problem.value(quota)
        assert spent >= tokens or adds < 1e-4 or problem.price([*quota, i]) > budget


@given(PROBLEMS, BUDGETS, st.integers(1, 3))
def test_there_are_never_more_runs_than_asked_for(problem, budget, most):
    for choose in (allocate, order):
        chosen = choose(problem, budget, Rules(most_runs=most)).chosen
        assert runs(problem, chosen) <= most


@pytest.mark.parametrize("most", [1, 2, 4])
def test_few_runs_at_every_budget_of_a_larger_problem(most):
    problem = random_problem(11)
    for budget in range(10, 700, 23):
        found = allocate(problem, budget, Rules(most_runs=most))
        assert runs(problem, found.chosen) <= most
        assert problem.price(found.chosen) <= budget
    assert found.value > 0


@given(PROBLEMS, BUDGETS)
def test_rivals_are_never_shown_together(problem, budget):
    for choose in (allocate, order):
        chosen = choose(problem, budget).chosen
        assert not any(j in chosen for i in chosen for j in problem.rivals.get(i, ()))


def test_a_summary_is_dropped_where_all_under_it_is_opened():
    problem = plain(
        [3.0, 3.0], [10, 10, 4], cover=Groups.of([[0], [1], [0, 1]]),
        fidelity=np.array([1, 1, 0.5, 0.5], np.float32), rivals={2: []},
        apart=np.zeros(3, np.int64), left=np.full(3, -1), under=Groups.of([[]] * 3),
        heading=np.full(3, -1),
    )  # fmt: skip
    assert allocate(problem, 4).chosen == (2,)
    assert 2 in allocate(problem, 14).chosen
    assert sorted(allocate(problem, 20).chosen) == [0, 1]
    assert 2 not in allocate(problem, 23).chosen


@given(PROBLEMS, st.floats(0, 3))
def test_what_is_worth_its_price_is_the_best_beginning_of_the_order(problem, price):
    found = order(problem, 60)
    cut = found.worth(price)
    surplus = [
        found.cut(picks).value - price * sum(found.prices[:picks])
        for picks in range(len(found.chosen) + 1)
    ]
    assert cut.chosen == found.chosen[: len(cut.chosen)]
    assert surplus[len(cut.chosen)] == pytest.approx(max(surplus), abs=1e-9)


@given(PROBLEMS, st.floats(0, 3), st.floats(0, 3))
def test_a_higher_price_is_never_paid_by_more_picks(problem, one, other):
    found = order(problem, 60)
    low, high = sorted((one, other))
    assert len(found.worth(high).chosen) <= len(found.worth(low).chosen)


def test_what_must_be_is_kept_at_any_price():
    found = order(plain([1.0, 5.0], [10, 1]), 20, Rules(must=(0,)))
    assert found.worth(2.0, least=1).chosen == (0, 1)
    assert found.worth(9.0, least=1).chosen == (0,)
