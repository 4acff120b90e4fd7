"""Prices and quantities as shops write them."""

from __future__ import annotations

import pytest

from engine.files.numbers import Numbers, read_money
from engine.rows.values import BadValue


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("12.90", "12.90", None),
        ("12.90 EUR", "12.90", "EUR"),
        ("eur12,9", "12.9", "EUR"),
        ("€1.299,00", "1299.00", "EUR"),
        ("1,299.00", "1299.00", None),
        ("1 299,00 €", "1299.00", "EUR"),
        ("1\u202f299,00\u00a0€", "1299.00", "EUR"),
        ("CHF 1'299.\u2013", "1299", "CHF"),
        ("1.299.000", "1299000", None),
        ("12.345.678,9", "12345678.9", None),
        ("12,-", "12", None),
        ("$5", "5", None),
        ("US$ 5", "5", "USD"),
        (".99", "0.99", None),
        ("0.125", "0.125", None),
        ("1234.567", "1234.567", None),
        ("12.9000", "12.9000", None),
        ("12,90 €*", "12.90", "EUR"),
        ("12,90 €/kg", "12.90", "EUR"),
        ("KWD 1.250", "1.250", "KWD"),
    ],
)
def test_a_price_is_read_with_its_currency(text: str, amount: str, currency: str | None) -> None:
    assert read_money(text) == (amount, currency)


@pytest.mark.parametrize("text", ["1,299", "1.299", "€ 12.345", "999,999"])
def test_a_price_that_can_mean_two_is_refused(text: str) -> None:
    with pytest.raises(BadValue) as refused:
        read_money(text)
    assert refused.value.code == "ambiguous_price"


@pytest.mark.parametrize(
    "text",
    [
        *("abc", "-5", "20%", "12 pcs", "€ 5 USD", "12,90,10", "1.29.000", "12 90", "from 3 €"),
        *("1.2,3", "١٢", "12.90 12.90", "9" * 11, "1" * 100, "=1+1"),
    ],
)
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(BadValue) as refused:
        read_money(text)
    assert refused.value.code == "invalid_price"


@pytest.mark.parametrize(
    ("text", "count"),
    [("2", "2"), ("2 pcs", "2"), ("3x", "3"), ("1,5 kg", "1.5"), ("4 Stück", "4")],
)
def test_a_quantity_is_read_without_its_unit(text: str, count: str) -> None:
    assert Numbers().count(text) == count


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0", "invalid_quantity"),
        ("50 %", "invalid_quantity"),
        ("two", "invalid_quantity"),
        ("-1", "invalid_quantity"),
        ("1,000", "ambiguous_quantity"),
    ],
)
def test_what_is_no_quantity_is_refused(text: str, code: str) -> None:
    with pytest.raises(BadValue) as refused:
        Numbers().count(text)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("others", "text", "amount"),
    [
        (["4.25", "12"], "1.225", "1.225"),
        (["4,25"], "1.225", "1225"),
        (["1.299.000"], "1.225", "1225"),
        (["€1.299,00", "12,90 EUR"], "1,225", "1.225"),
        (["0.125"], "1,225", "1225"),
        (["4.25"], "1,225.50", "1225.50"),
    ],
)
def test_what_can_mean_two_means_what_the_files_other_numbers_say(
    others: list[str], text: str, amount: str
) -> None:
    numbers = Numbers()
    numbers.learn(others)
    assert numbers.amount(text).amount == amount
    assert numbers.count(text) == amount


@pytest.mark.parametrize("others", [[], ["12", "abc", "1" * 99], ["4.25", "4,25"], ["1.299"]])
def test_it_stays_ambiguous_where_they_say_nothing_or_disagree(others: list[str]) -> None:
    numbers = Numbers()
    numbers.learn(others)
    with pytest.raises(BadValue) as refused:
        numbers.amount("1.225")
    assert refused.value.code == "ambiguous_price"
