"""The shelves of Acorn Books: how each category's goods are named, priced and timed."""

from __future__ import annotations

from saas.lifecycle.sample.spec import Leaf, words

FICTION = (
    "The {style} {noun}",
    "{noun} of the {style} {other}",
    "The {noun} at {name}",
    "A {style} {noun}",
    "The {style} {noun} of {name}",
    "{name} and the {style} {noun}",
    "Beyond the {style} {noun}",
)
COOKBOOK = (
    "The {style} Book of {noun}",
    "{style} {noun}",
    "{style} {noun} and {other}",
    "{noun} the {style} Way",
    "{name}'s {style} {noun}",
)
GUIDE = (
    "The {style} Guide to {noun}",
    "{style} {noun}",
    "{noun} and {other}: A {style} Companion",
    "A {style} Year of {noun}",
    "{noun} for {style} People",
)
HISTORY = (
    "The {style} History of the {noun}",
    "{noun} and {other}: A {style} History",
    "The {style} {noun}",
    "How the {noun} Shaped {name}",
    "{name} and the {style} {noun}",
)
PICTURE = (
    "The {style} {noun}",
    "{name} and the {style} {noun}",
    "Goodnight, {style} {noun}",
    "Where Does the {style} {noun} Sleep?",
    "{name}'s {style} {noun}",
)
GIFT = ("{style} {noun}", "{style} {noun} in {name} Print", "{name} {noun}")

SUMMER, WINTER, SPRING, NEW_YEAR, CHRISTMAS = 196, 15, 105, 8, 344

# section: the register of its titles and a typical price
SECTIONS = {
    "Crime": ("fiction", 13),
    "Fantasy": ("fiction", 15),
    "Science fiction": ("fiction", 14),
    "Romance": ("fiction", 10),
    "Literary fiction": ("fiction", 14),
    "History": ("history", 18),
    "Food and drink": ("cookbook", 22),
    "Home and garden": ("guide", 20),
    "Travel": ("guide", 16),
    "Mind and body": ("guide", 14),
    "Children": ("children", 9),
}

SHELVES = {
    "Crime > Nordic noir": words(
        "Fjord, Winter, Glacier, Verdict, Witness, Ice Road, Lighthouse, Inlet, Snowfield, "
        "Ferry, Birch Wood, Informant"
    ),
    "Crime > Cosy mysteries": words(
        "Vicar, Tea Room, Bake Sale, Gardener, Village Fete, Bookshop, Choir, Teapot, "
        "Allotment, Parish Clerk, Postmistress, Jam Jar"
    ),
    "Crime > Police procedurals": words(
        "Warrant, Night Shift, Precinct, Alibi, Cold Case, Suspect, Evidence Room, "
        "Confession, Patrol, Sergeant, Interview, Raid"
    ),
    "Crime > Psychological thrillers": words(
        "Neighbour, Wife, Passenger, Mirror, Guest, Stranger, Sister, Therapist, Lie, "
        "Nursery, Diary, Tenant"
    ),
    "Fantasy > Epic fantasy": words(
        "Throne, Dragon, Oath, Sword, Crown, Citadel, Prophecy, Realm, Warden, Rune, Siege, Heir"
    ),
    "Fantasy > Urban fantasy": words(
        "Alley, Familiar, Coven, Underground, Tram, Gargoyle, Rooftop, Charm, Night Market, "
        "Warlock, Canal, Lamplighter"
    ),
    "Fantasy > Fairy-tale retellings": words(
        "Spindle, Thorn, Glass Slipper, Woodcutter, Raven, Briar, Tower, Seventh Swan, "
        "Hearth, Wolf, Midwinter, Stepsister"
    ),
    "Science fiction > Space opera": words(
        "Starship, Armada, Nebula, Orbit, Admiral, Colony, Comet, Jump Gate, Moon, Beacon, "
        "Drift, Empire"
    ),
    "Science fiction > Dystopia": words(
        "City, Wall, Ration, Curfew, Archive, Commune, Quota, Zone, Algorithm, Harvest, "
        "Citizen, Drought"
    ),
    "Science fiction > First contact": words(
        "Signal, Visitor, Translator, Antenna, Arrival, Frequency, Linguist, Crater, Silence, "
        "Observatory, Probe, Echo"
    ),
    "Romance > Contemporary romance": words(
        "Wedding, Roommate, Bakery, Proposal, Kiss, Flatmate, Florist, Second Chance, Letter, "
        "Best Man, Heartbeat, Cafe"
    ),
    "Romance > Regency romance": words(
        "Duke, Ballroom, Governess, Viscount, Scandal, Season, Carriage, Masquerade, Heiress, "
        "Waltz, Rake, Debutante"
    ),
    "Romance > Beach reads": words(
        "Island, Summer, Lagoon, Beach House, Regatta, Sunburn, Harbour, Lemon Grove, "
        "Sandbar, Ice Cream Van, Boardwalk, Tide"
    ),
    "Romance > Christmas stories": words(
        "Mistletoe, Snow Globe, Carol, Gingerbread, Sleigh, Advent, Fireside, Christmas "
        "Market, Snowfall, Candle, Holly, Stocking"
    ),
    "Literary fiction > Family sagas": words(
        "Inheritance, Orchard, Daughter, Vineyard, Mill, House, Brother, Photograph, Farm, "
        "Homecoming, Widow, Cradle"
    ),
    "Literary fiction > Short stories": words(
        "Afternoon, Corridor, Postcard, Interval, Station, Umbrella, Staircase, Intermission, "
        "Balcony, Telegram, Window, Errand"
    ),
    "Literary fiction > In translation": words(
        "Border, Grammar, Exile, Apartment, Bridge, Piano, River, Tobacconist, Museum, "
        "Alphabet, Dictator, Quarter"
    ),
    "History > Ancient world": words(
        "Senate, Legion, Aqueduct, Oracle, Pharaoh, Phalanx, Bronze Age, Colosseum, Papyrus, "
        "Trireme, Agora, Mosaic"
    ),
    "History > Maritime history": words(
        "Whaler, Lighthouse, Convoy, Trade Wind, Longitude, Harbour, Clipper, Mutiny, Spice "
        "Route, Shipwreck, Sextant, Dockyard"
    ),
    "History > Modern history": words(
        "Armistice, Treaty, Railway, Embassy, Uprising, Iron Curtain, Telegraph, Airlift, "
        "Cipher, Republic, Strike, Summit"
    ),
    "Food and drink > Baking": words(
        "Bread, Sourdough, Cakes, Biscuits, Pastry, Tarts, Buns, Puddings, Pies, Brioche, "
        "Rye, Meringues"
    ),
    "Food and drink > Vegetables": words(
        "Greens, Roots, Beans, Salads, Squash, Mushrooms, Soups, Grains, Lentils, Pickles, "
        "Tomatoes, Cabbages"
    ),
    "Food and drink > Grilling": words(
        "Barbecue, Skewers, Charcoal, Ribs, Flatbreads, Marinades, Kebabs, Smokehouse, Corn, "
        "Fish, Relishes, Campfire Suppers"
    ),
    "Home and garden > Gardening": words(
        "Roses, Borders, Allotments, Herbs, Compost, Orchards, Ponds, Window Boxes, Hedges, "
        "Seeds, Bulbs, Greenhouses"
    ),
    "Home and garden > Nature": words(
        "Birds, Moths, Hedgehogs, Wildflowers, Fungi, Bees, Owls, Rivers, Woodlands, "
        "Seabirds, Mosses, Tides"
    ),
    "Travel > Hiking guides": words(
        "Coast Paths, Ridges, Hut Tours, Pilgrim Ways, Waterfalls, Canyons, Moors, Alpine "
        "Passes, Lake Walks, Dunes, Forest Trails, Islands"
    ),
    "Travel > City breaks": words(
        "Markets, Rooftops, Night Trains, Cafes, Museums, Canals, Old Towns, Bookshops, "
        "Bridges, Gardens, Bakeries, Harbours"
    ),
    "Mind and body > Habits": words(
        "Mornings, Focus, Routines, Willpower, Saving, Lists, Deadlines, Attention, Ambition, "
        "Meetings, Tidying, Beginnings"
    ),
    "Mind and body > Mindfulness": words(
        "Breathing, Sleep, Stillness, Walking, Yoga, Rest, Kindness, Solitude, Listening, "
        "Evenings, Gratitude, Silence"
    ),
    "Children > Picture books": words(
        "Bear, Hedgehog, Moon, Duckling, Elephant, Tractor, Penguin, Rabbit, Whale, Puddle, "
        "Fox, Dinosaur"
    ),
    "Children > Adventures 8-12": words(
        "Treehouse, Pirate Map, Submarine, Robot, Secret Tunnel, Circus, Lighthouse, Time "
        "Machine, Volcano, Ghost Train, Detective Club, Kite"
    ),
}

# Day of the year on which a shelf sells best.
PEAK_DAYS = {
    "Crime > Nordic noir": WINTER,
    "Romance > Beach reads": SUMMER,
    "Romance > Christmas stories": CHRISTMAS,
    "Food and drink > Baking": CHRISTMAS,
    "Food and drink > Vegetables": SPRING,
    "Food and drink > Grilling": SUMMER,
    "Home and garden > Gardening": SPRING,
    "Travel > Hiking guides": SUMMER,
    "Mind and body > Habits": NEW_YEAR,
}

TITLES = {
    "fiction": FICTION,
    "cookbook": COOKBOOK,
    "guide": GUIDE,
    "history": HISTORY,
    "children": PICTURE,
}


def _book_shelf(path: str) -> Leaf:
    register, price = SECTIONS[path.split(" > ")[0]]
    return Leaf(
        path=f"Books > {path}",
        nouns=SHELVES[path],
        title_templates=TITLES[register],
        typical_price=price,
        register=register,
        peak_day=PEAK_DAYS.get(path),
    )


def _gift_shelf(
    name: str, price: float, nouns: str, *goes_with: str, is_consumable: bool = False
) -> Leaf:
    return Leaf(
        f"Gifts > Stationery > {name}",
        words(nouns),
        GIFT,
        price,
        "gift",
        goes_with=goes_with,
        is_consumable=is_consumable,
    )


LEAVES = (
    *(_book_shelf(path) for path in SHELVES),
    _gift_shelf(
        "Notebooks",
        9,
        "Notebook, Pocket Notebook, Reading Journal, Dot-Grid Notebook, Sketchbook, Diary",
        "Books > Mind and body",
        "Books > Literary fiction",
        "Books > Travel",
        is_consumable=True,
    ),
    _gift_shelf(
        "Bookmarks",
        4,
        "Bookmark, Magnetic Bookmark, Ribbon Bookmark, Bookplate Set, Leather Bookmark",
        "Books > Romance",
        "Books > Fantasy",
        "Books > Children",
        "Books > History",
    ),
    _gift_shelf(
        "Reading lights",
        18,
        "Reading Light, Clip-On Lamp, Book Lamp, Bookstand, Page Holder",
        "Books > Crime",
        "Books > Science fiction",
    ),
    _gift_shelf(
        "Kitchen and tea",
        11,
        "Tea Towel, Loose Tea, Recipe Cards, Herbal Tea, Seed Packet Set, Mug",
        "Books > Food and drink",
        "Books > Home and garden",
        is_consumable=True,
    ),
)
