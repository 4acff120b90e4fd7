"""The pages about an environment's models."""

from __future__ import annotations

from django.urls import path

from saas.portal.pages.model_changes import model_promotion, model_rollback, model_unpinning
from saas.portal.pages.model_comparison import comparison_result, model_comparison
from saas.portal.pages.models import model_detail, model_list
from saas.portal.pages.training import train_now, training

urlpatterns = [
    path("models/", model_list, name="models"),
    path("models/compare/", model_comparison, name="model-comparison"),
    path("models/compare/result/", comparison_result, name="comparison-result"),
    path("models/rollback/", model_rollback, name="model-rollback"),
    path("models/train/", train_now, name="train-now"),
    path("models/training/", training, name="training"),
    path("models/unpin/", model_unpinning, name="model-unpinning"),
    path("models/<str:version>/", model_detail, name="model"),
    path("models/<str:version>/promote/", model_promotion, name="model-promotion"),
]
