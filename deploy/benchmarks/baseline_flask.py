"""The recommendation call as most would write it first: Flask around `LightFM.predict`.

It looks the key up, ranks all items for a user, leaves out those already seen, and answers ids and
scores; it filters nothing, gives no reasons, knows no recent events and records no usage.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from a2wsgi import WSGIMiddleware
from flask import Flask, abort, jsonify, request
from lightfm import LightFM
from scipy.sparse import coo_matrix

from deploy.benchmarks.serving_store import DIMENSIONS, HISTORY, ITEMS, SHOPPERS, item_ids
from saas.asgi import DJANGO_THREADS

rng = np.random.default_rng(7)
flask = Flask(__name__)
all_items = np.arange(ITEMS, dtype=np.int32)
ids = item_ids()
seen = rng.integers(0, ITEMS, (SHOPPERS, HISTORY))
model = LightFM(no_components=DIMENSIONS)
# Without an epoch its vectors are random, which costs as much to rank by.
model.fit(coo_matrix((SHOPPERS, ITEMS), dtype=np.float32), epochs=0)


@flask.post("/v1/recommend/for-user")
def for_user() -> Any:
    """Rank every item for a user."""
    if not request.headers.get("Authorization", "").startswith("Bearer sk_"):
        abort(401)
    asked = request.get_json()
    user, limit = int(asked["user_id"].removeprefix("user-")), asked["limit"]
    scores = model.predict(user, all_items, num_threads=1)
    scores[seen[user]] = -np.inf
    best = np.argpartition(-scores, limit)[:limit]
    best = best[np.argsort(-scores[best])]
    return jsonify(items=[{"id": ids[row], "score": float(scores[row])} for row in best])


wsgi: Any = flask.wsgi_app
application = WSGIMiddleware(wsgi, workers=DJANGO_THREADS)
