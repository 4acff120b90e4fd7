"""Invoices: what a period costs, from drafts over payments to dunning."""

from __future__ import annotations

from billing.local_stripe import credits
from billing.local_stripe.customers import can_pay
from billing.local_stripe.endpoint import Endpoint
from billing.local_stripe.lines import flat_line, metered_lines, pending_lines
from billing.local_stripe.problems import StripeProblem
from billing.local_stripe.world import Parameters, Resource, World, matching, new_id, page

DAY = 86_400
# Stripe's usual schedule: four attempts over two weeks.
RETRY_AFTER_DAYS = (3, 5, 7)
LIVE = ("trialing", "active", "past_due", "unpaid")


def open_draft(
    world: World, subscription: Resource, *, reason: str, at: int, lines: list[Resource]
) -> Resource:
    """Make a draft that becomes an invoice an hour later, or when told to."""
    invoice = world.add(
        "invoice",
        "in",
        customer=subscription["customer"],
        currency=subscription["currency"],
        billing_reason=reason,
        status="draft",
        attempt_count=0,
        attempted=False,
        auto_advance=True,
        next_payment_attempt=None,
        automatically_finalizes_at=at + world.draft_seconds,
        period_start=subscription["items"]["data"][0]["current_period_start"],
        period_end=at,
        lines={"object": "list", "data": lines, "has_more": False},
        parent={
            "type": "subscription_details",
            "subscription_details": {"subscription": subscription["id"]},
        },
        subtotal=0,
        total=0,
        amount_due=0,
        amount_paid=0,
        status_transitions={"finalized_at": None, "paid_at": None},
        hosted_invoice_url=None,
        number=None,
    )
    _add_up(invoice, applied=[])
    world.emit("invoice.created", invoice)
    return invoice


def finalize(world: World, invoice: Resource, *, at: int) -> None:
    """Count the closed period's usage, apply credits, and let nothing change any more."""
    subscription = _subscription_of(world, invoice)
    if invoice["billing_reason"] != "subscription_create":
        invoice["lines"]["data"][:0] = metered_lines(
            world, subscription, start=invoice["period_start"], end=invoice["period_end"]
        )
    _add_up(invoice, applied=credits.apply(world, invoice, at=at))
    invoice |= {
        "status": "open",
        "number": f"LOCAL-{len(world.all('invoice')):06d}",
        "hosted_invoice_url": f"{world.address}/invoice/{invoice['id']}",
        "automatically_finalizes_at": None,
    }
    invoice["status_transitions"]["finalized_at"] = at
    world.is_changed = True
    world.emit("invoice.finalized", invoice)


def attempt_payment(world: World, invoice: Resource, *, at: int) -> bool:
    """Charge the customer's card; a failure moves the subscription towards unpaid."""
    subscription = _subscription_of(world, invoice)
    before = subscription["status"]
    invoice["attempted"] = True
    invoice["attempt_count"] += 1
    is_paid = not invoice["amount_due"] or can_pay(world, invoice["customer"])
    if is_paid:
        invoice |= {
            "status": "paid",
            "amount_paid": invoice["amount_due"],
            "next_payment_attempt": None,
        }
        invoice["status_transitions"]["paid_at"] = at
        if before in ("past_due", "unpaid", "incomplete"):
            subscription["status"] = "active"
    else:
        _schedule_retry(subscription, invoice, at=at)
    world.is_changed = True
    world.emit("invoice.paid" if is_paid else "invoice.payment_failed", invoice)
    if subscription["status"] != before:
        world.emit("customer.subscription.updated", subscription, changed={"status": before})
    return is_paid


def _schedule_retry(subscription: Resource, invoice: Resource, *, at: int) -> None:
    attempts = invoice["attempt_count"]
    has_more = attempts <= len(RETRY_AFTER_DAYS)
    invoice["next_payment_attempt"] = (
        at + RETRY_AFTER_DAYS[attempts - 1] * DAY if has_more else None
    )
    if invoice["billing_reason"] != "subscription_create" and subscription["status"] in LIVE:
        subscription["status"] = "past_due" if has_more else "unpaid"


def _add_up(invoice: Resource, *, applied: list[Resource]) -> None:
    subtotal = sum(line["amount"] for line in invoice["lines"]["data"])
    credit = sum(each["amount"] for each in applied)
    invoice |= {
        "subtotal": subtotal,
        "total_pretax_credit_amounts": applied,
        "total": subtotal - credit,
        "amount_due": max(subtotal - credit, 0),
    }


def _subscription_of(world: World, invoice: Resource) -> Resource:
    return world.get("subscription", invoice["parent"]["subscription_details"]["subscription"])


def _preview(world: World, sent: Parameters) -> Resource:
    """Answer what the next invoice would be if the period ended now."""
    found = _previewed(world, sent)
    now = world.now(found["customer"])
    item = found["items"]["data"][0]
    start, end = item["current_period_start"], item["current_period_end"]
    lines = [
        *metered_lines(world, found, start=start, end=min(now, end)),
        *pending_lines(world, found, consume=False),
    ]
    if not found["cancel_at_period_end"]:
        lines.append(flat_line(world, found, start=end, end=end, part=1, whole=1))
    invoice = {
        "id": new_id("upcoming_in"),
        "object": "invoice",
        "customer": found["customer"],
        "currency": found["currency"],
        "status": "draft",
        "period_start": start,
        "period_end": end,
        "lines": {"object": "list", "data": lines, "has_more": False},
    }
    _add_up(invoice, applied=credits.apply(world, invoice, at=now, is_preview=True))
    return invoice


def _previewed(world: World, sent: Parameters) -> Resource:
    if "subscription" in sent:
        return world.get("subscription", sent["subscription"], param="subscription")
    found = matching(world.all("subscription").values(), sent, "customer")
    live = [each for each in found if each["status"] in LIVE]
    if "customer" not in sent or not live:
        raise StripeProblem(
            "No upcoming invoices for customer", status=404, code="invoice_upcoming_none"
        )
    return live[0]


def _retrieve(world: World, sent: Parameters, *, id: str) -> Resource:
    return world.get("invoice", id)


def _list(world: World, sent: Parameters) -> Resource:
    found = matching(world.all("invoice").values(), sent, "customer", "status")
    if "subscription" in sent:
        found = [
            each
            for each in found
            if each["parent"]["subscription_details"]["subscription"] == sent["subscription"]
        ]
    return page(found, sent, url="/v1/invoices")


def _finalize(world: World, sent: Parameters, *, id: str) -> Resource:
    invoice = world.get("invoice", id)
    if invoice["status"] != "draft":
        raise StripeProblem("This invoice is already finalized.", code="invoice_not_editable")
    finalize(world, invoice, at=world.now(invoice["customer"]))
    return invoice


def _pay(world: World, sent: Parameters, *, id: str) -> Resource:
    invoice = world.get("invoice", id)
    if invoice["status"] != "open":
        raise StripeProblem(f"Invoice is {invoice['status']}", code="invoice_not_payable")
    if not attempt_payment(world, invoice, at=world.now(invoice["customer"])):
        raise StripeProblem(
            "Your card was declined.", status=402, kind="card_error", code="card_declined"
        )
    return invoice


def _create_item(world: World, sent: Parameters) -> Resource:
    customer = sent.get("customer", "")
    world.get("customer", customer, param="customer")
    if "amount" not in sent or "currency" not in sent:
        raise StripeProblem("Missing required param: amount.", code="parameter_missing")
    return world.add(
        "invoiceitem",
        "ii",
        customer=customer,
        amount=sent["amount"],
        currency=sent["currency"],
        description=sent.get("description"),
        metadata=sent.get("metadata", {}),
        invoice=None,
    )


ENDPOINTS = (
    Endpoint("GET", "/v1/invoices", "InvoiceListParams", _list),
    Endpoint("POST", "/v1/invoices/create_preview", "InvoiceCreatePreviewParams", _preview),
    Endpoint("GET", "/v1/invoices/{id}", "InvoiceRetrieveParams", _retrieve),
    Endpoint("POST", "/v1/invoices/{id}/finalize", "InvoiceFinalizeInvoiceParams", _finalize),
    Endpoint("POST", "/v1/invoices/{id}/pay", "InvoicePayParams", _pay),
    Endpoint("POST", "/v1/invoiceitems", "InvoiceItemCreateParams", _create_item),
)
