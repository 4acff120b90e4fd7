"""The one door to LightFM: item vectors from identity and features, for taste and cold items."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from lightfm import LightFM
from numpy.typing import NDArray

from engine.core.parts import VectorPart, vector_part
from engine.core.recency import DAY_SECONDS, decay
from engine.core.recipe import LightFMSettings
from engine.core.recommenders.protocol import FitContext
from engine.core.recommenders.taste_state import TasteState
from engine.core.training_part import Pairs, TrainingPart

_MEASURED_PAIRS = 20_000
# Enough for a loss to look at.
_LOSS_PAIRS = 2_000


@dataclass(frozen=True)
class Taste:
    """What a run leaves behind: the part to serve, and what a later run goes on from.

    ``loss`` is that of `engine.core.learning_curve.CurvePoint`.
    """

    part: VectorPart
    state: TasteState
    loss: float


@dataclass(frozen=True)
class LightFMHybrid:
    """LightFM with WARP loss (Kula 2015, arXiv:1507.08439; Weston et al., IJCAI 2011).

    Each item is its identity plus its features. After the epochs on everything, a few on the
    newest pairs alone: that is recency weighting, and worth 6 to 26 % of NDCG in measurements.
    User embeddings and biases are thrown away: a user is the mean of the vectors in the history,
    as at serving. Vectors that were learnt beside biases lack what is popular, and so half of
    their Recall@20 on Gowalla, but suit a blend that has popularity; without biases
    (``knows_popularity``) it has to be in the vectors.
    """

    settings: LightFMSettings
    report_epoch: Callable[[int, int], None] = lambda _done, _of: None

    def fit(self, part: TrainingPart, context: FitContext) -> VectorPart:
        """Return vectors for every item; those no event touched come from features alone."""
        return self.learn(part, context).part

    def learn(self, part: TrainingPart, context: FitContext) -> Taste:
        """Return what `fit` does, with the state of the run."""
        run = LightFMRun(self.settings, part, context, self.report_epoch)
        run.advance(self.settings.epochs)
        return run.finished()


class LightFMRun:
    """A model in training: epochs are added, and between them its vectors can be looked at."""

    def __init__(
        self,
        settings: LightFMSettings,
        part: TrainingPart,
        context: FitContext,
        report_epoch: Callable[[int, int], None] = lambda _done, _of: None,
    ) -> None:
        self.settings = settings
        self._part = part
        self._context = context
        self._report_epoch = report_epoch
        self._done = 0
        self._model = LightFM(
            no_components=settings.dimensions,
            loss="warp",
            learning_rate=settings.learning_rate,
            item_alpha=settings.item_alpha,
            max_sampled=settings.max_sampled,
            random_state=context.seed,
        )
        self._columns = _feature_columns(part, settings.feature_weight)
        nothing, _ = self._samples(part.pairs.take(np.zeros(0, np.int64)))
        # No epoch: this only makes room.
        self._model.fit_partial(nothing, item_features=self._columns, epochs=0)
        self._settle_biases()

    def advance(self, epochs: int) -> None:
        """Add epochs on all pairs."""
        self._train(self._model, self._all_pairs, epochs)

    def resume(self, state: TasteState, pairs: Pairs, *, epochs: int) -> Taste:
        """Go on from another run's state with some pairs alone.

        Parameters
        ----------
        state : TasteState
            With this part's items and features as its rows.
        pairs : Pairs
            Of this part, those that the other run has not seen.
        epochs : int
        """
        _put_state(self._model, state)
        self._settle_biases()
        self._model.user_embeddings[:] = state.user_scale * _user_means(
            self._part, self._columns @ state.embeddings
        )
        self._train(self._model, self._samples(pairs), epochs)
        return self._taste(self._model)

    def finished(self) -> Taste:
        """Return what the model would be now, after its epochs on the newest pairs."""
        settings, part = self.settings, self._part
        model = self._model
        if settings.newest_epochs:
            model = deepcopy(model)
            by_time = np.argsort(part.pairs.seconds, kind="stable")
            newest = by_time[len(by_time) - int(len(by_time) * settings.newest_share) :]
            samples = self._samples(part.pairs.take(newest))
            self._train(model, samples, settings.newest_epochs)
        return self._taste(model)

    def as_it_is(self) -> tuple[VectorPart, float]:
        """Return the part and the loss without epochs on the newest pairs."""
        return self._part_of(self._model)[1], self._loss(self._model)

    def _taste(self, model: LightFM) -> Taste:
        embeddings, part = self._part_of(model)
        return Taste(
            part=part,
            state=TasteState(
                embeddings=embeddings,
                embedding_gradients=model.item_embedding_gradients,
                biases=model.item_biases,
                bias_gradients=model.item_bias_gradients,
                user_scale=_user_scale(
                    model.user_embeddings, _user_means(self._part, part.vectors)
                ),
            ),
            loss=self._loss(model),
        )

    def _part_of(self, model: LightFM) -> tuple[NDArray[np.float32], VectorPart]:
        """Return the rows of all columns, and the part that they make."""
        embeddings = _trained_rows(model.item_embeddings, self._columns, self._part.is_active)
        feature_vectors = embeddings[self._part.n_items :]
        part = vector_part(
            name="taste",
            vectors=np.asarray(self._columns @ embeddings, dtype=np.float32),
            feature_vectors=feature_vectors * np.float32(self.settings.feature_weight),
        )
        return embeddings, part

    def _loss(self, model: LightFM) -> float:
        """Return the mean logistic loss of sampled pairs, each beside another item at random."""
        pairs, is_active = self._part.pairs, self._part.is_active
        if not len(pairs):
            return 0.0
        rng = np.random.default_rng(self._context.seed)
        sample = rng.integers(len(pairs), size=_LOSS_PAIRS)
        liked = pairs.item_index[sample]
        other = rng.choice(np.flatnonzero(is_active), size=_LOSS_PAIRS)
        difference = self._columns[liked] - self._columns[other]
        users = pairs.user_index[sample]
        ahead = np.einsum(
            "pk,pk->p", model.user_embeddings[users], difference @ model.item_embeddings
        )
        ahead += difference @ model.item_biases
        return float(np.logaddexp(0, -ahead.astype(np.float64)).mean())

    @cached_property
    def _all_pairs(self) -> tuple[sp.coo_matrix, sp.coo_matrix]:
        return self._samples(self._part.pairs)

    def _samples(self, pairs: Pairs) -> tuple[sp.coo_matrix, sp.coo_matrix]:
        return _interactions(self._part, pairs, self.settings.half_life_days)

    def _settle_biases(self) -> None:
        """Let them learn, or stay 0: adagrad divides by the root of what has accumulated."""
        if self.settings.knows_popularity:
            self._model.item_biases[:] = 0
            self._model.item_bias_gradients[:] = np.inf

    def _train(
        self, model: LightFM, samples: tuple[sp.coo_matrix, sp.coo_matrix], epochs: int
    ) -> None:
        interactions, weights = samples
        for _ in range(epochs if interactions.nnz else 0):
            model.fit_partial(
                interactions,
                item_features=self._columns,
                sample_weight=weights,
                num_threads=self._context.threads,
            )
            self._done += 1
            self._report_epoch(self._done, self.settings.epochs + self.settings.newest_epochs)


def seconds_per_pair(settings: LightFMSettings, part: TrainingPart, context: FitContext) -> float:
    """Measure one epoch over at most 20,000 of a part's pairs; the model is thrown away."""
    step = max(1, len(part.pairs) // _MEASURED_PAIRS)
    sample = part.pairs.take(np.arange(0, len(part.pairs), step))
    run = LightFMRun(settings, replace(part, pairs=sample), context)
    started = time.monotonic()
    run.advance(1)
    return (time.monotonic() - started) / max(1, len(sample))


def _put_state(model: LightFM, state: TasteState) -> None:
    model.item_embeddings[:] = state.embeddings
    model.item_embedding_gradients[:] = state.embedding_gradients
    model.item_biases[:] = state.biases
    model.item_bias_gradients[:] = state.bias_gradients


def _user_means(part: TrainingPart, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32[n_users, k]: the mean of what each user likes, zeros for who likes nothing."""
    likes = part.matrix(None)
    counts = np.maximum(1, np.diff(likes.indptr))
    return np.asarray(likes @ vectors / counts[:, None], dtype=np.float32)


def _user_scale(users: NDArray[np.float32], means: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32[1]: by how much trained users are longer than the means of what they like."""
    squares = np.square(means, dtype=np.float64).sum()
    scale = np.multiply(users, means, dtype=np.float64).sum() / squares if squares > 0 else 1.0
    return np.array([scale], dtype=np.float32)


def _feature_columns(part: TrainingPart, feature_weight: float) -> sp.csr_matrix:
    identity = sp.eye_array(part.n_items, dtype=np.float32, format="csr")
    features = part.features.matrix * np.float32(feature_weight)
    columns = sp.csr_matrix(sp.hstack([identity, features], format="csr"), dtype=np.float32)
    # LightFM's compiled code reads 32-bit indices only.
    columns.indices = columns.indices.astype(np.int32)
    columns.indptr = columns.indptr.astype(np.int32)
    return columns


def _interactions(
    part: TrainingPart, pairs: Pairs, half_life_days: float | None
) -> tuple[sp.coo_matrix, sp.coo_matrix]:
    ages = np.maximum(0, part.newest_seconds - pairs.seconds) / DAY_SECONDS
    weights = (np.log1p(pairs.weight) * decay(ages, half_life_days)).astype(np.float32)
    # Mean 1 keeps the learning rate's meaning.
    weights /= max(float(weights.mean()), 1e-12) if len(weights) else 1.0
    places = (pairs.user_index, pairs.item_index)
    shape = (part.n_users, part.n_items)
    ones = np.ones(len(pairs), dtype=np.float32)
    return sp.coo_matrix((ones, places), shape=shape), sp.coo_matrix((weights, places), shape=shape)


def _trained_rows(
    embeddings: NDArray[np.float32], columns: sp.csr_matrix, is_active: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Zero the rows of feature columns without training events.

    They keep LightFM's random start, which cost cold items a third of their NDCG@10
    on Amazon Beauty (0.059 instead of 0.093).
    """
    touched = np.zeros(columns.shape[1], dtype=np.bool_)
    touched[columns[np.flatnonzero(is_active)].indices] = True
    return np.where(touched[:, None], embeddings, np.float32(0))
