"""English: cleaned text becomes spoken words and pauses (`scanner`), and words become phones (`pronounce`)."""
