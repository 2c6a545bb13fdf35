"""Allocation: which leaves and summaries to show within a budget of tokens.

The objective is relevance-weighted coverage, ``F(S) = sum_j w_j max_{i in S} fidelity(i, j)``, over
targets j and candidates i, for a price within the budget (`problem.py`). F is monotone submodular,
so taking the best gain a token, or the one best candidate, has a known guarantee where prices add
up (Khuller, Moss and Naor, 1999; Leskovec et al., KDD 2007). How close to the best the very choice
made is, `certificate.py` says. `docs/allocation.md` has the proofs.
"""

import heapq
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from hier.certificate import upper_bound
from hier.problem import Problem

_TRIED = 16  # first picks, each of which a small budget is also spent without
_WORK = 6000  # fewer, where they and the candidates multiply to more
_SIZES = (4, 6, 9, 14, 21, 32, 48, 72, 108)  # tokens up to which candidates are tried alone
_LINE, _ITSELF = 1, 2  # how a heading is shown: in a line of its own making, or as the text has it


@dataclass(frozen=True)
class Rules:
    """What a choice must keep to, beside the budget.

    Attributes:
        must: candidates that are chosen before all others.
        quotas: some candidates, bool (candidates,), and tokens to be spent on them before others.
        most_runs: most runs of neighbours; None for any number.
    """

    must: tuple[int, ...] = ()
    quotas: tuple[tuple[np.ndarray, int], ...] = ()
    most_runs: int | None = None


@dataclass(frozen=True)
class Allocation:
    """A choice.

    Attributes:
        chosen: candidates in the order taken.
        gains: what each added to the value.
        prices: the tokens that each added to the price.
        going: value of a token at the next pick, which was not made; 0 where nothing was left.
        ordered: how many were taken before one did not fit.
    """

    chosen: tuple[int, ...]
    gains: tuple[float, ...]
    prices: tuple[int, ...]
    going: float
    ordered: int = 0

    @property
    def value(self) -> float:
        """F of the candidates chosen."""
        return float(sum(self.gains))

    def cut(self, picks: int) -> "Allocation":
        """Return the first picks alone."""
        if picks >= len(self.chosen):
            return self
        going = self.gains[picks] / max(self.prices[picks], 1)
        ordered = min(picks, self.ordered)
        taken = self.chosen[:picks], self.gains[:picks], self.prices[:picks]
        return Allocation(*taken, going, ordered)

    def within(self, budget: int, least: int = 0) -> "Allocation":
        """Return as many of the first picks as fit into a budget.

        Args:
            budget: most tokens.
            least: picks that are kept whatever they cost.
        """
        over = np.flatnonzero(np.cumsum(self.prices) > budget)
        return self.cut(max(least, int(over[0]))) if len(over) else self

    def worth(self, price: float, least: int = 0) -> "Allocation":
        """Return the first picks whose value less that of their tokens is the largest.

        Args:
            price: value of a token.
            least: picks that are kept whatever they are worth.
        """
        surplus = np.array(self.gains) - price * np.array(self.prices)
        return self.cut(least + int(np.argmax(np.append(0.0, np.cumsum(surplus[least:])))))


NO_RULES = Rules()


def order(problem: Problem, budget: int, rules: Rules = NO_RULES) -> Allocation:
    """Choose the best gain a token first, up to the first pick that does not fit.

    So a larger budget's choice holds a smaller one's; see ``allocate`` for the arguments.
    """
    return _spend(problem, budget, rules, filled=False)


def allocate(problem: Problem, budget: int, rules: Rules = NO_RULES) -> Allocation:
    """Choose candidates worth as much as possible for a price within a budget.

    The best gain a token is taken first, up to the first pick that does not fit; then whatever
    fits is put into the tokens left, at the prices of that moment. So more budget never ends in
    less value (`docs/allocation.md`). Where there is room for few picks only, the budget is also
    spent without each of the first picks that any budget would make, and from each of the largest
    candidates on, and the best counts.

    Args:
        problem: candidates and targets.
        budget: most tokens.
        rules: what else the choice keeps to. What must be chosen is, even where it alone exceeds
            the budget.
    """
    first = _spend(problem, budget, rules)
    best = _without_idle(problem, budget, rules, first)
    if rules.quotas:
        return best  # what would be tried could take from them
    gains = problem.gains(problem.weights, problem.covered(rules.must))
    tried = max(2, min(_TRIED, _WORK // max(len(problem), 1)))
    few, edge = _few(first, len(rules.must), float(gains.max(initial=0)), tried), budget
    if few is not None:
        # So many picks are near the best already, and what could be tried within a budget that
        # has room for fewer is hardly ever worth more.
        edge, last = sum(few.prices) - 1, few.gains[-1] / max(few.prices[-1], 1)
        if upper_bound(problem, edge, best.value, last) <= best.value:
            return best
    # What is too large for the budget must not end the order of picks; the sizes do not depend on
    # the budget, so a larger one tries all that a smaller one does.
    for largest in _SIZES:
        if largest <= edge:
            large = np.flatnonzero(problem.size > largest).tolist()
            best = _better(best, _spend(problem, edge, rules, set(large) - set(rules.must)))
    fitted = False
    for without in _first_picks(problem, rules, tried):
        best = _better(best, _spend(problem, edge, rules, {without}))
    for number, forced in enumerate(np.argsort(-gains, kind="stable").tolist()):
        if number >= tried and (fitted or not gains[forced]):
            break
        if forced in rules.must or problem.size[forced] > edge:
            continue
        # Of others than the largest only the first that fits counts, and alone: for the guarantee.
        with_it = replace(rules, must=(*rules.must, forced))
        other = _spend(problem, edge if number < tried else 0, with_it)
        if sum(other.prices) <= edge:
            best, fitted = _better(best, other), True
    return best


def _first_picks(problem: Problem, rules: Rules, most: int) -> list[int]:
    """Return the first picks, beside what must be, of a budget that all fit: the same for any."""
    spending = _started(problem, rules)
    while len(spending.chosen) < len(rules.must) + most and (pick := spending.best()):
        spending.take(*pick)
    return spending.chosen[len(rules.must) :]


def _few(allocation: Allocation, n_must: int, largest: float, least: int) -> Allocation | None:
    """Return the first picks: some, and worth more than any one candidate; None for want of them.

    Args:
        allocation: a choice.
        n_must: picks that had to be made.
        largest: the most that one candidate is worth.
        least: how many picks are some.
    """
    values = np.cumsum(allocation.gains[n_must:])
    picks = n_must + max(least, int(np.searchsorted(values, largest * (1 - 1e-9))) + 1)
    return allocation.cut(picks) if picks <= allocation.ordered else None


def _better(one: Allocation, other: Allocation) -> Allocation:
    return other if other.value > one.value else one


def _without_idle(problem: Problem, budget: int, rules: Rules, best: Allocation) -> Allocation:
    """Do without summaries that say nothing more than what else was chosen in the end."""
    idle: set[int] = set()
    while True:
        for summary in (i for i in best.chosen if i in problem.rivals and i not in rules.must):
            others = tuple(i for i in best.chosen if i != summary)
            least = best.value * (1 - 1e-9)
            if problem.value(others) >= least:
                idle.add(summary)
                instead = _spend(problem, budget, rules, idle)
                kept = _spend(problem, 0, replace(rules, must=others, quotas=()))
                best = instead if instead.value >= least else kept
                break
        else:
            return best


def _spend(
    problem: Problem,
    budget: int,
    rules: Rules,
    without: Collection[int] = (),
    filled: bool = True,
) -> Allocation:
    """Choose by the best gain a token, without some candidates."""
    spending = _started(problem, rules, without)
    for members, tokens in rules.quotas:
        spending.offer(members)
        spent = int(problem.size[[i for i in spending.chosen if members[i]]].sum())
        while spent < tokens and (pick := spending.best(budget - spending.spent)):
            spending.take(*pick)
            spent += int(problem.size[pick[0]])
        spending.offer()
    going = 0.0
    while pick := spending.best():
        if spending.spent + pick[2] > budget:
            going = pick[1] / max(pick[2], 1)
            break
        spending.take(*pick)
    ordered = len(spending.chosen)
    if pick and filled:
        spending.put_back(pick)
        spending.freeze(budget - spending.spent)
        while pick := spending.best(budget - spending.spent):
            spending.take(*pick)
    taken = tuple(spending.chosen), tuple(spending.gains), tuple(spending.prices)
    return Allocation(*taken, going or spending.barred, ordered)


def _started(problem: Problem, rules: Rules, without: Collection[int] = ()) -> "_Spending":
    """Return a choice of what must be, open for all but some candidates."""
    spending = _Spending(problem, rules.most_runs)
    for i in without:
        spending.open[i] = False
    for i in rules.must:
        spending.take(i, spending.gain(i), spending.price(i))
    return spending


class _Spending:
    """A growing choice, and a heap of what could be added to it, the best gain a token on top.

    Keys of the heap are never too low: gains only fall (and are looked at again on top), and what
    a pick made cheaper is put in anew, with the gain last known (the lazy greedy; Minoux, 1978).
    """

    def __init__(self, problem: Problem, most_runs: int | None) -> None:
        self.problem, self.most_runs = problem, most_runs
        self.covered = np.zeros(len(problem.weights), np.float32)
        self.chosen: list[int] = []
        self.gains: list[float] = []
        self.prices: list[int] = []
        self.spent = self.runs = 0
        self.open = [True] * len(problem)
        self.frozen = False  # prices stay as they are
        self.barred = 0.0  # best value a token of what would be one run too many
        self._shown = bytearray(len(problem))
        self._headed = bytearray(len(problem.heading_price))  # _LINE or _ITSELF
        self._heap = problem.ranked.copy()
        self._gains = problem.alone.copy()  # as they were last known: never too low
        self._known = [0] * len(problem)  # older entries of the heap are stale
        self._offered: np.ndarray | None = None  # all, or some candidates

    def offer(self, members: np.ndarray | None = None) -> None:
        """Fill the heap anew with what may be chosen next: some candidates, or all."""
        gains = self.problem.gains(self.problem.weights, self.covered)
        gains[~np.array(self.open, bool)] = 0
        if members is not None:
            gains[~members] = 0
        some = np.flatnonzero(gains > 0).tolist()
        self._offered = members
        self._heap = [(-gains[i] / max(self.price(i), 1), i, self._known[i]) for i in some]
        heapq.heapify(self._heap)

    def freeze(self, room: int) -> None:
        """Leave prices as they are from here on, and drop what is too large for the room."""
        self.frozen = True
        least = self.problem.least
        self._heap = [entry for entry in self._heap if least[entry[1]] <= room]
        heapq.heapify(self._heap)

    def put_back(self, pick: tuple[int, float, int]) -> None:
        """Put what was found best into the heap again."""
        i, gain, price = pick
        heapq.heappush(self._heap, (-gain / max(price, 1), i, self._known[i]))

    def best(self, room: int | None = None) -> tuple[int, float, int] | None:
        """Return the candidate of the best gain a token, its gain and its price, or None.

        Args:
            room: candidates of a higher price are dropped for good; None for none.
        """
        heap = self._heap
        while heap:
            key, i, known = heapq.heappop(heap)
            if not self.open[i] or known < self._known[i]:
                continue
            price = self.price(i)
            if room is not None and price > room:
                continue
            gain = self.gain(i)
            if gain <= 0:
                continue
            if self._too_many_runs(i):
                self.barred = max(self.barred, gain / max(price, 1))
                continue
            again = -gain / max(price, 1)
            if again <= key or not heap or (again, i) < heap[0]:
                return i, gain, price
            heapq.heappush(heap, (again, i, known))
        return None

    def gain(self, i: int) -> float:
        """Return what a candidate would add to the value now."""
        problem = self.problem
        part = slice(problem.cover.bounds[i], problem.cover.bounds[i + 1])
        targets = problem.cover.members[part]
        more = problem.fidelity[part] - self.covered[targets]
        gain = self._gains[i] = float(np.maximum(more, 0) @ problem.weights[targets])
        return gain

    def price(self, i: int) -> int:
        """Return the tokens that a candidate would add now."""
        size, apart, left, right, heading = self.problem.row(i)
        price = size + apart
        if left >= 0 and self._shown[left]:
            price -= apart
        if right >= 0 and self._shown[right]:
            price -= int(self.problem.apart[right])
        prices = self.problem.heading_prices
        for above in self.problem.under[i]:
            if not self._headed[above]:
                price += prices[above]
        if heading >= 0 and self._headed[heading] == _LINE:
            price -= prices[heading]
        return price

    def take(self, i: int, gain: float, price: int) -> None:
        """Choose a candidate, and put what it makes cheaper into the heap again."""
        problem = self.problem
        part = slice(problem.cover.bounds[i], problem.cover.bounds[i + 1])
        targets = problem.cover.members[part]
        self.covered[targets] = np.maximum(self.covered[targets], problem.fidelity[part])
        self.chosen.append(i)
        self.gains.append(gain)
        self.prices.append(price)
        self.spent += price
        self.runs += self._new_runs(i)
        self.open[i] = False
        for rival in problem.rivals.get(i, ()):
            self.open[rival] = False
        if not self.frozen:
            self._show(i)

    def _show(self, i: int) -> None:
        _, _, left, right, heading = self.problem.row(i)
        self._shown[i] = True
        cheaper = [j for j in (left, right) if j >= 0]
        for above in self.problem.under[i]:
            if not self._headed[above]:
                self._headed[above] = _LINE
                cheaper += self.problem.below[above]
                if above in self.problem.titles:
                    cheaper.append(self.problem.titles[above])
        if heading >= 0:
            if not self._headed[heading]:
                cheaper += self.problem.below[heading]
            self._headed[heading] = _ITSELF
        offered = self._offered
        for j in cheaper:
            if self.open[j] and (offered is None or offered[j]):
                self._known[j] += 1
                ratio = -self._gains[j] / max(self.price(j), 1)
                heapq.heappush(self._heap, (ratio, j, self._known[j]))

    def _new_runs(self, i: int) -> int:
        _, _, left, right, _ = self.problem.row(i)
        return 1 - (left >= 0 and self._shown[left]) - (right >= 0 and self._shown[right])

    def _too_many_runs(self, i: int) -> bool:
        return self.most_runs is not None and self.runs + self._new_runs(i) > self.most_runs
