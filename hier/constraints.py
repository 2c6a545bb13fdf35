"""Constraints: what a context must show, may not show, and is known already.

Parts of a text are named by selectors: a node id, a heading's words, or a span of characters. All
are turned into leaves here, and what contradicts itself is refused.
"""

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hier.context import Context
from hier.errors import BudgetError, InputError
from hier.plan import Quota, Scope
from hier.tree import Tree

ORDERS = ("document", "relevance")
_CLOSE = 3  # headings named in an error


@dataclass(frozen=True)
class Constraints:
    """What a context keeps to, beside its budget; see ``Tree.compress``.

    Attributes:
        must_include: selectors of what is shown, whatever it is worth.
        exclude: selectors of what is not shown.
        minimum: for some selectors the least share of the budget that is spent on them.
        max_segments: most segments; None for any number.
        prefix: text that stands before all else and is paid for.
        suffix: text that stands behind all else and is paid for.
        order: ``"document"`` or ``"relevance"``.
        seen: contexts that the reader knows already.
    """

    must_include: Any = ()
    exclude: Any = ()
    minimum: Mapping[Any, float] = field(default_factory=dict)
    max_segments: int | None = None
    prefix: str = ""
    suffix: str = ""
    order: str = "document"
    seen: Any = ()


def scope_of(tree: Tree, constraints: Constraints, first: int, end: int) -> Scope:
    """Turn constraints into leaves of a branch.

    Raises:
        InputError: a selector names nothing, or something is asked for and excluded at once.
        BudgetError: the minimum shares are more than the whole budget.
    """
    _check_words(constraints)
    must = _leaves(tree, constraints.must_include, "must_include")
    excluded = _leaves(tree, constraints.exclude, "exclude")
    both = np.intersect1d(must, excluded)
    if len(both):
        start, stop = tree.layout().leaf_span(int(both[0]))
        raise InputError(
            f"characters {start} to {stop} are in must_include and in exclude; take them out of one"
        )
    allowed = np.setdiff1d(np.arange(first, end), tree.hidden)
    if len(excluded) and not len(np.setdiff1d(allowed, excluded)):
        raise InputError("exclude leaves nothing of the text; exclude less")
    quotas = tuple(
        Quota(np.setdiff1d(_leaves(tree, [selector], "minimum"), excluded), _share(selector, share))
        for selector, share in constraints.minimum.items()
    )
    shares = sum(quota.share for quota in quotas)
    if shares > 1 + 1e-9:
        raise BudgetError(
            f"the minimum shares add up to {shares:.0%}, the budget is 100%; lower them"
        )
    seen, nodes = _seen(tree, constraints.seen)
    return Scope(first, end, must, excluded, tree.hidden, quotas, seen, nodes)


def _check_words(constraints: Constraints) -> None:
    for name in ("prefix", "suffix"):
        text = getattr(constraints, name)
        if not isinstance(text, str):
            raise InputError(f"a {name} of type {type(text).__name__} is not text; pass a str")
    if constraints.order not in ORDERS:
        raise InputError(
            f"order {constraints.order!r} is unknown; pass {' or '.join(map(repr, ORDERS))}"
        )
    most = constraints.max_segments
    whole = isinstance(most, int | np.integer) and not isinstance(most, bool)
    if most is not None and (not whole or most < 1):
        raise InputError(f"max_segments {most!r} is not a whole number; pass 1 or more, or None")
    if not isinstance(constraints.minimum, Mapping):
        raise InputError(
            f"minimum of type {type(constraints.minimum).__name__} is no mapping; pass "
            "{selector: share of the budget}"
        )


def _share(selector: Any, share: Any) -> float:
    if isinstance(share, bool) or not isinstance(share, int | float | np.number):
        raise InputError(f"the minimum share of {selector!r} is {share!r}; pass 0 to 1")
    if not math.isfinite(share) or not 0 <= share <= 1:
        raise InputError(f"the minimum share of {selector!r} is {share}; pass 0 to 1")
    return float(share)


def _leaves(tree: Tree, selectors: Any, what: str) -> np.ndarray:
    """Return the leaves that selectors name, int64, ascending."""
    if isinstance(selectors, str | int | np.integer) or _is_span(selectors):
        selectors = [selectors]
    if not isinstance(selectors, Iterable):
        raise InputError(f"{what} {selectors!r} is no selector; {_REMEDY}")
    found = [_select(tree, selector, what) for selector in selectors]
    return np.setdiff1d(np.concatenate([np.zeros(0, np.int64), *found]), tree.hidden)


_REMEDY = "pass node ids, headings or spans (start, end)"


def _select(tree: Tree, selector: Any, what: str) -> np.ndarray:
    if isinstance(selector, str):
        return _under_heading(tree, selector, what)
    if isinstance(selector, int | np.integer) and not isinstance(selector, bool):
        node = tree.nodes[selector]
        return np.arange(*tree.nodes.leaves(node.level, node.id - tree.nodes.offsets[node.level]))
    if _is_span(selector):
        return _within(tree, int(selector[0]), int(selector[1]), what)
    raise InputError(f"{what} has {selector!r}, which is no selector; {_REMEDY}")


def _is_span(selector: Any) -> bool:
    """Say whether something is (start, end); several node ids come as a list."""
    return (
        isinstance(selector, tuple)
        and len(selector) == 2
        and all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in selector)
    )


def _within(tree: Tree, start: int, end: int, what: str) -> np.ndarray:
    """Return the leaves that a span touches."""
    if not 0 <= start < end <= len(tree.source):
        raise InputError(
            f"{what} has the span {start} to {end}, the text has the characters 0 to "
            f"{len(tree.source)}; pass a span inside it, its start before its end"
        )
    first, last = np.searchsorted(tree.leaf_start, [start, end - 1], "right") - 1
    return np.arange(first, last + 1)


def _under_heading(tree: Tree, words: str, what: str) -> np.ndarray:
    """Return the leaves of every section of that heading, the heading's own among them."""
    wanted, layout = _plain(words), tree.layout()
    opening = np.flatnonzero(tree.opens >= 0).tolist()
    titles = {leaf: layout.title(leaf) for leaf in opening if leaf not in layout.header_rows}
    named = [leaf for leaf, title in titles.items() if wanted and _plain(title) == wanted]
    if not named:
        known = list(dict.fromkeys(title for title in titles.values() if title))
        close = difflib.get_close_matches(words, known, _CLOSE, 0.4) or known[:_CLOSE]
        has = f"the text has {', '.join(map(repr, close))}" if close else "the text has none"
        raise InputError(f"{what} has the heading {words!r}, which is not there; {has}; {_REMEDY}")
    held = np.concatenate([[0], np.cumsum(np.isin(tree.path_leaves, named))])
    holding = np.diff(held[tree.path_offsets]) > 0  # the paths with any of them
    under = np.flatnonzero(holding[tree.index.path_of])
    return np.union1d(under, np.array(named, np.int64))


def _plain(title: str) -> str:
    return " ".join(title.strip("# \t\n").casefold().split())


def _seen(tree: Tree, contexts: Any) -> tuple[np.ndarray, frozenset[int]]:
    """Return the leaves that contexts show, and the nodes whose summaries they show."""
    contexts = [contexts] if isinstance(contexts, Context) else contexts
    if not isinstance(contexts, Iterable) or isinstance(contexts, str):
        raise InputError(f"seen of type {type(contexts).__name__} is no context; pass contexts")
    leaves, nodes = [np.zeros(0, np.int64)], set()
    for context in contexts:
        if not isinstance(context, Context):
            raise InputError(f"seen has a {type(context).__name__}; pass contexts of this tree")
        for segment in context.segments:
            summary = segment.kind == "summary"
            own = (
                tree.summary_texts.get(segment.node_id)
                if summary
                else tree.source[segment.start : segment.end]
            )
            if own != segment.text:
                raise InputError(
                    f"seen has a context of another text: its segment {segment.start} to "
                    f"{segment.end} is not in this one; pass contexts of this tree"
                )
            if summary:
                nodes.add(segment.node_id)
            else:
                leaves.append(_within(tree, segment.start, segment.end, "seen"))
    return np.unique(np.concatenate(leaves)), frozenset(nodes)
