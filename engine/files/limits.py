"""How much one file of an import may hold; reading never keeps more than a block of it."""

from __future__ import annotations

# Of the file as it comes, and again of what a packed one holds.
MAX_FILE_BYTES = 1024**3
MAX_ROWS = 5_000_000
MAX_COLUMNS = 200
# Of one row; what is longer is no row of a catalogue but a missing quote or line end.
MAX_ROW_CHARACTERS = 64 * 1024
MAX_BATCH_ROWS = 5_000
# A batch of long rows ends earlier, so that 5,000 of 64 kB never lie in memory together.
MAX_BATCH_CHARACTERS = 16 * 1024**2
