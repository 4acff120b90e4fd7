"""Products and prices: flat monthly ones, and metered ones with graduated tiers."""

from __future__ import annotations

from decimal import Decimal

from billing.local_stripe.endpoint import Endpoint
from billing.local_stripe.problems import StripeProblem
from billing.local_stripe.world import Parameters, Resource, World, matching, page

# At most 12 decimal places, as the request types say in words.
_FINEST = -12


def _create_product(world: World, sent: Parameters) -> Resource:
    if "id" in sent and sent["id"] in world.all("product"):
        raise StripeProblem(
            f"Product already exists: {sent['id']}", code="resource_already_exists", param="id"
        )
    fields = {"active": True, "metadata": {}} | sent
    product = world.add("product", "prod", **{k: v for k, v in fields.items() if k != "id"})
    if "id" in sent:
        world.all("product")[sent["id"]] = product | {"id": sent["id"]}
        del world.all("product")[product["id"]]
        product = world.all("product")[sent["id"]]
    world.emit("product.created", product)
    return product


def _update_product(world: World, sent: Parameters, *, id: str) -> Resource:
    product = world.get("product", id)
    product |= sent
    world.emit("product.updated", product)
    return product


def _retrieve_product(world: World, sent: Parameters, *, id: str) -> Resource:
    return world.get("product", id)


def _list_products(world: World, sent: Parameters) -> Resource:
    found = matching(world.all("product").values(), sent, "active")
    return page(found, sent, url="/v1/products")


def _create_price(world: World, sent: Parameters) -> Resource:
    product = sent.get("product")
    if product is None:
        raise StripeProblem("Missing required param: product.", code="parameter_missing")
    world.get("product", product, param="product")
    if len(sent["currency"]) != 3 or not sent["currency"].islower():
        raise StripeProblem(f"Invalid currency: {sent['currency']}", param="currency")
    recurring = {"interval_count": 1, "usage_type": "licensed", "meter": None} | sent.get(
        "recurring", {}
    )
    _check_recurring(world, recurring)
    tiers = _tiers(sent)
    if (key := sent.get("lookup_key")) and matching(
        world.all("price").values(), {"lookup_key": key}, "lookup_key"
    ):
        raise StripeProblem(f"A price already uses the lookup key '{key}'.", param="lookup_key")
    price = world.add(
        "price",
        "price",
        active=True,
        billing_scheme=sent.get("billing_scheme", "per_unit"),
        currency=sent["currency"],
        lookup_key=sent.get("lookup_key"),
        metadata=sent.get("metadata", {}),
        nickname=sent.get("nickname"),
        product=product,
        recurring=recurring,
        tiers=tiers,
        tiers_mode=sent.get("tiers_mode"),
        type="recurring",
        unit_amount=sent.get("unit_amount"),
    )
    world.emit("price.created", price)
    return _shown(price, sent)


def _check_recurring(world: World, recurring: Resource) -> None:
    if recurring.get("interval") != "month" or recurring["interval_count"] != 1:
        raise StripeProblem("The local Stripe bills by the month only", param="recurring[interval]")
    is_metered = recurring["usage_type"] == "metered"
    if is_metered != bool(recurring["meter"]):
        raise StripeProblem(
            "A price with usage_type=metered must be backed by a meter, and no other may be.",
            param="recurring[meter]",
        )
    if is_metered:
        meter = world.get("billing.meter", recurring["meter"], param="recurring[meter]")
        if meter["status"] != "active":
            raise StripeProblem("The meter is inactive.", code="archived_meter")


def _tiers(sent: Parameters) -> list[Resource] | None:
    if sent.get("billing_scheme", "per_unit") == "per_unit":
        if "unit_amount" not in sent or "tiers" in sent:
            raise StripeProblem("A price per unit needs unit_amount and no tiers.", param="tiers")
        return None
    if sent.get("tiers_mode") != "graduated":
        raise StripeProblem("The local Stripe knows graduated tiers only.", param="tiers_mode")
    tiers = []
    last: int | None = 0
    for number, tier in enumerate(sent.get("tiers", [])):
        amount = tier.get("unit_amount_decimal", tier.get("unit_amount"))
        if amount is None or Decimal(amount) < 0 or _places(Decimal(amount)) < _FINEST:
            raise StripeProblem("Invalid decimal", param=f"tiers[{number}][unit_amount_decimal]")
        up_to = None if tier["up_to"] == "inf" else int(tier["up_to"])
        if last is None or (up_to is not None and up_to <= last):
            raise StripeProblem("Tiers must rise, and only the last may be 'inf'.", param="tiers")
        last = up_to
        tiers.append({"up_to": up_to, "unit_amount_decimal": str(amount)})
    if not tiers or last is not None:
        raise StripeProblem("The last tier must be up to 'inf'.", param="tiers")
    return tiers


def _places(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else _FINEST - 1


def _shown(price: Resource, sent: Parameters) -> Resource:
    # Tiers are shown to who asks for them.
    hidden = () if "tiers" in sent.get("expand", []) else ("tiers",)
    return {name: value for name, value in price.items() if name not in hidden}


def _retrieve_price(world: World, sent: Parameters, *, id: str) -> Resource:
    return _shown(world.get("price", id), sent)


def _update_price(world: World, sent: Parameters, *, id: str) -> Resource:
    price = world.get("price", id)
    price |= {name: sent[name] for name in ("active", "nickname", "lookup_key") if name in sent}
    world.emit("price.updated", price)
    return _shown(price, sent)


def _list_prices(world: World, sent: Parameters) -> Resource:
    found = matching(world.all("price").values(), sent, "active", "product", "currency")
    keys = sent.get("lookup_keys")
    rows = [row for row in found if keys is None or row["lookup_key"] in keys]
    listed = page(rows, sent, url="/v1/prices")
    return listed | {"data": [_shown(row, {}) for row in listed["data"]]}


ENDPOINTS = (
    Endpoint("POST", "/v1/products", "ProductCreateParams", _create_product),
    Endpoint("GET", "/v1/products", "ProductListParams", _list_products),
    Endpoint("GET", "/v1/products/{id}", "ProductRetrieveParams", _retrieve_product),
    Endpoint("POST", "/v1/products/{id}", "ProductUpdateParams", _update_product),
    Endpoint("POST", "/v1/prices", "PriceCreateParams", _create_price),
    Endpoint("GET", "/v1/prices", "PriceListParams", _list_prices),
    Endpoint("GET", "/v1/prices/{id}", "PriceRetrieveParams", _retrieve_price),
    Endpoint("POST", "/v1/prices/{id}", "PriceUpdateParams", _update_price),
)
