"""The certificate and the choice against every choice there is, and against an exact solver."""

import itertools
import random
from dataclasses import replace

import numpy as np
import optimum
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hier
from hier.allocate import Rules, allocate
from hier.certificate import upper_bound
from hier.problem import Groups, Problem

PROBLEMS = st.from_type(Problem)
BUDGETS = st.integers(0, 60)
CLOSE = 1 + 1e-6


def every_choice(problem, must=()):
    rest = [i for i in range(len(problem)) if i not in must]
    for size in range(len(rest) + 1):
        for chosen in itertools.combinations(rest, size):
            yield (*must, *chosen)


def best_of_all(problem, budget, must=(), rivals=True):
    def allowed(chosen):
        together = rivals and any(j in chosen for i in chosen for j in problem.rivals.get(i, ()))
        return not together and problem.price(chosen) <= budget

    return max(map(problem.value, filter(allowed, every_choice(problem, must))), default=0.0)


@pytest.fixture(scope="module")
def solved():
    """Random problems, a budget for some of each, and the best value within it."""
    found = []
    for seed in range(150):
        _, problem = optimum.random_problem(seed)
        most = max(40.0, 0.8 * float(problem.size.sum()))
        budget = int(np.exp(np.random.default_rng(seed).uniform(np.log(30), np.log(most))))
        found.append((problem, budget, optimum.exact(problem, budget)[0]))
    return found


@given(PROBLEMS, BUDGETS)
def test_the_exact_solver_finds_the_best_of_all_choices(problem, budget):
    value, chosen = optimum.exact(problem, budget)
    assert value == pytest.approx(best_of_all(problem, budget), abs=1e-4)
    assert problem.price(chosen) <= budget


def test_the_choice_is_near_the_best(solved):
    shares = []
    for problem, budget, best in solved:
        found = allocate(problem, budget)
        assert problem.price(found.chosen) <= budget
        assert found.value <= best * CLOSE + 1e-6
        shares.append(found.value / best if best else 1.0)
    assert min(shares) >= 0.9
    assert np.median(shares) >= 0.98


def test_the_bound_is_never_below_the_best(solved):
    for problem, budget, best in solved:
        found = allocate(problem, budget)
        for reached in (0.0, found.value, best):
            for near in (None, found.going, 1e-9, 1.0):
                bound = upper_bound(problem, budget, reached, near)
                assert bound * CLOSE >= best
                assert bound <= problem.value(range(len(problem))) * CLOSE


def test_the_bound_is_often_close(solved):
    shares = []
    for problem, budget, best in solved:
        bound = upper_bound(problem, budget, allocate(problem, budget).value)
        shares.append(best / bound if bound else 1.0)
    assert np.median(shares) >= 0.9
    assert np.quantile(shares, 0.1) >= 0.75


def part_of(problem, kept):
    """The problem of some candidates alone: those that are in the pool."""
    place = {int(i): number for number, i in enumerate(kept)}
    entries = np.isin(problem.cover.rows, kept)
    return replace(
        problem,
        cover=Groups.of([problem.cover[i] for i in kept]),
        fidelity=problem.fidelity[entries],
        size=problem.size[kept],
        apart=problem.apart[kept],
        left=np.array([place.get(int(problem.left[i]), -1) for i in kept]),
        under=Groups.of([problem.under[i] for i in kept]),
        heading=problem.heading[kept],
        rivals={},
    )


def test_the_bound_holds_for_what_is_no_candidate(solved):
    for problem, budget, best in solved[:80]:
        # What is left out is worth at most so much a token, even where it spares a mark.
        worth = problem.gains(problem.weights) / (problem.size - problem.apart).clip(1e-9)
        worth[problem.heading >= 0] = np.inf
        order = np.argsort(-worth, kind="stable")
        kept, left_out = np.split(order, [max(len(order) // 2, np.isinf(worth).sum())])
        bound = upper_bound(
            part_of(problem, np.sort(kept)), budget, outside=float(worth[left_out[0]])
        )
        assert bound * CLOSE >= best


def test_where_all_candidates_fit_the_bound_still_counts_what_is_outside(solved):
    problem, _, _ = solved[0]
    everything = problem.value(range(len(problem)))
    price = problem.price(range(len(problem)))
    assert upper_bound(problem, price + 100, outside=0.01) >= everything + 1 - 1e-6


def test_what_is_outside_may_spare_a_mark_between_candidates():
    """Three leaves side by side, the middle one no candidate: 1 + 10 + 1 tokens and one mark."""
    text = Problem(
        weights=np.ones(3),
        cover=Groups.of([[0], [1], [2]]),
        fidelity=np.ones(3, np.float32),
        size=np.array([1, 10, 1]),
        apart=np.full(3, 5),
        left=np.array([-1, 0, 1]),
        under=Groups.of([[]] * 3),
        heading_price=np.zeros(0, np.int64),
        heading=np.full(3, -1),
    )
    assert text.price([0, 1, 2]) == 17
    best_density = 1 / 5  # of the middle one: it has 10 tokens, and spares a mark of 5
    bound = upper_bound(part_of(text, np.array([0, 2])), 17, outside=best_density)
    assert bound >= text.value([0, 1, 2])


@given(PROBLEMS, BUDGETS, st.sampled_from([None, 1e-3, 0.3, 5.0]))
def test_the_bound_is_never_below_the_best_of_all_choices(problem, budget, near):
    best = best_of_all(problem, budget, rivals=False)
    reached = allocate(problem, budget).value
    for known in (0.0, reached):
        assert upper_bound(problem, budget, known, near) >= best / CLOSE - 1e-6


@given(PROBLEMS, BUDGETS, st.data())
def test_the_bound_beside_what_must_be_chosen_is_never_below_the_best(problem, budget, data):
    several = st.lists(st.integers(0, len(problem) - 1), unique=True, max_size=2)
    must = tuple(data.draw(several, label="must"))
    room = budget - problem.price(must)
    if room < 0:
        return
    best = best_of_all(problem, budget, must, rivals=False)
    bound = problem.value(must) + upper_bound(problem.given(must), room)
    assert bound >= best / CLOSE - 1e-6


def test_the_bound_beside_a_text_under_a_heading_allows_the_heading_itself():
    """With its text, the heading costs nothing: it is shown in the place of its own line."""
    problem = Problem(
        weights=np.ones(2),
        cover=Groups.of([[0], [1]]),
        fidelity=np.ones(2, np.float32),
        size=np.array([5, 5]),
        apart=np.zeros(2, np.int64),
        left=np.array([-1, -1]),
        under=Groups.of([[], [0]]),
        heading_price=np.array([5]),
        heading=np.array([0, -1]),
    )
    assert problem.price([1]) == problem.price([0, 1]) == 10
    assert problem.value([1]) + upper_bound(problem.given([1]), 0) >= problem.value([0, 1])


@given(PROBLEMS, BUDGETS)
def test_the_bound_is_not_below_what_was_reached(problem, budget):
    assert upper_bound(problem, budget, 1e6) == 1e6


@given(PROBLEMS)
def test_the_bound_grows_with_the_budget_no_further_than_everything(problem):
    everything = problem.value(range(len(problem)))
    assert upper_bound(problem, 10_000) == pytest.approx(everything, rel=1e-5, abs=1e-6)
    assert upper_bound(problem, 3) <= everything * CLOSE + 1e-6


@given(PROBLEMS, BUDGETS)
def test_where_prices_add_up_the_choice_keeps_the_guarantee_of_the_greedy(problem, budget):
    # (1 - 1/e) / 2: Khuller, Moss and Naor, 1999; Leskovec et al., 2007
    n = len(problem)
    apart, under = np.zeros(n, np.int64), Groups.of([[]] * n)
    problem = replace(problem, apart=apart, under=under, rivals={})
    best = best_of_all(problem, budget)
    assert allocate(problem, budget).value >= (1 - 1 / np.e) / 2 * best - 1e-6


@given(PROBLEMS, BUDGETS)
def test_no_small_choice_is_far_from_the_best(problem, budget):
    problem = replace(problem, rivals={})
    assert allocate(problem, budget).value >= 0.6 * best_of_all(problem, budget) - 1e-6


@given(PROBLEMS, BUDGETS)
def test_no_choice_with_rivals_or_few_runs_is_worth_more_than_the_bound(problem, budget):
    bound = upper_bound(problem, budget)
    for rules in (Rules(), Rules(most_runs=1)):
        assert allocate(problem, budget, rules).value <= bound * CLOSE + 1e-6


def test_without_candidates_only_what_is_outside_counts():
    problem = optimum.random_problem(0)[1]
    assert upper_bound(part_of(problem, np.zeros(0, np.int64)), 10, outside=0.25) == 2.5


QUERIES = ("How are modules imported?", "What does the with statement do?", None)


@pytest.fixture(scope="module")
def tree(long_text):
    return hier.build(long_text[:120_000])


def contexts_within(tree, query, must=()):
    """Contexts of one question at several budgets and settings."""
    for budget in (150, 500, 2000):
        for settings in ({}, {"nested": True}, {"max_segments": 3}):
            yield tree.compress(query, budget, must_include=must, **settings)


def assert_certified(contexts, others):
    for context in contexts:
        for other in others:
            if other.tokens <= context.budget:
                assert other.coverage * context.optimality <= context.coverage * CLOSE


@pytest.mark.parametrize("query", QUERIES)
def test_no_context_is_better_than_another_certifies(tree, query):
    chosen = random.Random(7)
    contexts = list(contexts_within(tree, query))
    bound_to = []
    while len(bound_to) < 12:
        node = tree.nodes[chosen.randrange(len(tree.nodes) - 20)]
        if 1 < node.tokens < 300:
            budget = chosen.choice((400, 1000, 2000))
            bound_to.append(tree.compress(query, budget, must_include=node.id))
    share = tree.compress(query, 1000, minimum={'The "with" statement': 0.5})
    assert_certified(contexts, [*contexts, *bound_to, share])


@pytest.mark.parametrize("leaf", [50, 700, 1100])
def test_no_context_is_better_than_another_with_the_same_inclusions_certifies(tree, leaf):
    contexts = list(contexts_within(tree, QUERIES[0], leaf))
    assert_certified(contexts, contexts)


def test_what_was_not_looked_at_is_counted():
    """The best 600 sentences say the same: they are looked at, but what else there is, is more."""
    chosen = random.Random(1)
    words = ("roses lilies tulips ferns moss", "river wall gate path pond", "York Bath Leeds Ely")

    def garden(number):
        plants, place, town = (chosen.choice(some.split()) for some in words)
        return f"Garden number {number} has {plants} beside the {place} of {town}."

    cause = "The reactor was shut down because the cooling loop had a leak."
    paragraphs = (
        " ".join([cause, *(garden(3 * number + place) for place in range(3))])
        for number in range(600)
    )
    tree = hier.build("\n\n".join(paragraphs))
    query = "Why was the reactor shut down?"
    context = tree.compress(query, 1800)
    others = [tree.compress(query, 1800, must_include=range(1, 1 + more)) for more in (2, 10, 30)]
    assert_certified([context], others)
    assert context.tokens > 1000 or context.stop != "everything"
