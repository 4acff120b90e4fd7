"""The pages that a customer would see at Stripe, with buttons to click."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from billing.local_stripe import checkout
from billing.local_stripe.invoices import LIVE
from billing.local_stripe.problems import StripeProblem
from billing.local_stripe.world import Resource, World, matching

_FRAME = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title><style>
body{{font:16px/1.5 system-ui;margin:3rem auto;max-width:36rem;padding:0 1rem;color:#1a1f36}}
button{{font:inherit;padding:.5rem 1rem;border-radius:6px;border:1px solid #cfd7df;cursor:pointer;
background:#fff;margin:.25rem .5rem .25rem 0}}button.main{{background:#635bff;color:#fff}}
table{{border-collapse:collapse;width:100%}}td{{padding:.25rem .5rem .25rem 0}}
small{{color:#697386}}</style></head><body>{body}
<p><small>Local Stripe: no money moves here.</small></p></body></html>"""
_EVENTS_SHOWN = 50


def answer_page(world: World, path: str, form: Mapping[str, str]) -> tuple[str, str]:
    """Return a page's HTML and where to go next, which is empty for staying.

    Raises
    ------
    StripeProblem
        There is no such page.
    """
    if path == "/":
        return _overview(world), ""
    kind, _, identifier = path.strip("/").partition("/")
    button = form.get("button", "")
    if kind == "checkout":
        return _checkout(world, world.get(checkout.CHECKOUT, identifier), button)
    if kind == "portal":
        return _portal(world, world.get(checkout.PORTAL, identifier), button)
    if kind == "invoice":
        return _invoice(world.get("invoice", identifier)), ""
    raise StripeProblem(f"Unrecognized request URL ({path})", status=404)


def _overview(world: World) -> str:
    """Show everything at a glance, the newest first."""
    body = "<h1>Local Stripe</h1><h2>Checkout</h2>" + _table(
        (f"<a href='/checkout/{each['id']}'>{each['id']}</a>", each["status"])
        for each in [*world.all(checkout.CHECKOUT).values()][::-1]
    )
    body += "<h2>Subscriptions</h2>" + _table(
        (escape(_name(world, each["customer"])), escape(each["id"]), f"<b>{each['status']}</b>")
        for each in [*world.all("subscription").values()][::-1]
    )
    body += "<h2>Invoices</h2><table>" + "".join(
        _invoice_row(each) for each in [*world.all("invoice").values()][::-1]
    )
    body += "</table><h2>Products</h2>" + _table(
        (escape(each["name"]),) for each in world.all("product").values()
    )
    body += "<h2>Events</h2>" + _table(
        (escape(each["type"]), "waits for its webhook" if each["pending_webhooks"] else "")
        for each in [*world.all("event").values()][:-_EVENTS_SHOWN:-1]
    )
    return _page("Local Stripe", body)


def _name(world: World, customer: str) -> str:
    return str(world.get("customer", customer)["name"] or customer)


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    shown = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{shown}</table>" if shown else "<p>None.</p>"


def _checkout(world: World, session: Resource, button: str) -> tuple[str, str]:
    if button == "pay":
        checkout.pay_checkout(world, session)
    if session["status"] == "complete":
        done = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
        return _page("Paid", "<h1>Paid</h1>"), done
    if button == "cancel" and session["cancel_url"]:
        return _page("Cancelled", "<h1>Cancelled</h1>"), session["cancel_url"]
    declined = "<p><b>Your card was declined.</b></p>" if button == "fail" else ""
    rows = "".join(_price_row(world, item["price"]) for item in session["line_items"])
    body = f"<h1>Subscribe</h1>{declined}<table>{rows}</table>" + _buttons(
        ("pay", "Pay", True),
        ("fail", "Pay with a card that fails", False),
        ("cancel", "Cancel", False),
    )
    return _page("Checkout", body), ""


def _price_row(world: World, identifier: str) -> str:
    price = world.get("price", identifier)
    name = escape(world.get("product", price["product"])["name"])
    if price["recurring"]["meter"] is None:
        return f"<tr><td>{name}</td><td>{_money(price['unit_amount'], price['currency'])} a month"
    return f"<tr><td>{name}</td><td>plus calls beyond the included ones"


def _portal(world: World, session: Resource, button: str) -> tuple[str, str]:
    subscriptions = matching(world.all("subscription").values(), session, "customer")
    live = [each for each in subscriptions if each["status"] in LIVE]
    if button in ("cancel", "resume"):
        for each in live:
            checkout.set_cancellation(world, each, is_wanted=button == "cancel")
    elif button in ("good", "bad"):
        checkout.change_card(world, session, is_good=button == "good")
    elif button == "return" and session["return_url"]:
        return _page("Back", ""), session["return_url"]
    invoices = matching(world.all("invoice").values(), session, "customer")[::-1]
    body = "<h1>Billing</h1>" + "".join(_subscription_row(each) for each in subscriptions)
    body += _buttons(
        ("cancel", "Cancel at the period's end", False),
        ("resume", "Do not cancel", False),
        ("good", "Use a card that works", False),
        ("bad", "Use a card that fails", False),
        ("return", "Return to the store's portal", True),
    )
    rows = "".join(_invoice_row(each) for each in invoices)
    return _page("Billing portal", f"{body}<h2>Invoices</h2><table>{rows}</table>"), ""


def _subscription_row(each: Resource) -> str:
    ending = ", ends with its period" if each["cancel_at_period_end"] else ""
    return f"<p>{escape(each['id'])}: <b>{each['status']}</b>{ending}</p>"


def _invoice_row(each: Resource) -> str:
    link = f"<a href='/invoice/{each['id']}'>{escape(each['number'] or 'draft')}</a>"
    total = _money(each["total"], each["currency"])
    return f"<tr><td>{link}</td><td>{total}</td><td>{each['status']}</td></tr>"


def _invoice(invoice: Resource) -> str:
    rows = "".join(
        f"<tr><td>{escape(line['description'] or '')}</td>"
        f"<td>{_money(line['amount'], invoice['currency'])}</td></tr>"
        for line in invoice["lines"]["data"]
    )
    due = _money(invoice["amount_due"], invoice["currency"])
    title = f"Invoice {invoice['number'] or '(draft)'}"
    return _page(title, f"<h1>{title}</h1><table>{rows}</table><p>Due: <b>{due}</b></p>")


def _buttons(*buttons: tuple[str, str, bool]) -> str:
    shown = "".join(
        f"<button name='button' value='{value}'{' class=main' if is_main else ''}>{text}</button>"
        for value, text, is_main in buttons
    )
    return f"<form method='post'>{shown}</form>"


def _money(minor: int, currency: str) -> str:
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d} {currency.upper()}"


def _page(title: str, body: str) -> str:
    return _FRAME.format(title=title, body=body)
