"""The allocator against every possible choice: its bound is never wrong, its choice never far."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hier.allocate import Greedy, Problem


@st.composite
def problems(draw):
    n_targets = draw(st.integers(1, 6))
    n_candidates = draw(st.integers(1, 8))
    share = st.floats(0, 1, width=32)
    fidelity = draw(
        st.lists(
            st.lists(share, min_size=n_targets, max_size=n_targets),
            min_size=n_candidates,
            max_size=n_candidates,
        )
    )
    weights = draw(st.lists(st.floats(0, 10), min_size=n_targets, max_size=n_targets))
    costs = draw(st.lists(st.integers(1, 9), min_size=n_candidates, max_size=n_candidates))
    return dense(np.array(fidelity, np.float32), np.array(weights), np.array(costs))


def dense(fidelity, weights, costs):
    rows, targets = np.nonzero(fidelity)
    offsets = np.searchsorted(rows, np.arange(len(fidelity) + 1))
    return Problem(weights, offsets, targets, fidelity[rows, targets], costs)


def value(problem, chosen):
    covered = np.zeros(len(problem.weights))
    for i in chosen:
        part = slice(problem.cover_offsets[i], problem.cover_offsets[i + 1])
        targets = problem.cover_targets[part]
        covered[targets] = np.maximum(covered[targets], problem.cover_fidelity[part])
    return float(covered @ problem.weights)


def best_value(problem, budget):
    everyone = range(len(problem))
    return max(
        value(problem, chosen)
        for size in range(len(problem) + 1)
        for chosen in itertools.combinations(everyone, size)
        if problem.floor[list(chosen)].sum() <= budget
    )


class FixedCosts:
    def __init__(self, problem, ruled_out=()):
        self.problem, self.ruled_out = problem, ruled_out

    def cost(self, candidate):
        return int(self.problem.floor[candidate])

    def take(self, candidate):
        return [], self.ruled_out


def solve(problem, budget):
    greedy = Greedy(problem, FixedCosts(problem))
    room = greedy.fill(budget)
    return greedy, room


@given(problems(), st.integers(1, 30))
def test_the_bound_is_never_below_the_best_choice(problem, budget):
    greedy, _ = solve(problem, budget)
    assert greedy.bound(budget) >= best_value(problem, budget) * (1 - 1e-6) - 1e-9


@given(problems(), st.integers(1, 30))
def test_the_choice_fits_and_its_value_is_what_it_says(problem, budget):
    greedy, room = solve(problem, budget)
    chosen = greedy.allocation.chosen
    assert len(set(chosen)) == len(chosen)
    assert problem.floor[chosen].sum() == budget - room <= budget
    assert greedy.allocation.value == pytest.approx(value(problem, chosen), rel=1e-5, abs=1e-6)


@given(problems(), st.integers(1, 30))
def test_the_choice_or_the_best_single_candidate_is_near_the_best(problem, budget):
    # (1 - 1/e) / 2: Khuller, Moss and Naor, 1999; Leskovec et al., 2007
    greedy, _ = solve(problem, budget)
    single = max(
        (value(problem, [i]) for i in range(len(problem)) if problem.floor[i] <= budget), default=0
    )
    reached = max(greedy.allocation.value, single)
    assert reached >= (1 - 1 / np.e) / 2 * best_value(problem, budget) - 1e-6


def test_what_does_not_fit_is_passed_over():
    problem = dense(np.eye(3, dtype=np.float32), np.array([10.0, 5.0, 1.0]), np.array([8, 5, 2]))
    greedy, room = solve(problem, 7)
    assert greedy.allocation.chosen == [1, 2]
    assert room == 0


def test_redundant_candidates_gain_nothing():
    fidelity = np.array([[1, 1], [1, 1], [0, 1]], np.float32)
    greedy, room = solve(dense(fidelity, np.array([1.0, 1.0]), np.array([1, 1, 1])), 3)
    assert len(greedy.allocation.chosen) == 1
    assert room == 2


def test_filling_goes_on_where_it_stopped():
    problem = dense(np.eye(4, dtype=np.float32), np.array([4.0, 3.0, 2.0, 1.0]), np.full(4, 2))
    greedy, room = solve(problem, 3)
    assert (greedy.allocation.chosen, room) == ([0], 1)
    assert greedy.fill(4) == 0
    assert greedy.allocation.chosen == [0, 1, 2]


def test_what_is_taken_back_no_longer_covers():
    fidelity = np.array([[1, 0.5], [0, 1]], np.float32)
    greedy, _ = solve(dense(fidelity, np.array([3.0, 1.0]), np.array([1, 1])), 2)
    greedy.give_back(1)
    assert greedy.allocation.chosen == [0]
    assert greedy.allocation.covered.tolist() == [1, 0.5]
    assert greedy.allocation.value == pytest.approx(3.5)


def test_what_a_choice_rules_out_is_not_chosen_but_still_bounds():
    problem = dense(np.eye(3, dtype=np.float32), np.array([3.0, 2.0, 1.0]), np.array([1, 1, 1]))
    greedy = Greedy(problem, FixedCosts(problem, ruled_out=[1]))
    greedy.fill(2)
    assert greedy.allocation.chosen == [0, 2]
    assert greedy.bound(2) >= 5


def test_what_a_choice_made_cheaper_may_fit_now():
    problem = dense(np.eye(2, dtype=np.float32), np.array([9.0, 1.0]), np.array([2, 1]))

    class Neighbours(FixedCosts):
        price = 5

        def cost(self, candidate):
            return 2 if candidate == 0 else self.price

        def take(self, candidate):
            self.price = 1
            return [1], []

    greedy = Greedy(problem, Neighbours(problem))
    assert greedy.fill(3) == 0
    assert greedy.allocation.chosen == [0, 1]
