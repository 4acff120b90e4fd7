"""Acorn Books: the moods, authors and formats the sample-store generator draws from."""

from __future__ import annotations

import numpy as np

from saas.lifecycle.sample.book_shelves import LEAVES
from saas.lifecycle.sample.spec import StoreSpec, Variant, words

STYLES = {
    "dark": {
        "fiction": words("Silent, Frozen, Drowned, Hollow, Buried, Black, Forsaken, Nameless"),
        "cookbook": words("Smoky, Midnight, Blackened, Fiery, Wild, Nordic"),
        "guide": words("Wild, Midnight, Wintry, Unseen, Remote, Northern"),
        "history": words("Brutal, Forgotten, Bloody, Hidden, Dark, Vanished"),
        "children": words("Spooky, Shadowy, Midnight, Grumpy, Prickly, Stormy"),
        "gift": words("Midnight, Ink Black, Charcoal, Raven"),
    },
    "cosy": {
        "fiction": words("Little, Friendly, Lamplit, Honeyed, Sunday, Gentle, Homely, Warm"),
        "cookbook": words("Cosy, Weekend, Kitchen-Table, Homely, Comforting, Sunday"),
        "guide": words("Cosy, Weekend, Homegrown, Friendly, Fireside, Gentle"),
        "history": words("Domestic, Everyday, Village, Homely, Intimate, Local"),
        "children": words("Cuddly, Sleepy, Snuggly, Little, Woolly, Gentle"),
        "gift": words("Cosy, Oatmeal, Lamplight, Hearth"),
    },
    "epic": {
        "fiction": words("Burning, Crimson, Shattered, Unbroken, Immortal, Iron, Endless"),
        "cookbook": words("Grand, Complete, Legendary, Great, Ultimate, Monumental"),
        "guide": words("Grand, Complete, Great, Ultimate, Heroic, Monumental"),
        "history": words("Great, Monumental, Heroic, Grand, Sweeping, Triumphant"),
        "children": words("Mighty, Gigantic, Roaring, Fearless, Enormous, Thundering"),
        "gift": words("Crimson, Gilded, Dragon, Royal"),
    },
    "witty": {
        "fiction": words("Improbable, Reluctant, Accidental, Unlikely, Hapless, Absurd, Tipsy"),
        "cookbook": words("Lazy, Cheeky, Unruly, Shameless, Tipsy, Cheerful"),
        "guide": words("Lazy, Curious, Unruly, Cheerful, Irreverent, Reluctant"),
        "history": words("Irreverent, Curious, Improbable, Scandalous, Absurd, Cheerful"),
        "children": words("Silly, Giggling, Wobbly, Topsy-Turvy, Cheeky, Ticklish"),
        "gift": words("Cheeky, Polka-Dot, Marmalade, Merry"),
    },
    "lyrical": {
        "fiction": words("Pale, Whispering, Distant, Silver, Dreaming, Tender, Luminous"),
        "cookbook": words("Slow, Seasonal, Quiet, Fragrant, Tender, Poetic"),
        "guide": words("Slow, Quiet, Seasonal, Poetic, Thoughtful, Luminous"),
        "history": words("Luminous, Quiet, Tender, Wandering, Poetic, Distant"),
        "children": words("Dreaming, Starlit, Whispering, Floating, Singing, Silver"),
        "gift": words("Silver, Moonlit, Watercolour, Dusk"),
    },
    "classic": {
        "fiction": words("Old, Lost, Secret, Long, Faithful, Proper, Venerable, Seventh"),
        "cookbook": words("Classic, Traditional, Heritage, Timeless, Grandmother's, Proper"),
        "guide": words("Classic, Traditional, Heritage, Timeless, Essential, Proper"),
        "history": words("Classic, Concise, Definitive, Illustrated, Authoritative, Standard"),
        "children": words("Old-Fashioned, Faithful, Proper, Honest, Brave, Clever"),
        "gift": words("Classic, Linen, Heritage, Library"),
    },
}

FIRST_NAMES = words(
    "Agnes, Tobias, Mireille, Edwin, Ingrid, Rafael, Beatrix, Samuel, Noor, Henrik, Clara, Owen,"
    "Yuki, Matthias, Leonie, Desmond, Astrid, Pavel, Harriet, Idris, Sofia, Callum, Marta, Julian,"
    "Freya, Anselm, Priya, Gideon, Elspeth, Luca, Ottilie, Bram, Zadie, Viktor, Imogen, Kofi, Hanna"
)
LAST_NAMES = words(
    "Hallworth, Brandvold, Castellan, Penhaligon, Okafor, Lindqvist, Marchetti, Thornbury, Aziz,"
    "Vanderhout, Quillfeather, Sorensen, Ashdown, Morrigan, Delacroix, Whitlock, Ferreira, Nakata,"
    "Grimshaw, Oakley, Petrov, Rosendahl, Tremaine, Vasquez, Wetherby, Yarrow, Zeller, Bellwether,"
    "Carmody, Duskin, Eastlake, Fennimore, Gallowglass, Hartigan, Isherton, Jessamy, Kilbride,"
    "Larkspur, Mossman, Nightingale, Ormerod"
)
# The two lists' lengths have no common divisor, so walking both together repeats no pair.
AUTHORS = tuple(
    f"{FIRST_NAMES[i % len(FIRST_NAMES)]} {LAST_NAMES[i % len(LAST_NAMES)]}" for i in range(180)
)


def book_details(rng: np.random.Generator, register: str) -> dict[str, object]:
    """Pages and language of one title; stationery has neither."""
    if register == "gift":
        return {"giftable": True}
    shortest = 24 if register == "children" else 160
    return {
        "pages": shortest + int(rng.integers(0, 45)) * 8,
        "language": "English",
    }


ACORN_BOOKS = StoreSpec(
    name="Acorn Books",
    slug="acorn-books",
    id_prefix="AB",
    currency="GBP",
    price_step_minor=100,
    price_less_minor=10,
    leaves=LEAVES,
    styles=STYLES,
    style_attribute="mood",
    variants=(
        Variant("Paperback", 1.0, 1.0),
        Variant("Hardcover", 1.7, 0.6),
        Variant("E-book", 0.7, 0.7),
        Variant("Audiobook", 1.3, 0.5),
    ),
    variant_attribute="format",
    variant_title="{title} ({variant})",
    departments=("",),
    brands=AUTHORS,
    sections_per_brand=1,
    accessory_brands=words("Acorn & Co, Foxglove Paper, Dogear"),
    proper_names=words(
        "Aldermoor, Elin, Saint Orla, Marrow Hill, Ravensby, Odette, Port Lorne, Tamsin, Wexcombe,"
        "Juniper, Kestrel Bay, Magnus, Nine Elms, Oslo, Lisbon, Trieste, Isolde, Hollin, Bergen,"
        "Captain Finch, Arden, Salt Lane, Mabel, Thistledown, Cornwall, Ostra, Edmund, Vesper"
    ),
    descriptions=(
        "{leaf}: a {style} book by {brand}.",
        "{brand} returns to {leaf} with a {style} new title.",
        "A {style} choice from our {leaf} shelf, by {brand}.",
    ),
    accessory_descriptions=(
        "{noun} by {brand}, made to last and ready to give.",
        "A small companion for every reader: {noun} from {brand}.",
    ),
    details=book_details,
)
