"""Birch Shoes: the shelves, styles, brands and colours the sample-store generator draws from."""

from __future__ import annotations

import numpy as np

from saas.lifecycle.sample.spec import Leaf, StoreSpec, Variant, words

SHOE = ("{name} {style} {noun}", "{name} {noun}", "{style} {name} {noun}")
CARE = ("{style} {noun}", "{name} {noun}", "{name} {style} {noun}")

SUMMER, WINTER, SPRING, AUTUMN = 190, 10, 105, 290


def _leaf(path: str, price: float, nouns: str, peak_day: int | None = None) -> Leaf:
    return Leaf(f"Shoes > {path}", words(nouns), SHOE, price, "shoe", peak_day)


def _care(path: str, price: float, nouns: str, *goes_with: str, is_consumable: bool = True) -> Leaf:
    return Leaf(
        f"Accessories > {path}",
        words(nouns),
        CARE,
        price,
        "care",
        goes_with=goes_with,
        is_consumable=is_consumable,
    )


LEAVES = (
    _leaf("Boots > Chelsea boots", 139, "Chelsea Boot, Ankle Boot, Pull-On Boot", AUTUMN),
    _leaf("Boots > Lace-up boots", 149, "Lace-Up Boot, Work Boot, Derby Boot", AUTUMN),
    _leaf("Boots > Winter boots", 159, "Snow Boot, Shearling Boot, Lined Boot", WINTER),
    _leaf("Boots > Rain boots", 69, "Rain Boot, Wellington, Short Wellington", AUTUMN),
    _leaf("Sneakers > Low sneakers", 95, "Sneaker, Low-Top, Court Shoe"),
    _leaf("Sneakers > High sneakers", 105, "High-Top, Mid Sneaker, Basketball Sneaker"),
    _leaf("Sneakers > Canvas sneakers", 59, "Canvas Shoe, Plimsoll, Deck Sneaker", SPRING),
    _leaf("Sneakers > Platform sneakers", 99, "Platform Sneaker, Chunky Sneaker, Wedge Trainer"),
    _leaf("Sport > Road running", 129, "Running Shoe, Tempo Trainer, Daily Trainer", SPRING),
    _leaf("Sport > Trail running", 135, "Trail Runner, Fell Shoe, Mountain Runner", SPRING),
    _leaf("Sport > Training", 99, "Gym Shoe, Cross Trainer, Lifting Shoe"),
    _leaf("Sport > Racket sports", 109, "Tennis Shoe, Padel Shoe, Indoor Court Shoe"),
    _leaf("Outdoor > Hiking shoes", 145, "Hiking Shoe, Approach Shoe, Walking Shoe", SUMMER),
    _leaf("Outdoor > Hiking boots", 189, "Hiking Boot, Trekking Boot, Mountain Boot", AUTUMN),
    _leaf("Outdoor > Trekking sandals", 85, "Trekking Sandal, River Sandal", SUMMER),
    _leaf("Sandals > Slides", 45, "Slide, Pool Slide, Footbed Mule", SUMMER),
    _leaf("Sandals > Strappy sandals", 79, "Strappy Sandal, Ankle-Strap Sandal, Gladiator", SUMMER),
    _leaf("Sandals > Espadrilles", 65, "Espadrille, Wedge Espadrille, Rope-Sole Mule", SUMMER),
    _leaf("Dress shoes > Oxfords and derbies", 165, "Oxford, Derby, Wholecut"),
    _leaf("Dress shoes > Loafers", 135, "Loafer, Penny Loafer, Tassel Loafer", SPRING),
    _leaf("Dress shoes > Ballet flats", 89, "Ballet Flat, Pointed Flat, Mary Jane"),
    _leaf("Dress shoes > Heels", 119, "Pump, Block Heel, Slingback"),
    _leaf("Slippers > Felt slippers", 55, "Felt Slipper, House Clog, Wool Mule", WINTER),
    _leaf("Slippers > Warm slippers", 49, "Shearling Slipper, Hut Shoe, Slipper Boot", WINTER),
    _care(
        "Care > Leather care",
        12,
        "Leather Balm, Shoe Cream, Wax Polish, Suede Brush, Cedar Shoe Tree",
        "Shoes > Dress shoes",
        "Shoes > Boots",
    ),
    _care(
        "Care > Cleaning",
        11,
        "Sneaker Cleaner, Sole Whitener, Cleaning Foam, Wash Bag",
        "Shoes > Sneakers",
        "Shoes > Sandals",
    ),
    _care(
        "Care > Waterproofing",
        13,
        "Waterproofing Spray, Proofing Wax, Membrane Wash",
        "Shoes > Outdoor",
        "Shoes > Boots",
    ),
    _care(
        "Socks > Running socks",
        14,
        "Running Socks, Compression Socks, Ankle Socks",
        "Shoes > Sport",
        "Shoes > Sneakers",
    ),
    _care(
        "Socks > Wool socks",
        16,
        "Merino Socks, Boot Socks, Hiking Socks",
        "Shoes > Outdoor",
        "Shoes > Slippers",
    ),
    _care(
        "Laces and insoles > Insoles",
        19,
        "Cork Insole, Gel Insole, Wool Insole, Lace Set",
        "Shoes > Sport",
        "Shoes > Dress shoes",
        is_consumable=False,
    ),
)

STYLES = {
    "classic": {
        "shoe": words("Heritage, Goodyear, Burnished, Brogue, Calfskin, Tailored"),
        "care": words("Heritage, Traditional, Beeswax"),
    },
    "sporty": {
        "shoe": words("Flex, Mesh, Cushioned, Lightweight, Knit, Rebound"),
        "care": words("Quick-Dry, Breathable, Light"),
    },
    "elegant": {
        "shoe": words("Satin, Patent, Slim, Almond-Toe, Suede, Sculpted"),
        "care": words("Fine, Delicate, Silk"),
    },
    "rugged": {
        "shoe": words("Storm, Grip, Waterproof, Nubuck, Lugged, Oiled"),
        "care": words("Heavy-Duty, Storm, Expedition"),
    },
    "street": {
        "shoe": words("Retro, Gum-Sole, Skate, Colourblock, Vulcanised, Chunky"),
        "care": words("Retro, Fresh, Crew"),
    },
    "minimal": {
        "shoe": words("Plain, Unlined, Barefoot, Seamless, Tonal, Pared-Back"),
        "care": words("Pure, Unscented, Plain"),
    },
}

MATERIALS = words("full-grain leather, suede, nubuck, canvas, recycled knit, mesh, wool felt")


def shoe_details(rng: np.random.Generator, register: str) -> dict[str, object]:
    """Material, sizes and weather-proofing of one model; care goods have none of them."""
    if register == "care":
        return {"giftable": bool(rng.random() < 0.3)}
    smallest, count = int(rng.integers(35, 41)), int(rng.integers(5, 9))
    return {
        "material": MATERIALS[int(rng.integers(len(MATERIALS)))],
        "sizes": [str(size) for size in range(smallest, smallest + count)],
        "waterproof": bool(rng.random() < 0.25),
    }


BIRCH_SHOES = StoreSpec(
    name="Birch Shoes",
    slug="birch-shoes",
    id_prefix="BS",
    currency="EUR",
    price_step_minor=500,
    price_less_minor=5,
    leaves=LEAVES,
    styles=STYLES,
    style_attribute="style",
    variants=tuple(
        Variant(colour, 1.0, demand)
        for colour, demand in (
            ("black", 1.0),
            ("cognac", 0.8),
            ("navy", 0.6),
            ("moss", 0.5),
            ("oat", 0.7),
            ("white", 0.8),
            ("burgundy", 0.5),
            ("slate", 0.6),
            ("coral", 0.4),
        )
    ),
    variant_attribute="colour",
    variant_title="{title}, {variant}",
    departments=("Women", "Men", "Unisex"),
    brands=words(
        "Fjellmark, Ortano, Harrow & Pike, Lumera, Tarnwick, Velasca Nord, Brindle, Kestrel Nine,"
        "Solvik, Moreau Fils, Pavo, Grantham Last, Altura Uno, Nimbo, Ostler, Quay Street, Rivello,"
        "Skarn, Tessaly, Umberleigh, Vantor, Wolfsbane, Yarrow Cobblers, Zephyrine, "
        "Cobb & Daughters,"
        "Drumlin, Elmet, Fenwright, Gallo Rosso, Hafen, Isola Bella Scarpe, Junco"
    ),
    sections_per_brand=2,
    accessory_brands=words("Birch Basics, Tannery No. 4, Woolsack, Saddle & Sole"),
    proper_names=words(
        "Alder, Brisk, Calder, Dune, Ember, Fennel, Gale, Heath, Iris, Jura, Kelso, Lark, Mersey,"
        "Nova, Orkney, Pike, Quill, Rowan, Skye, Tarn, Umber, Vale, Wren, Yew, Zinnia, Arlo, "
        "Bonnie,"
        "Cleo, Dorian, Esme, Fable, Greta, Hugo, Inga, Jonas, Kit, Lotta, Milo, Nell, Otis, "
        "Piper, Rex"
    ),
    descriptions=(
        "{noun} with a {style} look, made by {brand} for everyday wear.",
        "{leaf} by {brand}: a {style} model, true to size.",
        "A {style} choice from our {leaf} shelf, made by {brand}.",
    ),
    accessory_descriptions=(
        "{noun} by {brand}: a few minutes of care, years of wear.",
        "{brand} {noun}, the one our own cobblers use.",
    ),
    details=shoe_details,
)
