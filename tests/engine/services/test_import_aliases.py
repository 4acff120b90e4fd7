"""What an import does with the other names of items: a store's word, or our guess."""

from __future__ import annotations

import pytest

from engine.models.item import Item
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.engine.importing import counts, import_file, row_errors

SHOPIFY = """\
Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Barcode,Published
boot,Boot,Size,40,sku-40,99.00,4006381,true
boot,,,41,sku-41,99.00,4006381,true
"""


def _aliases(environment: Environment) -> dict[str, list[str]]:
    with in_environment(environment):
        rows = Item.objects.filter(deleted_at=None).values_list("item_id", "aliases")
        return {item_id: sorted(aliases) for item_id, aliases in rows}


@pytest.mark.parametrize("mode", ["incremental", "full"])
def test_a_barcode_that_variants_share_names_the_first_and_costs_none(
    acorn: Environment, mode: str
) -> None:
    done = import_file(acorn, SHOPIFY, mode=mode)
    assert counts(done) == {"accepted": 2, "created": 2}
    assert _aliases(acorn) == {"sku-40": ["4006381", "boot/40"], "sku-41": ["boot/41"]}
    again = import_file(acorn, SHOPIFY, mode=mode)
    assert counts(again) == {"accepted": 2, "unchanged": 2}


def test_an_alias_that_a_store_names_twice_is_a_bad_row(acorn: Environment) -> None:
    done = import_file(acorn, "id,title,aliases\na,A,x\nb,B,x\n")
    assert counts(done) == {"accepted": 1, "created": 1, "rejected": 1}
    assert row_errors(acorn) == [(3, "aliases", "x", "alias_taken")]
