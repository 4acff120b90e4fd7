"""The pages about an environment's models, and about what shoppers get from them."""

from __future__ import annotations

from django.urls import path, register_converter

from saas.portal.pages.explore import explore, explore_item, explore_shopper, explore_why
from saas.portal.pages.model_changes import model_promotion, model_rollback, model_unpinning
from saas.portal.pages.model_comparison import comparison_result, model_comparison
from saas.portal.pages.models import model_detail, model_list
from saas.portal.pages.training import train_now, training
from saas.portal.versions import VersionConverter

register_converter(VersionConverter, "version")

urlpatterns = [
    path("explore/", explore, name="explore"),
    path("explore/shopper/", explore_shopper, name="explore-shopper"),
    path("explore/item/", explore_item, name="explore-item"),
    path("explore/why/", explore_why, name="explore-why"),
    path("models/", model_list, name="models"),
    path("models/compare/", model_comparison, name="model-comparison"),
    path("models/compare/result/", comparison_result, name="comparison-result"),
    path("models/rollback/", model_rollback, name="model-rollback"),
    path("models/train/", train_now, name="train-now"),
    path("models/training/", training, name="training"),
    path("models/unpin/", model_unpinning, name="model-unpinning"),
    path("models/<version:version>/", model_detail, name="model"),
    path("models/<version:version>/promote/", model_promotion, name="model-promotion"),
]
