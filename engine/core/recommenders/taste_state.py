"""What LightFM has learnt of items, kept beside a model so that a later run can go on from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TasteState:
    """LightFM's item side: a row for each item of the catalogue, then one for each feature.

    No shopper is in it: a user starts again as the mean of what the user likes.

    Attributes
    ----------
    embeddings : float32[n_rows, k]
        Zeros where no event has taught anything.
    embedding_gradients : float32[n_rows, k]
        Adagrad's accumulators, 1 at the start.
    biases, bias_gradients : float32[n_rows]
        The same of the items' biases.
    user_scale : float32[1]
        By how much trained users are longer than the means of their items' vectors.
    """

    embeddings: NDArray[np.float32]
    embedding_gradients: NDArray[np.float32]
    biases: NDArray[np.float32]
    bias_gradients: NDArray[np.float32]
    user_scale: NDArray[np.float32]

    def carried(self, kept: NDArray[np.int64], *, rows: int) -> TasteState:
        """Return the state of another catalogue: what is new knows nothing.

        Parameters
        ----------
        kept : int64[n_rows]
            The new row of each row, -1 for what has gone.
        rows : int
            How many rows there are now.

        Examples
        --------
        >>> one = np.ones((2, 1), np.float32)
        >>> state = TasteState(one * 3, one * 5, one[:, 0], one[:, 0], one[0])
        >>> state.carried(np.array([2, -1]), rows=3).embeddings.ravel()
        array([0., 0., 3.], dtype=float32)
        """
        old = np.flatnonzero(kept >= 0)

        def moved(values: NDArray[np.float32], start: float) -> NDArray[np.float32]:
            new = np.full((rows, *values.shape[1:]), start, dtype=np.float32)
            new[kept[old]] = values[old]
            return new

        return TasteState(
            embeddings=moved(self.embeddings, 0.0),
            embedding_gradients=moved(self.embedding_gradients, 1.0),
            biases=moved(self.biases, 0.0),
            bias_gradients=moved(self.bias_gradients, 1.0),
            user_scale=self.user_scale,
        )
