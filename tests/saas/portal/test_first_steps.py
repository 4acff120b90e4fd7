"""The steps from the first key to the first attributed click, decided from values alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from saas.portal.first_steps import Facts, Step, first_steps

NOTHING = Facts(most=1_000)
EVERYTHING = Facts(
    most=1_000,
    keys=2,
    items=1_000,
    lines=3,
    learnable=100,
    live_version="01KV",
    first_call=datetime(2026, 11, 5, 9, tzinfo=UTC),
    clicks=1,
)


def steps(facts: Facts) -> dict[str, Step]:
    return {step.title: step for step in first_steps(facts)}


def test_at_first_the_key_is_next_and_all_else_is_to_come() -> None:
    assert [step.state for step in first_steps(NOTHING)] == ["now", *["later"] * 6]
    assert all(step.advice for step in first_steps(NOTHING))


def test_at_the_end_all_is_done_and_nothing_is_advised() -> None:
    assert [(step.state, step.advice) for step in first_steps(EVERYTHING)] == [("done", "")] * 7
    assert [step.number for step in first_steps(EVERYTHING)] == [
        "2 keys",
        "1,000 items or more",
        "3 event lines",
        "100 events, where 100 are needed",
        "model 01KV is live",
        "in the hour of 5 November 2026, 09:00 UTC",
        "1 click",
    ]


def test_a_later_step_may_be_done_before_an_earlier_one() -> None:
    served = first_steps(replace(NOTHING, keys=1, first_call=datetime(2026, 11, 5, tzinfo=UTC)))
    states = {step.title: step.state for step in served}
    assert states["The first recommendation served"] == "done"
    assert states["The catalogue"] == "now"


def test_one_item_is_no_catalogue_since_it_recommends_nothing() -> None:
    assert steps(replace(NOTHING, items=1))["The catalogue"].state != "done"


def test_what_is_missing_to_learn_from_is_counted() -> None:
    step = steps(replace(EVERYTHING, live_version=None, learnable=99))["Enough to learn from"]
    assert step.number == "99 of 100 events"
    assert step.advice.startswith("1 more event of interest")


def test_a_model_proves_that_there_was_enough() -> None:
    assert steps(replace(EVERYTHING, learnable=0))["Enough to learn from"].state == "done"


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("unknown_items", "Enough to learn from"),
        ("no_shoppers", "Enough to learn from"),
        ("training_failed", "The first model"),
        ("model_rejected", "The first model"),
        ("auto_train_off", "The first model"),
    ],
)
def test_what_blocks_a_step_is_said_at_that_step(code: str, title: str) -> None:
    facts = replace(NOTHING, blocking={code: "Do this first."})
    assert steps(facts)[title].advice == "Do this first."


def test_a_training_under_way_shows_its_stage_before_what_an_earlier_one_left() -> None:
    running = replace(
        NOTHING, training="selecting", progress=0.4, blocking={"training_failed": "Failed."}
    )
    step = steps(running)["The first model"]
    assert (step.number, step.advice) == ("40 %", "In training: selecting.")
    assert steps(replace(running, training=""))["The first model"].advice == (
        "In training: waiting for its turn."
    )
