"""A scan is the plain sum of z-scores, sorted: compiled and by numpy, coded or not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import kernel
from engine.core.blend import Blend
from engine.core.codes import codes_of
from engine.core.kernel import BadIndexError
from engine.core.parts import NeighbourPart, Part, StaticPart, VectorPart, vector_part
from engine.core.recommenders.sparse_rows import neighbour_part
from engine.core.scan import NO_SEED, CompiledScan, NumpyScan, Scan, scan
from engine.core.top_rows import top_rows

IMPLEMENTATIONS = [
    pytest.param(
        CompiledScan,
        marks=pytest.mark.skipif(kernel.library is None, reason="There is no C compiler."),
    ),
    NumpyScan,
]
KINDS = st.lists(st.sampled_from("svnVN"), min_size=1, max_size=5)


@dataclass
class Case:
    """A blend, a history and what a call lets in."""

    blend: Blend
    rows: np.ndarray[Any, np.dtype[np.int32]]
    weights: np.ndarray[Any, np.dtype[np.float32]]
    allowed: np.ndarray[Any, np.dtype[np.bool_]]
    limit: int


def some_case(
    kinds: list[str], *, seed: int, n_items: int, share: float, is_coded: bool, is_tied: bool
) -> Case:
    rng = np.random.default_rng(seed)
    parts = [
        some_part(kind, f"{kind}{place}", n_items, rng, is_coded=is_coded, is_tied=is_tied)
        for place, kind in enumerate(kinds)
    ]
    length = int(rng.integers(1, 12))
    return Case(
        blend=Blend(tuple(parts), {part.name: float(rng.uniform(0.1, 3)) for part in parts}),
        rows=rng.integers(0, n_items, length).astype(np.int32),
        weights=rng.uniform(0.1, 2, length).astype(np.float32),
        allowed=rng.random(n_items) < share,
        limit=int(rng.integers(1, n_items + 5)),
    )


def some_part(
    kind: str, name: str, n_items: int, rng: np.random.Generator, *, is_coded: bool, is_tied: bool
) -> Part:
    if kind == "s":
        popularity = rng.integers(0, 9, n_items) if is_tied else rng.gamma(1.0, 2.0, n_items)
        spread = popularity.std() or 1
        return StaticPart(name, ((popularity - popularity.mean()) / spread).astype(np.float32))
    if kind in "vV":
        width = int(rng.choice([1, 3, 32, 64, 70, 128]))
        vectors = rng.standard_normal((n_items, width)).astype(np.float32)
        if is_tied:
            vectors = vectors[rng.integers(0, max(1, n_items // 4), n_items)]
        # Columns of very different lengths, one of zeros.
        vectors *= rng.uniform(0, 10, width).astype(np.float32) * (np.arange(width) != 2)
        nothing = np.zeros((0, width), np.float32)
        part = vector_part(name=name, vectors=vectors, feature_vectors=nothing)
        return replace(part, codes=codes_of(part)) if is_coded else part
    weights = rng.normal(size=(n_items, n_items)) * (rng.random((n_items, n_items)) < 0.1)
    return neighbour_part(name, [sp.csr_array(np.round(weights) if is_tied else weights)])


def plain_z(part: Part, case: Case) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the z-scores by their definition, in float64."""
    if isinstance(part, StaticPart):
        return part.scores.astype(np.float64)
    if isinstance(part, VectorPart):
        weights = case.weights.astype(np.float64)
        user = weights @ part.vectors[case.rows].astype(np.float64) / weights.sum()
        raw = (part.vectors.astype(np.float64) * user).sum(axis=1)
    else:
        assert isinstance(part, NeighbourPart)
        raw = np.zeros(part.n_items)
        for row, weight in zip(case.rows, case.weights, strict=True):
            targets, strengths = part.neighbours(row)
            raw[targets] += strengths * weight
    spread = raw.std()
    if spread <= 1e-6 * max(1e-300, np.abs(raw - raw.mean()).max()) or spread < 1e-6:
        return np.zeros(part.n_items)
    return np.asarray((raw - raw.mean()) / spread)


def plain_scores(case: Case) -> np.ndarray[Any, np.dtype[np.float64]]:
    weights = case.blend.weights
    each = [weights[part.name] * plain_z(part, case) for part in case.blend.parts]
    return np.asarray(np.sum(each, axis=0))


def plain_best(scores: np.ndarray[Any, Any], case: Case) -> list[int]:
    candidates = np.flatnonzero(case.allowed)
    order = np.lexsort((candidates, -scores[candidates]))[: case.limit]
    return [int(row) for row in candidates[order]]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@given(
    kinds=KINDS,
    seed=st.integers(0, 2**32),
    n_items=st.sampled_from([1, 2, 5, 63, 64, 65, 150]),
    share=st.sampled_from([0.0, 0.03, 0.5, 1.0]),
    is_coded=st.booleans(),
    is_tied=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_scan_answers_what_sorting_the_plain_sum_answers(
    implementation: type[CompiledScan] | type[NumpyScan],
    kinds: list[str],
    seed: int,
    n_items: int,
    share: float,
    is_coded: bool,  # noqa: FBT001  # hypothesis draws it
    is_tied: bool,  # noqa: FBT001
) -> None:
    case = some_case(
        kinds, seed=seed, n_items=n_items, share=share, is_coded=is_coded, is_tied=is_tied
    )
    made = implementation(case.blend, case.rows, case.weights)
    truth = plain_scores(case)
    rows, scores = made.best(allowed=case.allowed, limit=case.limit)
    # What is equal but for rounding in the definition is equal in the scan, and goes by row.
    assert rows.tolist() == plain_best(made.values, case)
    assert scores.tolist() == made.values[rows].tolist()
    assert made.values == pytest.approx(truth, abs=2e-5 * (1 + np.abs(truth).max()))
    told = made.said(rows)
    assert told.contributions.sum(axis=0) == pytest.approx(scores, abs=1e-4)
    assert told.scores == pytest.approx(scores, abs=1e-6)


@pytest.mark.skipif(kernel.library is None, reason="There is no C compiler.")
@given(
    kinds=KINDS,
    seed=st.integers(0, 2**32),
    n_items=st.sampled_from([1, 65, 200]),
    share=st.sampled_from([0.03, 0.5, 1.0]),
    is_coded=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_compiled_and_numpy_give_the_same_items_and_the_same_reasons(
    kinds: list[str],
    seed: int,
    n_items: int,
    share: float,
    is_coded: bool,  # noqa: FBT001
) -> None:
    case = some_case(
        kinds, seed=seed, n_items=n_items, share=share, is_coded=is_coded, is_tied=False
    )
    compiled: Scan = CompiledScan(case.blend, case.rows, case.weights)
    plain: Scan = NumpyScan(case.blend, case.rows, case.weights)
    rows, scores = compiled.best(allowed=case.allowed, limit=case.limit)
    plain_rows, plain_scores = plain.best(allowed=case.allowed, limit=case.limit)
    assert rows.tolist() == plain_rows.tolist()
    assert scores == pytest.approx(plain_scores, rel=1e-6, abs=1e-6)
    told, plainly = compiled.said(rows), plain.said(rows)
    assert told.contributions == pytest.approx(plainly.contributions, rel=1e-5, abs=1e-5)
    assert told.leading.tolist() == plainly.leading.tolist()
    spoken = [NO_SEED if seed == NO_SEED else case.rows[seed] for seed in told.seeds]
    assert spoken == [NO_SEED if seed == NO_SEED else case.rows[seed] for seed in plainly.seeds]


@pytest.mark.skipif(kernel.library is None, reason="There is no C compiler.")
def test_a_part_that_names_an_item_that_is_not_there_is_an_error_and_no_crash() -> None:
    part = NeighbourPart(
        name="n",
        indptr=np.array([0, 1, 1]),
        indices=np.array([7], dtype=np.int32),
        data=np.ones(1, dtype=np.float32),
    )
    blend = Blend((part,), {"n": 1.0})
    everything = np.ones(2, dtype=np.bool_)
    for row in (0, 2, -1):
        made = CompiledScan(blend, np.array([row], np.int32), np.ones(1, np.float32))
        with pytest.raises(BadIndexError):
            made.best(allowed=everything, limit=1)
    fine = CompiledScan(blend, np.array([1], np.int32), np.ones(1, np.float32))
    assert fine.best(allowed=everything, limit=5)[0].tolist() == [0, 1]


def test_without_a_library_numpy_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    case = some_case(["s"], seed=1, n_items=5, share=1.0, is_coded=False, is_tied=False)
    monkeypatch.setattr(kernel, "library", None)
    assert isinstance(scan(case.blend, case.rows, case.weights), NumpyScan)


@given(
    scores=st.lists(st.integers(-4, 4), min_size=1, max_size=200),
    seed=st.integers(0, 2**32),
    limit=st.integers(0, 210),
)
@settings(deadline=None)
def test_top_rows_are_those_of_a_full_sort(scores: list[int], seed: int, limit: int) -> None:
    values = np.array(scores, dtype=np.float32)
    allowed = np.random.default_rng(seed).random(len(values)) < 0.7
    order = [row for row in np.argsort(-values, kind="stable") if allowed[row]]
    assert top_rows(values, allowed=allowed, limit=limit).tolist() == order[:limit]
    # Whatever is not float32 is numpy's.
    by_numpy = top_rows(values.astype(np.float64), allowed=allowed, limit=limit)
    assert by_numpy.tolist() == order[:limit]
